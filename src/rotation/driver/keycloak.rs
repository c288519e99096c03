//! Keycloak's Admin REST API, as a service account. Where a client policy keeps the rotated secret alive, Keycloak makes the
//! value and shows it again on demand; elsewhere the secret is set to a value of ours, and the old one ends at once. The right
//! is to configure and manage this one client, by fine-grained admin permissions; `manage-clients` is for all of them.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::call::{Body, segment};
use super::{Added, At, Removal};
use crate::connection::secret_driver::Settings;
use crate::rotation::cause::{Cause, Hitch};
use crate::secret::Secret;

struct Admin {
    bearer: Zeroizing<String>,
    client: Value,
    /// Of the client.
    url: String,
}

async fn admin(at: &At<'_>) -> Result<Admin, Hitch> {
    let Settings::Keycloak { url, realm, client_id, .. } = &at.driver.settings else {
        unreachable!("another driver's settings")
    };
    let realm = segment(realm);
    let token = format!("{url}/realms/{realm}/protocol/openid-connect/token");
    let bearer = at.bearer(&token, &[("client_id", client_id)]).await?;
    let clients = format!("{url}/admin/realms/{realm}/clients");
    let query = format!("{clients}?clientId={}", segment(&at.oidc.client_id));
    let answer = at.send(Method::GET, &query, Some(&bearer), Body::None).await?;
    if answer.status != StatusCode::OK {
        return Err(answer.refused(at));
    }
    let found = answer.json.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut exact = found.iter().filter(|one| one["clientId"] == at.oidc.client_id.as_str());
    match (exact.next(), exact.next()) {
        (Some(client), None) => Ok(Admin {
            url: format!("{clients}/{}", segment(client["id"].as_str().unwrap_or_default())),
            client: client.clone(),
            bearer,
        }),
        _ => Err(Hitch::never(Cause::NotFound, "the realm shows no such client to the service account")),
    }
}

/// The rotated secret has no id: there is one at most.
const ROTATED: &str = "rotated";

pub(super) async fn survey(at: &At<'_>) -> Result<Option<String>, Hitch> {
    admin(at).await?;
    let keeps = matches!(at.driver.settings, Settings::Keycloak { keeps_old: true, .. });
    Ok(keeps.then(|| ROTATED.to_owned()))
}

/// Without the policy.
pub(super) async fn set(at: &At<'_>, value: &Secret<String>) -> Result<Added, Hitch> {
    let mut admin = admin(at).await?;
    admin.client["secret"] = json!(value.expose());
    let answer = at.send(Method::PUT, &admin.url, Some(&admin.bearer), Body::Json(&admin.client)).await?;
    if !answer.status.is_success() {
        return Err(answer.refused(at));
    }
    Ok(Added { id: None, value: None, expires_at: None })
}

/// With the policy. A secret that is not ours any more was made by an attempt whose answer was lost, or by somebody else; to
/// make another one would end the rotated one, which is ours.
pub(super) async fn regenerate(at: &At<'_>) -> Result<Added, Hitch> {
    let admin = admin(at).await?;
    let url = format!("{}/client-secret", admin.url);
    let current = secret(at, Method::GET, &url, &admin.bearer).await?;
    let value = if current == at.active { secret(at, Method::POST, &url, &admin.bearer).await? } else { current };
    if value == at.active {
        return Err(Hitch::never(Cause::NotRotated, "the secret is the same as before"));
    }
    Ok(Added { id: None, value: Some(value), expires_at: None })
}

async fn secret(at: &At<'_>, method: Method, url: &str, bearer: &str) -> Result<Secret<String>, Hitch> {
    let answer = at.send(method, url, Some(bearer), Body::None).await?;
    match answer.json["value"].as_str().filter(|_| answer.status.is_success()) {
        Some(value) => Ok(Secret::new(value.to_owned())),
        None if answer.status.is_success() => Err(Hitch::later("the provider's answer has no value")),
        None => Err(answer.refused(at)),
    }
}

pub(super) async fn remove_old(at: &At<'_>) -> Result<Removal, Hitch> {
    let admin = admin(at).await?;
    let url = format!("{}/client-secret/rotated", admin.url);
    let answer = at.send(Method::DELETE, &url, Some(&admin.bearer), Body::None).await?;
    match answer.status {
        status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(Removal::Done),
        _ => Err(answer.refused(at)),
    }
}
