//! `/api/v1/connections/{slug}/keys`, the dates of SAML keys, and the certificates that were seen and are not trusted.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::admin::api::{body, created, done, one};
use crate::admin::connection::{keys, slug, stored};
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::certificate::fingerprint;
use crate::connection::key_rotation::{self, KnownKey, Takeover};
use crate::connection::{Protocol, untrusted};
use crate::life::Verdict;
use crate::upstream::saml::TrustedCertificate;

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |tail: &str| format!("/connections/{{slug}}{tail}");
    app.route(&at("/keys"), web::get().to(all))
        .route(&at("/keys"), web::post().to(prepare))
        .route(&at("/keys/put-back"), web::post().to(put_back))
        .route(&at("/keys/schedule"), web::put().to(plan))
        .route(&at("/keys/{id}/promote"), web::post().to(promote))
        .route(&at("/keys/{id}"), web::delete().to(withdraw))
        .route(&at("/untrusted-certificates"), web::get().to(seen));
}

type At = Path<(String, String)>;

/// A key of ours; its private part is nobody's.
#[derive(Serialize)]
struct KeyView {
    id: String,
    state: &'static str,
    kid: Option<String>,
    jwk: Value,
    certificate_sha256: Option<String>,
    created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    promote_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    active_since: Option<OffsetDateTime>,
    uses: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    /// Of one that retires.
    safe_to_retire: Option<Verdict>,
    #[serde(with = "time::serde::rfc3339::option")]
    retire_at: Option<OffsetDateTime>,
}

impl KeyView {
    fn of(key: &KnownKey, all: &[KnownKey], now: OffsetDateTime) -> Self {
        let certificate = TrustedCertificate::from_der(&key.certificate).ok();
        Self {
            id: key.id.to_string(),
            state: key.state.as_str(),
            kid: key.jwk["kid"].as_str().map(Into::into),
            jwk: super::shown::public(&key.jwk),
            certificate_sha256: certificate.map(|certificate| fingerprint(certificate.sha256())),
            created_by: key.created_by.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            promote_at: key.promote_at,
            active_since: key.active_since,
            uses: key.uses,
            last_used_at: key.last_used_at,
            safe_to_retire: key.safe_to_retire(all, now),
            retire_at: key.retire_at,
        }
    }
}

async fn listed(api: &Api<impl crate::admin::Right>, name: &str) -> Result<Vec<KeyView>, Trouble> {
    let mut conn = api.broker.ctx.db.acquire().await?;
    let (all, now) = (key_rotation::list(&mut conn, &slug(name)?).await?, api.broker.ctx.now());
    Ok(all.iter().map(|key| KeyView::of(key, &all, now)).collect())
}

async fn all(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(one(&json!({ "items": listed(&api, &name).await? }), None))
}

async fn prepare(api: Api<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let ctx = &api.broker.ctx;
    let id = key_rotation::prepare(ctx, &api.author, &slug(&name)?).await?;
    let made = listed(&api, &name).await?.into_iter().find(|key| key.id == id.as_str());
    let location = ctx.urls.at(&format!("/api/v1/connections/{name}/keys/{id}"));
    Ok(created(&location, &made.ok_or(Trouble::Changed)?, None))
}

/// `{"override": reason}` where it may not wait, or cannot be tried.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Promotion {
    #[serde(default, rename = "override")]
    reason: Option<String>,
}

async fn promote(api: Api<Edit>, at: At, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let wanted: Promotion = if bytes.is_empty() { Promotion::default() } else { body(&bytes)? };
    let promoted = keys::promote(&api.broker, &api.author, &at.0, &at.1, wanted.reason.as_deref()).await?;
    Ok(one(&json!({ "active": promoted.active, "retiring": promoted.before }), None))
}

async fn put_back(api: Api<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    key_rotation::put_back(&api.broker.ctx, &api.author, &slug(&name)?).await?;
    Ok(one(&json!({ "items": listed(&api, &name).await? }), None))
}

/// One of them; neither, or null: by hand.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    #[serde(default, with = "time::serde::rfc3339::option")]
    promote_at: Option<OffsetDateTime>,
    #[serde(default)]
    days_before_expiry: Option<u16>,
}

async fn plan(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let wanted = match body::<Planned>(&bytes)? {
        Planned { promote_at: Some(_), days_before_expiry: Some(_) } => {
            return Err(Trouble::Malformed("send promote_at or days_before_expiry, not both".into()));
        }
        Planned { promote_at: Some(at), .. } => Takeover::At(at),
        Planned { days_before_expiry: Some(days), .. } => Takeover::BeforeEnd(Duration::days(days.into())),
        Planned { .. } => Takeover::ByHand,
    };
    key_rotation::plan_takeover(&api.broker.ctx, &api.author, &slug(&name)?, wanted).await?;
    Ok(one(&json!({ "items": listed(&api, &name).await? }), None))
}

async fn withdraw(api: Api<Edit>, at: At) -> Result<HttpResponse, Trouble> {
    key_rotation::withdraw(&api.broker.ctx, &api.author, &slug(&at.0)?, &at.1).await?;
    Ok(done())
}

async fn seen(api: Api<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let mut conn = api.broker.ctx.db.acquire().await?;
    let slug = slug(&name)?;
    if let Protocol::Oidc(_) = stored(&mut conn, &slug).await?.protocol {
        return Err(crate::admin::connection::credential::not_saml(&name));
    }
    let stamp = |at: OffsetDateTime| at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    let items: Vec<_> = untrusted::list(&mut conn, &slug)
        .await?
        .into_iter()
        .map(|seen| {
            json!({
                "sha256": fingerprint(&seen.signer.sha256), "subject": seen.signer.subject,
                "not_before": stamp(seen.signer.not_before), "not_after": stamp(seen.signer.not_after),
                "first_seen_at": stamp(seen.first_seen_at), "last_seen_at": stamp(seen.last_seen_at), "times": seen.times,
            })
        })
        .collect();
    Ok(one(&json!({ "items": items }), None))
}
