//! Introspection (RFC 7662). A client learns of its own tokens and of those whose audience it serves; of any other token
//! it learns what it would learn of garbage.

use serde_json::{Map, Value, json};

use super::presented::{PresentedToken, Shown};
use super::store;
use crate::broker::Broker;
use crate::client::Client;
use crate::oauth::auth_scheme::AuthScheme;
use crate::secret::{Kind, fingerprint, is_well_formed};

/// The answer of RFC 7662 §2.2; `{"active": false}` for whatever does not hold today.
///
/// # Errors
/// the database's.
pub async fn introspect(broker: &Broker, client: &Client, token: &str) -> Result<Value, sqlx::Error> {
    let answer = if is_well_formed(Kind::RefreshToken, token) {
        refresh_token(broker, client, token).await?
    } else {
        access_token(broker, client, token).await?
    };
    Ok(answer.unwrap_or_else(|| json!({ "active": false })))
}

async fn access_token(broker: &Broker, client: &Client, token: &str) -> Result<Option<Value>, sqlx::Error> {
    let Ok(token) = PresentedToken::read(broker, token, Shown::ByThirdParty) else { return Ok(None) };
    let concerns = token.client_id == client.client_id.as_str()
        || token.audiences().iter().any(|a| client.audiences.contains(a) || a == client.client_id.as_str());
    if !concerns {
        return Ok(None);
    }
    let mut conn = broker.ctx.db.acquire().await?;
    if token.standing(broker, &mut conn).await?.is_err() {
        return Ok(None);
    }
    let scheme = if token.key().is_some() { AuthScheme::Dpop } else { AuthScheme::Bearer };
    let mut answer =
        Map::from_iter([("active".to_owned(), Value::Bool(true)), ("token_type".into(), scheme.as_str().into())]);
    answer.extend(token.claims.as_object().cloned().unwrap_or_default());
    Ok(Some(Value::Object(answer)))
}

async fn refresh_token(broker: &Broker, client: &Client, token: &str) -> Result<Option<Value>, sqlx::Error> {
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let Some(stored) = store::by_hash(&mut conn, &fingerprint(token)).await? else { return Ok(None) };
    let family = &stored.family;
    let holds = !stored.revoked
        && stored.user.is_active()
        && stored.rotated.is_none()
        && now < stored.expires_at.min(family.expires_at);
    if !holds || family.client_id != client.client_id.as_str() {
        return Ok(None);
    }
    let catalog = broker.catalog.load();
    let admitted =
        |slug: &str| catalog.connection(slug).is_some_and(|c| c.may_login() && client.allows_connection(&c.slug));
    if !admitted(&family.connection_slug) {
        return Ok(None);
    }
    let Some((scope, _)) = catalog.still_granted(client, &family.scopes, &family.audiences) else { return Ok(None) };
    Ok(Some(json!({
        "active": true,
        "iss": broker.ctx.urls.issuer(),
        "sub": family.user_id,
        "client_id": family.client_id,
        "scope": scope.to_string(),
        "exp": stored.expires_at.unix_timestamp(),
    })))
}
