//! Okta's client secrets: two at most beside each other, a value of ours, and reads that show it, so that a lost answer is
//! found again. The old one is deactivated first, which can be undone, and deleted after another while. The right is
//! `okta.apps.manage` (and `okta.apps.read`) of a service app, with an administrator's role limited to this one app.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use time::Duration;
use zeroize::Zeroizing;

use super::call::{Body, segment};
use super::{Added, At, Removal};
use crate::connection::secret_driver::Settings;
use crate::rotation::cause::{Cause, Hitch};
use crate::secret::Secret;

const MOST: usize = 2;
/// Secrets are listed by the first, and changed by the second.
const SCOPES: &str = "okta.apps.read okta.apps.manage";
/// Between deactivating and deleting.
const SECOND_WATCH: Duration = Duration::hours(1);

#[derive(Deserialize)]
struct AppSecret {
    id: String,
    #[serde(default)]
    client_secret: Option<Secret<String>>,
    status: String,
}

impl AppSecret {
    fn is(&self, value: &Secret<String>) -> bool {
        self.client_secret.as_ref() == Some(value)
    }

    fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

struct Okta {
    authorization: Zeroizing<String>,
    secrets: String,
}

async fn okta(at: &At<'_>) -> Result<Okta, Hitch> {
    let Settings::Okta { url, app_id, bearer, client_id } = &at.driver.settings else {
        unreachable!("another driver's settings")
    };
    let app = segment(app_id.as_deref().unwrap_or(&at.oidc.client_id));
    let authorization = match client_id {
        // scopes of Okta's own API are given to keys only
        Some(client_id) => at.bearer_by_key(&format!("{url}/oauth2/v1/token"), client_id, SCOPES).await?,
        None if *bearer => Zeroizing::new(format!("Bearer {}", at.credential.expose())),
        None => Zeroizing::new(format!("SSWS {}", at.credential.expose())),
    };
    Ok(Okta { authorization, secrets: format!("{url}/api/v1/apps/{app}/credentials/secrets") })
}

impl Okta {
    async fn list(&self, at: &At<'_>) -> Result<Vec<AppSecret>, Hitch> {
        let answer = at.send(Method::GET, &self.secrets, Some(&self.authorization), Body::None).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.refused(at));
        }
        Vec::deserialize(&answer.json).map_err(|_| Hitch::later("the provider's answer cannot be read"))
    }

    async fn lifecycle(&self, at: &At<'_>, id: &str, word: &str) -> Result<(), Hitch> {
        let url = format!("{}/{}/lifecycle/{word}", self.secrets, segment(id));
        let answer = at.send(Method::POST, &url, Some(&self.authorization), Body::None).await?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.refused(at)) }
    }

    async fn delete(&self, at: &At<'_>, id: &str) -> Result<(), Hitch> {
        let url = format!("{}/{}", self.secrets, segment(id));
        let answer = at.send(Method::DELETE, &url, Some(&self.authorization), Body::None).await?;
        if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
            Ok(())
        } else {
            Err(answer.refused(at))
        }
    }

    async fn drop(&self, at: &At<'_>, one: &AppSecret) -> Result<(), Hitch> {
        if one.is_active() {
            self.lifecycle(at, &one.id, "deactivate").await?;
        }
        self.delete(at, &one.id).await
    }
}

pub(super) async fn survey(at: &At<'_>) -> Result<Option<String>, Hitch> {
    let okta = okta(at).await?;
    let mut left = Vec::new();
    for one in okta.list(at).await? {
        // ours, and not the one in use, whatever our own record says
        if at.is_orphan(&one.id, None) && !one.is(&at.active) {
            okta.drop(at, &one).await?;
        } else {
            left.push(one);
        }
    }
    if left.len() >= MOST {
        let said = "the app has two client secrets already, and at least one of them is not ours to remove";
        return Err(Hitch::never(Cause::NoRoom, said));
    }
    let in_use = at.active_id();
    let old = left.into_iter().find(|one| one.is(&at.active) || Some(&one.id) == in_use.as_ref());
    Ok(old.map(|one| one.id))
}

pub(super) async fn add(at: &At<'_>, value: &Secret<String>) -> Result<Added, Hitch> {
    let okta = okta(at).await?;
    let added = |id: String| Added { id: Some(id), value: None, expires_at: None };
    let listed = okta.list(at).await?;
    if let Some(one) = listed.iter().find(|one| one.is(value)) {
        if !one.is_active() {
            okta.lifecycle(at, &one.id, "activate").await?;
        }
        return Ok(added(one.id.clone()));
    }
    if listed.len() >= MOST {
        return Err(Hitch::never(Cause::NoRoom, "the app has two client secrets already"));
    }
    let body = json!({ "client_secret": value.expose(), "status": "ACTIVE" });
    let answer = at.send(Method::POST, &okta.secrets, Some(&okta.authorization), Body::Json(&body)).await?;
    match answer.json["id"].as_str().filter(|_| answer.status.is_success()) {
        Some(id) => Ok(added(id.to_owned())),
        None if answer.status.is_success() => Err(Hitch::later("the provider's answer names no secret")),
        None => Err(answer.refused(at)),
    }
}

pub(super) async fn remove(at: &At<'_>, id: &str) -> Result<Removal, Hitch> {
    let okta = okta(at).await?;
    match okta.list(at).await?.iter().find(|one| one.id == id) {
        None => Ok(Removal::Done),
        Some(one) if one.is_active() => {
            okta.lifecycle(at, id, "deactivate").await?;
            Ok(Removal::Half(SECOND_WATCH))
        }
        Some(_) => {
            okta.delete(at, id).await?;
            let gone = okta.list(at).await?.iter().all(|one| one.id != id);
            if gone { Ok(Removal::Done) } else { Err(Hitch::later("the deleted secret is still listed")) }
        }
    }
}

pub(super) async fn take_back(at: &At<'_>, value: Option<&Secret<String>>) -> Result<(), Hitch> {
    let okta = okta(at).await?;
    for one in okta.list(at).await? {
        let ours = at.rotation.new_id.as_ref() == Some(&one.id) || value.is_some_and(|value| one.is(value));
        if ours && !one.is(&at.active) {
            okta.drop(at, &one).await?;
        }
    }
    Ok(())
}
