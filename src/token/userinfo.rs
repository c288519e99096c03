//! UserInfo (OIDC Core §5.3): any access token of ours that holds `openid`, whatever its audience.

use serde::Serialize;

use super::access::roles;
use super::claims::{UserClaims, by_scope};
use super::store;
use crate::broker::Broker;
use crate::client::UserClaim;
use crate::ids::UserId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::scope::Scope;
use crate::user::{self, User};

/// The answer: `sub` and what scope and registration allow. Owned, because it outlives the request's borrow.
#[derive(Debug)]
pub struct UserInfo {
    user: User,
    roles: Vec<String>,
    wanted: std::collections::BTreeSet<UserClaim>,
}

#[derive(Serialize)]
struct Body<'a> {
    sub: &'a str,
    #[serde(flatten)]
    claims: UserClaims<'a>,
}

impl Serialize for UserInfo {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let claims = UserClaims::select(&self.user, &self.roles, &self.wanted);
        Body { sub: self.user.id.as_str(), claims }.serialize(s)
    }
}

#[derive(Debug)]
pub enum UserInfoError {
    Refused(OAuthError),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for UserInfoError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// # Errors
/// `invalid_token` when the token does not hold today, `insufficient_scope` without `openid`.
pub async fn answer(broker: &Broker, bearer: &str) -> Result<UserInfo, UserInfoError> {
    let invalid = |text: &'static str| UserInfoError::Refused(OAuthError::new(ErrorCode::InvalidToken, text));
    let token = broker.keys.load().verify(bearer).map_err(|_| invalid("the access token is not one of ours"))?;
    let text = |name: &str| token.claims.get(name).and_then(serde_json::Value::as_str);
    // an ID token is signed by the same keys: only an access token has a scope and a jti
    let (Some(jti), Some(scope), Some(sub)) = (text("jti"), text("scope"), text("sub")) else {
        return Err(invalid("this is not an access token"));
    };
    if text("iss") != Some(broker.ctx.urls.issuer()) {
        return Err(invalid("the access token was issued under another issuer"));
    }
    let ends = token.claims.get("exp").and_then(serde_json::Value::as_i64).unwrap_or(0);
    if ends <= broker.ctx.now().unix_timestamp() {
        return Err(invalid("the access token has expired"));
    }
    let scope = Scope::parse(scope);
    if !scope.contains("openid") {
        let text = "UserInfo needs an access token with the scope openid";
        return Err(UserInfoError::Refused(OAuthError::new(ErrorCode::InsufficientScope, text)));
    }
    let mut conn = broker.ctx.db.acquire().await?;
    if store::is_revoked(&mut conn, jti).await? {
        return Err(invalid("the access token was revoked"));
    }
    let user = user::store::by_id(&mut conn, &UserId::from_stored(sub.into())).await?;
    let user = user.filter(User::is_active).ok_or_else(|| invalid("the person may not sign in any more"))?;
    let catalog = broker.catalog.load();
    let client = text("client_id").and_then(|id| catalog.client(id)).filter(|c| c.enabled);
    let client = client.ok_or_else(|| invalid("the client of this token is gone or disabled"))?;
    let mut wanted = by_scope(&scope);
    wanted.extend(&client.claims.userinfo);
    let audiences = audiences(&token.claims);
    let roles = if wanted.contains(&UserClaim::Roles) { roles(&catalog, &user, &audiences) } else { Vec::new() };
    Ok(UserInfo { user, roles, wanted })
}

fn audiences(claims: &serde_json::Value) -> Vec<String> {
    match claims.get("aud") {
        Some(serde_json::Value::String(one)) => vec![one.clone()],
        Some(serde_json::Value::Array(many)) => many.iter().filter_map(|a| a.as_str().map(Into::into)).collect(),
        _ => Vec::new(),
    }
}
