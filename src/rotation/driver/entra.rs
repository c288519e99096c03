//! Entra ID through Microsoft Graph: `addPassword` and `removePassword` of one application. Several secrets live beside each
//! other; the value comes back once, so the marker in `displayName` is what a lost answer is found by. The least right is
//! `Application.ReadWrite.OwnedBy` and to be an owner of this one application.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;
use zeroize::Zeroizing;

use super::call::{Answer, Body, segment};
use super::{Added, At, Removal};
use crate::connection::secret_driver::Settings;
use crate::rotation::cause::{Cause, Hitch};
use crate::secret::Secret;
use crate::upstream::SecretTrial;

/// Days, for a tenant whose policy refuses what was asked for.
const LADDER: [i32; 3] = [180, 90, 30];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Application {
    id: String,
    app_id: String,
    #[serde(default)]
    password_credentials: Vec<Password>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Password {
    key_id: String,
    #[serde(default)]
    display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewPassword {
    key_id: String,
    secret_text: Secret<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    end_date_time: Option<OffsetDateTime>,
}

struct Graph {
    bearer: Zeroizing<String>,
    base: String,
}

struct Places<'a> {
    token: String,
    scope: String,
    graph: &'a str,
    client_id: &'a str,
}

fn places<'a>(at: &'a At<'_>) -> Places<'a> {
    let Settings::Entra { tenant, client_id, login_url, graph_url, .. } = &at.driver.settings else {
        unreachable!("another driver's settings")
    };
    // each cloud has its own: the origin of its Graph is the audience
    let origin = Url::parse(graph_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    Places {
        token: format!("{login_url}/{}/oauth2/v2.0/token", segment(tenant)),
        scope: format!("{origin}/.default"),
        graph: graph_url,
        client_id: client_id.as_deref().unwrap_or(&at.oidc.client_id),
    }
}

async fn graph(at: &At<'_>) -> Result<Graph, Hitch> {
    let places = places(at);
    let bearer = at.bearer(&places.token, &[("client_id", places.client_id), ("scope", &places.scope)]).await;
    let bearer = bearer.map_err(|hitch| match hitch {
        // with our own secret: not all of their servers know it yet
        Hitch::Never { cause: Cause::CredentialRefused, said } if !at.driver.settings.needs_credential() => {
            Hitch::later(said)
        }
        other => other,
    })?;
    Ok(Graph { bearer, base: places.graph.to_owned() })
}

impl Graph {
    async fn application(&self, at: &At<'_>) -> Result<Application, Hitch> {
        let Settings::Entra { object_id, .. } = &at.driver.settings else { unreachable!("another driver's settings") };
        let which = match object_id {
            Some(id) => format!("/{}", segment(id)),
            None => format!("(appId='{}')", segment(&at.oidc.client_id)),
        };
        let url = format!("{}/applications{which}?$select=id,appId,passwordCredentials,keyCredentials", self.base);
        let answer = at.send(Method::GET, &url, Some(&self.bearer), Body::None).await?;
        if answer.status != StatusCode::OK {
            return Err(answer.refused(at));
        }
        let found: Application = read(&answer)?;
        if !found.app_id.eq_ignore_ascii_case(&at.oidc.client_id) {
            return Err(Hitch::never(Cause::NotFound, "the object id is another application's than the connection's"));
        }
        Ok(found)
    }

    async fn remove(&self, at: &At<'_>, application: &Application, key: &str) -> Result<Answer, Hitch> {
        let url = format!("{}/applications/{}/removePassword", self.base, segment(&application.id));
        at.send(Method::POST, &url, Some(&self.bearer), Body::Json(&json!({ "keyId": key }))).await
    }

    /// What was listed a moment ago and is not there any more is removed.
    async fn remove_listed(&self, at: &At<'_>, application: &Application, key: &str) -> Result<(), Hitch> {
        let answer = self.remove(at, application, key).await?;
        match answer.status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            _ => Err(answer.refused(at)),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Hitch> {
    // serde's own text would repeat the provider's
    T::deserialize(&answer.json).map_err(|_| Hitch::later("the provider's answer cannot be read"))
}

pub(super) async fn survey(at: &At<'_>) -> Result<Option<String>, Hitch> {
    let graph = graph(at).await?;
    let application = graph.application(at).await?;
    for one in &application.password_credentials {
        if at.is_orphan(&one.key_id, one.display_name.as_deref()) {
            graph.remove_listed(at, &application, &one.key_id).await?;
        }
    }
    let Settings::Entra { current_key_id, .. } = &at.driver.settings else { return Ok(None) };
    let old = at.active_id().or_else(|| current_key_id.clone());
    Ok(old.filter(|old| application.password_credentials.iter().any(|one| one.key_id == *old)))
}

pub(super) async fn add(at: &At<'_>) -> Result<Added, Hitch> {
    let graph = graph(at).await?;
    let application = graph.application(at).await?;
    // an answer was lost, and the value with it
    for one in &application.password_credentials {
        if one.display_name.as_deref() == Some(&at.rotation.marker) {
            graph.remove_listed(at, &application, &one.key_id).await?;
        }
    }
    let url = format!("{}/applications/{}/addPassword", graph.base, segment(&application.id));
    let asked = at.rotation.lifetime_days;
    let mut last = None;
    for days in std::iter::once(asked).chain(LADDER.into_iter().filter(|days| *days < asked)) {
        let end =
            at.broker.ctx.now().replace_nanosecond(0).unwrap_or(at.broker.ctx.now()) + Duration::days(days.into());
        let body = json!({ "passwordCredential": {
            "displayName": at.rotation.marker,
            "endDateTime": end.format(&Rfc3339).unwrap_or_default(),
        } });
        let answer = at.send(Method::POST, &url, Some(&graph.bearer), Body::Json(&body)).await?;
        if answer.status.is_success() {
            let new: NewPassword = read(&answer)?;
            return Ok(Added {
                id: Some(new.key_id),
                value: Some(new.secret_text),
                expires_at: new.end_date_time.or(Some(end)),
            });
        }
        match answer.json["error"]["code"].as_str() {
            Some("CredentialInvalidLifetimeAsPerAppPolicy") => {
                last = Some(Hitch::never(Cause::LifetimeForbidden, answer.said(at)));
            }
            Some("CredentialTypeNotAllowedAsPerAppPolicy") => {
                return Err(Hitch::never(Cause::SecretsForbidden, answer.said(at)));
            }
            _ => return Err(answer.refused(at)),
        }
    }
    Err(last.unwrap_or_else(|| Hitch::never(Cause::LifetimeForbidden, "no lifetime is left to try")))
}

/// A token of our own, as nobody: whether the secret is looked at before a code is not known there.
pub(super) async fn probe(at: &At<'_>, value: &Secret<String>) -> SecretTrial {
    let wrong = Secret::new(at.broker.ctx.rng.token());
    match ask(at, &wrong).await {
        Ok(SecretTrial::Refused(_)) => {}
        Ok(SecretTrial::Proven) => return SecretTrial::Unclear("it takes a wrong secret too".into()),
        Ok(other) => return other,
        Err(hitch) => return away(hitch),
    }
    ask(at, value).await.unwrap_or_else(away)
}

fn away(hitch: Hitch) -> SecretTrial {
    match hitch {
        Hitch::Later { said, .. } | Hitch::Never { said, .. } => SecretTrial::Unreachable(said),
        Hitch::Lost | Hitch::Database(_) => SecretTrial::Unreachable("it was not asked".into()),
    }
}

async fn ask(at: &At<'_>, value: &Secret<String>) -> Result<SecretTrial, Hitch> {
    let places = places(at);
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", at.oidc.client_id.as_str()),
        ("client_secret", value.expose().as_str()),
        ("scope", &places.scope),
    ];
    let answer = at.send(Method::POST, &places.token, None, Body::Form(&fields)).await?;
    let said = answer.said(at).replace(value.expose().as_str(), "[redacted]");
    Ok(match answer.json["error"].as_str() {
        None if answer.status.is_success() && answer.json["access_token"].is_string() => SecretTrial::Proven,
        Some("invalid_client" | "unauthorized_client") => SecretTrial::Refused(said),
        _ => SecretTrial::Unclear(said),
    })
}

pub(super) async fn remove(at: &At<'_>, id: &str) -> Result<Removal, Hitch> {
    let graph = graph(at).await?;
    let application = graph.application(at).await?;
    let unwanted = |one: &&Password| {
        let lost = one.display_name.as_deref() == Some(&at.rotation.marker);
        one.key_id == id || (lost && at.rotation.new_id.as_ref() != Some(&one.key_id))
    };
    let listed: Vec<&Password> = application.password_credentials.iter().filter(unwanted).collect();
    if listed.is_empty() {
        return Ok(Removal::Done);
    }
    for one in listed {
        graph.remove_listed(at, &application, &one.key_id).await?;
    }
    let after = graph.application(at).await?;
    if after.password_credentials.iter().any(|one| unwanted(&one)) {
        return Err(Hitch::later("the removed secret is still listed"));
    }
    Ok(Removal::Done)
}

pub(super) async fn take_back(at: &At<'_>) -> Result<(), Hitch> {
    let graph = graph(at).await?;
    let application = graph.application(at).await?;
    for one in &application.password_credentials {
        let ours = at.rotation.new_id.as_ref() == Some(&one.key_id)
            || one.display_name.as_deref() == Some(&at.rotation.marker);
        if ours {
            graph.remove_listed(at, &application, &one.key_id).await?;
        }
    }
    Ok(())
}
