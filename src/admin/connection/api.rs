//! `/api/v1/connections/{slug}/{secrets,certificates,sp-keys,refresh}`. The connection itself is served with the other
//! configuration.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use super::credential::{self, NewSecret, secret};
use super::{slug, stored};
use crate::admin::api::{body, created, done, one};
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::certificate::{Certificate, fingerprint};
use crate::connection::key_rotation::{self, KnownKey};
use crate::connection::{Credential, KeyUse, Protocol, sp_key};
use crate::life::Verdict;
use crate::metadata::Refreshed;
use crate::upstream::saml::TrustedCertificate;

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}{tail}");
    app.route(&at("/secrets"), web::post().to(add_secret))
        .route(&at("/secrets/{id}/promote"), web::post().to(promote_secret))
        .route(&at("/secrets/{id}"), web::delete().to(withdraw_secret))
        .route(&at("/certificates"), web::get().to(certificates))
        .route(&at("/certificates"), web::post().to(trust))
        .route(&at("/certificates/{id}/promote"), web::post().to(promote_certificate))
        .route(&at("/certificates/{id}"), web::delete().to(distrust))
        .route(&at("/sp-keys"), web::get().to(keys))
        .route(&at("/sp-keys"), web::post().to(add_keys))
        .route(&at("/sp-keys/promote"), web::post().to(promote_keys))
        .route(&at("/sp-keys/{id}"), web::delete().to(end_key))
        .route(&at("/refresh"), web::post().to(refresh))
        .configure(secret::api::routes);
}

type At = Path<(String, String)>;

fn location<R>(api: &Api<R>, name: &str, tail: &str) -> String {
    api.broker.ctx.urls.at(&format!("/api/v1/connections/{name}/{tail}"))
}

async fn add_secret(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let pasted = body::<NewSecret>(&bytes)?.pasted()?;
    let known = credential::add_secret(&api.broker.ctx, &api.author, &name, &pasted).await?;
    Ok(created(&location(&api, &name, &format!("secrets/{}", known.id)), &known, None))
}

/// `{"override": reason}` where it cannot be rehearsed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Promotion {
    #[serde(default, rename = "override")]
    reason: Option<String>,
}

async fn promote_secret(api: Api<Edit>, at: At, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let wanted: Promotion = if bytes.is_empty() { Promotion::default() } else { body(&bytes)? };
    let reason = wanted.reason.as_deref();
    let promoted = secret::promote(&api.broker, &api.author, &at.0, &at.1, reason).await?;
    Ok(one(&json!({ "active": promoted.active, "retiring": promoted.retiring }), None))
}

async fn withdraw_secret(api: Api<Edit>, at: At) -> Result<HttpResponse, Trouble> {
    credential::withdraw_secret(&api.broker.ctx, &api.author, &at.0, &at.1).await?;
    Ok(done())
}

/// One of the provider's certificates.
#[derive(Serialize)]
struct CertificateView {
    id: String,
    state: &'static str,
    /// As people compare it.
    sha256: String,
    key_type: &'static str,
    key_bits: u32,
    #[serde(with = "time::serde::rfc3339")]
    not_before: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    not_after: OffsetDateTime,
    source: &'static str,
    added_by: String,
    #[serde(with = "time::serde::rfc3339")]
    added_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    /// In a list, of those that are trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_to_retire: Option<Verdict>,
}

impl CertificateView {
    fn of(known: &Certificate) -> Self {
        Self {
            id: known.id.to_string(),
            state: known.state.as_str(),
            sha256: fingerprint(&known.sha256),
            key_type: known.key_type,
            key_bits: known.key_bits,
            not_before: known.not_before,
            not_after: known.not_after,
            source: known.source.as_str(),
            added_by: known.added_by.clone(),
            added_at: known.added_at,
            last_seen_at: known.last_seen_at,
            safe_to_retire: None,
        }
    }
}

async fn certificates(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let known = stored(&mut *api.broker.ctx.db.acquire().await?, &slug(&name)?).await?;
    if let Protocol::Oidc(_) = known.protocol {
        return Err(credential::not_saml(&name));
    }
    let now = api.broker.ctx.now();
    let judged = |one: &Certificate| CertificateView {
        safe_to_retire: one.safe_to_retire(&known.certificates, now),
        ..CertificateView::of(one)
    };
    let items: Vec<_> = known.certificates.iter().rev().map(judged).collect();
    Ok(one(&json!({ "items": items }), None))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    pem: String,
}

