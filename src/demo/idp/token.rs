//! From code to tokens (OIDC Core §3.1.3).

use serde::Serialize;

use super::people::Claims;
use super::{AccessToken, CLIENT_ID, CODE_LIFE, Idp, TOKEN_LIFE, locked};
use crate::jose::{Alg, Header};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::oauth::pkce;

#[derive(Serialize)]
pub(super) struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
    id_token: String,
}

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(flatten)]
    claims: Claims,
}

/// The client has proven who it is.
pub(super) fn redeem(idp: &Idp, params: &Params) -> Result<TokenResponse, OAuthError> {
    let refuse = |text: &'static str| Err(OAuthError::new(ErrorCode::InvalidGrant, text));
    if params.require("grant_type")? != "authorization_code" {
        return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "grant_type must be authorization_code"));
    }
    let now = idp.now();
    // taken out whatever happens next: a code works once
    let code = locked(&idp.codes).remove(params.require("code")?);
    let Some(code) = code.filter(|code| code.signed_in_at + CODE_LIFE > now) else {
        return refuse("the code is unknown, used or older than a minute");
    };
    if params.require("redirect_uri")? != idp.redirect_uri {
        return refuse("redirect_uri is not the one of the authorization request");
    }
    pkce::check(Some(&code.challenge), params.get("code_verifier"))?;

    let header = Header::new(Alg::RS256, "JWT").with_kid(&idp.key.public_jwk().kid);
    let id_token = IdToken {
        iss: idp.company.urls.issuer(),
        aud: CLIENT_ID,
        iat: now.unix_timestamp(),
        exp: (now + TOKEN_LIFE).unix_timestamp(),
        auth_time: code.signed_in_at.unix_timestamp(),
        nonce: code.nonce.as_deref(),
        claims: code.person.claims(&code.scope),
    };
    let response = TokenResponse {
        access_token: idp.rng.token(),
        token_type: "Bearer",
        expires_in: TOKEN_LIFE.whole_seconds(),
        scope: code.scope.to_string(),
        id_token: idp.key.sign_jwt(&header, &id_token),
    };
    let token = AccessToken { person: code.person, scope: code.scope, ends: now + TOKEN_LIFE };
    let mut tokens = locked(&idp.access_tokens);
    tokens.retain(|_, token| token.ends > now);
    tokens.insert(response.access_token.clone(), token);
    Ok(response)
}

/// UserInfo (OIDC Core §5.3); `None` for a token that is unknown or over.
pub(super) fn userinfo(idp: &Idp, access_token: &str) -> Option<Claims> {
    let tokens = locked(&idp.access_tokens);
    let token = tokens.get(access_token).filter(|token| token.ends > idp.now())?;
    Some(token.person.claims(&token.scope))
}
