//! What a request's `claims` parameter means here. People agree to scopes, operators register scopes, and refresh tokens
//! keep scopes: so a claim that is asked for by name brings the scope it belongs to, and comes as far as that scope is
//! granted.

use serde::{Deserialize, Serialize};

use crate::client::UserClaim;
use crate::oauth::claims_parameter::ClaimsParameter;
use crate::oauth::scope::Scope;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestedClaims {
    /// In the ID token, where the granted scope covers them.
    pub id_token: Vec<UserClaim>,
    /// One of these `acr` or no sign-in at all (OIDC Core §5.5.1.1). Empty: any.
    pub essential_acr: Vec<String>,
}

impl RequestedClaims {
    pub fn new(asked: &ClaimsParameter) -> Self {
        let (acr, essential) = asked.acr();
        Self {
            id_token: asked.of_id_token().filter_map(UserClaim::parse).collect(),
            essential_acr: if essential { acr } else { Vec::new() },
        }
    }

    pub fn accepts(&self, acr: Option<&str>) -> bool {
        self.essential_acr.is_empty() || acr.is_some_and(|acr| self.essential_acr.iter().any(|wanted| wanted == acr))
    }
}

/// `scope` and the scopes of the claims asked for. Without `openid` the parameter means nothing.
pub fn with_claims(scope: Scope, asked: &ClaimsParameter) -> Scope {
    if !scope.contains("openid") {
        return scope;
    }
    let named = asked.of_id_token().chain(asked.of_userinfo());
    let mut tokens: Vec<String> = scope.as_slice().to_vec();
    tokens.extend(named.filter_map(UserClaim::parse).filter_map(UserClaim::scope).map(Into::into));
    Scope::from_tokens(tokens)
}
