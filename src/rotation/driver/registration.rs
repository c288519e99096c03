//! RFC 7592: the client's own registration, by its registration access token. The update sends what was read and no secret;
//! whether the server then makes another one is its own affair. Each answer may bring another token, and the one before is
//! dead by then: it is stored before anything else of the answer is used.

use http::{Method, StatusCode};
use serde_json::Value;
use time::OffsetDateTime;

use super::call::{Answer, Body};
use super::{Added, At};
use crate::connection::secret_driver::{self, Settings};
use crate::rotation::cause::{Cause, Hitch};
use crate::secret::Secret;
use crate::upstream::SecretTrial;

/// RFC 7592 §2.2: what an update must not name; and the secret, which is not for the client to choose.
const SERVERS: [&str; 5] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
    "client_secret",
];

/// Reads first: another secret than ours was made by an update whose answer was lost.
pub(super) async fn add(at: &mut At<'_>) -> Result<Added, Hitch> {
    let before = ask(at, Method::GET, Body::None).await?;
    if before["client_id"] != at.oidc.client_id.as_str() {
        return Err(Hitch::never(Cause::NotFound, "the registration is another client's than the connection's"));
    }
    if let Some(added) = other_secret(at, &before) {
        return Ok(added);
    }
    let mut update = before;
    if let Some(members) = update.as_object_mut() {
        members.retain(|name, _| !SERVERS.contains(&name.as_str()));
    }
    let after = match ask(at, Method::PUT, Body::Json(&update)).await {
        // what it has done, it has done: until the new secret is known, nobody signs in
        Err(Hitch::Later { after: None, .. }) => ask(at, Method::GET, Body::None).await?,
        answered => answered?,
    };
    other_secret(at, &after).ok_or_else(|| {
        Hitch::never(Cause::NotRotated, "the provider updated the registration and left the secret as it was")
    })
}

fn other_secret(at: &At<'_>, registration: &Value) -> Option<Added> {
    let value = registration["client_secret"].as_str().filter(|value| !value.is_empty())?;
    let value = Secret::new(value.to_owned());
    // RFC 7591 §3.2.1: zero stands for never
    let end = registration["client_secret_expires_at"].as_i64().filter(|end| *end > 0);
    let expires_at = end.and_then(|end| OffsetDateTime::from_unix_timestamp(end).ok());
    (value != at.active).then_some(Added { id: None, value: Some(value), expires_at })
}

async fn ask(at: &mut At<'_>, method: Method, body: Body<'_>) -> Result<Value, Hitch> {
    let Settings::Registration { url } = &at.driver.settings else { unreachable!("another driver's settings") };
    let bearer = zeroize::Zeroizing::new(format!("Bearer {}", at.credential.expose()));
    let answer = at.send(method, url, Some(&bearer), body).await?;
    keep_token(at, &answer).await?;
    match answer.status {
        StatusCode::OK if answer.json.is_object() => Ok(answer.json),
        StatusCode::OK => Err(Hitch::later("the provider's answer cannot be read")),
        StatusCode::UNAUTHORIZED => Err(locked_out(at, &answer).await),
        _ => Err(answer.refused(at)),
    }
}

/// A lost answer may have held another token, and another secret with it.
async fn locked_out(at: &At<'_>, answer: &Answer) -> Hitch {
    let trial = at.broker.upstreams.try_secret(&at.broker.ctx, at.connection, &at.active).await;
    let cause = if matches!(trial, SecretTrial::Refused(_)) { Cause::SecretLost } else { Cause::TokenLost };
    Hitch::never(cause, answer.said(at))
}

async fn keep_token(at: &mut At<'_>, answer: &Answer) -> Result<(), Hitch> {
    let Some(token) = answer.json["registration_access_token"].as_str().filter(|_| answer.status.is_success()) else {
        return Ok(());
    };
    let token = Secret::new(token.to_owned());
    if token == at.credential {
        return Ok(());
    }
    let ctx = &at.broker.ctx;
    let sealed = secret_driver::sealed(ctx, &at.connection.id, &token);
    secret_driver::store::replace_credential(&mut *ctx.db.acquire().await?, &at.connection.id, &sealed).await?;
    at.credential = token;
    Ok(())
}
