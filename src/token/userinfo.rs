//! UserInfo (OIDC Core §5.3): any access token of ours that holds `openid`, whatever its audience.

use std::sync::Arc;

use serde::Serialize;

use super::access::roles;
use super::claims::{UserClaims, by_scope};
use super::dpop::{DpopError, Proof};
use super::presented::{PresentedToken, Shown, TokenFault};
use crate::broker::Broker;
use crate::client::{Client, UserClaim};
use crate::oauth::auth_scheme::AuthScheme;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::user::User;

/// The answer: `sub` and what scope and registration allow. Owned, because it outlives the request's borrow.
#[derive(Debug)]
pub struct UserInfo {
    client: Arc<Client>,
    user: User,
    roles: Vec<String>,
    by_scope: Vec<UserClaim>,
}

#[derive(Serialize)]
struct Body<'a> {
    sub: &'a str,
    #[serde(flatten)]
    claims: UserClaims<'a>,
}

impl Serialize for UserInfo {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let listed = &self.client.claims.userinfo;
        let claims = UserClaims::select(&self.client, Some(&self.user), &self.roles, listed, &self.by_scope);
        Body { sub: self.user.id.as_str(), claims }.serialize(s)
    }
}

#[derive(Debug)]
pub enum UserInfoError {
    /// And how the token should have been shown.
    Refused(OAuthError, AuthScheme),
    Database(sqlx::Error),
}

impl From<DpopError> for UserInfoError {
    fn from(error: DpopError) -> Self {
        match error {
            DpopError::Refused(refusal) => Self::Refused(refusal.into(), AuthScheme::Dpop),
            DpopError::Database(error) => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for UserInfoError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// `proof`: came with the token, and is used up when it fits.
///
/// # Errors
/// `invalid_token` when the token does not hold today, `insufficient_scope` without `openid`, `invalid_dpop_proof`.
pub async fn answer(broker: &Broker, token: &str, proof: Option<Proof>) -> Result<UserInfo, UserInfoError> {
    let shown = if proof.is_some() { AuthScheme::Dpop } else { AuthScheme::Bearer };
    let invalid = |fault: TokenFault| {
        let scheme = if fault == TokenFault::BoundToKey { AuthScheme::Dpop } else { shown };
        UserInfoError::Refused(OAuthError::new(ErrorCode::InvalidToken, fault.description()), scheme)
    };
    let key = proof.as_ref().map(|proof| &proof.key);
    let token = PresentedToken::read(broker, token, Shown::ByHolder(key)).map_err(invalid)?;
    if let Some(proof) = proof {
        proof.spend(broker).await?;
    }
    if !token.scope.contains("openid") {
        let text = "UserInfo needs an access token with the scope openid";
        return Err(UserInfoError::Refused(OAuthError::new(ErrorCode::InsufficientScope, text), shown));
    }
    let mut conn = broker.ctx.db.acquire().await?;
    let user = token.standing(broker, &mut conn).await?.map_err(invalid)?;
    let user = user.ok_or_else(|| invalid(TokenFault::NotAnAccessToken))?;
    let catalog = broker.catalog.load();
    let client = catalog.client(&token.client_id).ok_or_else(|| invalid(TokenFault::ClientGone))?;
    let wants_roles = client.claims.userinfo.contains(&UserClaim::Roles.into());
    let roles = if wants_roles { roles(&catalog, &user, &token.audiences()) } else { Vec::new() };
    Ok(UserInfo { client, user, roles, by_scope: by_scope(&token.scope) })
}