async fn trust(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let new: NewCertificate = body(&bytes)?;
    let added = credential::trust(&api.broker.ctx, &api.author, &name, &new.pem).await?;
    let view = CertificateView::of(&added.certificate);
    if added.was_known {
        return Ok(one(&view, None));
    }
    Ok(created(&location(&api, &name, &format!("certificates/{}", view.id)), &view, None))
}

async fn promote_certificate(api: Api<Edit>, at: At) -> Result<HttpResponse, Trouble> {
    let promoted = credential::promote(&api.broker.ctx, &api.author, &at.0, &at.1).await?;
    Ok(one(&CertificateView::of(&promoted), None))
}

async fn distrust(api: Api<Edit>, at: At) -> Result<HttpResponse, Trouble> {
    credential::distrust(&api.broker.ctx, &api.author, &at.0, &at.1).await?;
    Ok(done())
}

/// A key of ours; its private part is nobody's.
#[derive(Serialize)]
struct KeyView {
    id: String,
    /// Absent: it serves every use.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<&'static str>,
    state: &'static str,
    certificate_sha256: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// Messages that it signed or opened.
    uses: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    /// Of one that retires.
    safe_to_retire: Option<Verdict>,
}

impl KeyView {
    /// `known`: what is known of the use of all of them.
    fn of(key: &Credential, known: &[KnownKey], now: OffsetDateTime) -> Self {
        let used = known.iter().find(|one| one.id == key.id);
        let certificate = key.public.as_ref().and_then(|public| TrustedCertificate::from_der(&public.certificate).ok());
        Self {
            id: key.id.to_string(),
            usage: key.key_use().map(KeyUse::as_str),
            state: key.state.as_str(),
            certificate_sha256: certificate.map(|certificate| fingerprint(certificate.sha256())),
            created_at: key.created_at,
            expires_at: key.expires_at,
            uses: used.map_or(0, |used| used.uses),
            last_used_at: used.and_then(|used| used.last_used_at),
            safe_to_retire: used.and_then(|used| used.safe_to_retire(known, now)),
        }
    }
}

async fn listed(api: &Api<impl crate::admin::Right>, name: &str) -> Result<Vec<KeyView>, Trouble> {
    let (mut conn, slug, now) = (api.broker.ctx.db.acquire().await?, slug(name)?, api.broker.ctx.now());
    let keys = sp_key::list(&mut conn, &slug).await?;
    let known = key_rotation::list(&mut conn, &slug).await?;
    Ok(keys.iter().map(|key| KeyView::of(key, &known, now)).collect())
}

async fn keys(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(one(&json!({ "items": listed(&api, &name).await? }), None))
}

/// `{"use": "signing"}`; empty: both.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default, rename = "use")]
    usage: Option<String>,
}

fn uses(bytes: &[u8]) -> Result<Vec<KeyUse>, Trouble> {
    let which: Which = if bytes.is_empty() { Which::default() } else { body(bytes)? };
    credential::uses(which.usage.as_deref())
}

async fn add_keys(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    sp_key::add(&api.broker.ctx, &api.author, &slug(&name)?, &uses(&bytes)?).await?;
    Ok(created(&location(&api, &name, "sp-keys"), &json!({ "items": listed(&api, &name).await? }), None))
}

async fn promote_keys(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    sp_key::take_over(&api.broker.ctx, &api.author, &slug(&name)?, &uses(&bytes)?).await?;
    Ok(one(&json!({ "items": listed(&api, &name).await? }), None))
}

async fn end_key(api: Api<Edit>, at: At) -> Result<HttpResponse, Trouble> {
    sp_key::end(&api.broker.ctx, &api.author, &slug(&at.0)?, None, Some(&at.1)).await?;
    Ok(done())
}

async fn refresh(api: Api<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let (outcome, added, retired) = match credential::refresh(&api.broker.ctx, &name).await? {
        Refreshed::Left { .. } => ("left", 0, 0),
        Refreshed::Unchanged => ("unchanged", 0, 0),
        Refreshed::Taken(what) => ("taken", what.add.len() + what.revive.len(), what.retire.len()),
    };
    Ok(one(&json!({ "outcome": outcome, "certificates_added": added, "certificates_retired": retired }), None))
}
