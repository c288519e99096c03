//! `/api/v1/signing-keys`: what keys there are, rotating and revoking them; `/api/v1/master-keys`.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::reader::{self, ConsumerView, GateView};
use crate::admin::api::{body, list as listed, one};
use crate::admin::extract::Api;
use crate::admin::paging::Page;
use crate::admin::{Own, Read, Trouble};
use crate::jose::Alg;
use crate::life::Verdict;
use crate::signing_key::{self, SigningKey, State};
use crate::vault::{KnownKey, store};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/signing-keys", web::get().to(list))
        .route("/master-keys", web::get().to(master_keys))
        .route("/signing-keys/consumers", web::get().to(consumers))
        .route("/signing-keys/rotate", web::post().to(rotate))
        .route("/signing-keys/{kid}/revoke", web::post().to(revoke));
}

#[derive(Serialize)]
struct View {
    kid: String,
    alg: Alg,
    state: State,
    #[serde(with = "time::serde::rfc3339")]
    published_at: OffsetDateTime,
    /// Of a next key: when everybody must have it who caches the JWKS as long as we say.
    #[serde(with = "time::serde::rfc3339::option")]
    ready_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    activated_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    retiring_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// Of a next key, in the list: who may lack it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<GateView>,
    /// Of one that signs or retires, in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    safe_to_retire: Option<Verdict>,
}

impl From<SigningKey> for View {
    fn from(key: SigningKey) -> Self {
        Self {
            ready_at: (key.state == State::Next).then(|| key.ready_at()),
            kid: key.kid,
            alg: key.alg,
            state: key.state,
            published_at: key.published_at,
            activated_at: key.activated_at,
            retiring_at: key.retiring_at,
            ended_at: key.ended_at,
            gate: None,
            safe_to_retire: None,
        }
    }
}

async fn list(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let consumers = reader::all(&api.broker).await?;
    let keys = signing_key::list(&mut *api.broker.ctx.db.acquire().await?).await?;
    let now = api.broker.ctx.now();
    let view = |key: &SigningKey| View {
        gate: (key.state == State::Next).then(|| GateView::of(key, &consumers, now)),
        safe_to_retire: key.safe_to_retire(&keys, &consumers, now),
        ..View::from(key.clone())
    };
    Ok(listed(&Page { items: keys.iter().map(view).collect(), next: None }))
}

async fn consumers(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let consumers = reader::all(&api.broker).await?;
    let keys = signing_key::list(&mut *api.broker.ctx.db.acquire().await?).await?;
    let items = consumers.into_iter().map(|one| ConsumerView::of(one, &keys)).collect();
    Ok(listed(&Page { items, next: None }))
}

#[derive(Serialize)]
struct MasterKeyView {
    id: String,
    /// Absent: since before that was noted.
    #[serde(with = "time::serde::rfc3339::option")]
    first_seen_at: Option<OffsetDateTime>,
    /// Configuration, keys and second factors that are sealed with it.
    lasting_values: i64,
    /// In the key file of this process.
    present: bool,
    /// Whether it seals what is stored from now on.
    seals: bool,
    safe_to_retire: Option<Verdict>,
}

async fn master_keys(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let (ctx, keyring) = (&api.broker.ctx, api.broker.ctx.vault.keyring());
    let view = |one: KnownKey| MasterKeyView {
        present: keyring.find(&one.id).is_some(),
        seals: keyring.newest().0.as_str() == one.id,
        safe_to_retire: one.safe_to_retire(keyring, None),
        first_seen_at: one.first_at,
        lasting_values: one.values,
        id: one.id,
    };
    let known = store::known_keys(&mut *ctx.db.acquire().await?).await?;
    Ok(listed(&Page { items: known.into_iter().map(view).collect(), next: None }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    alg: Alg,
    /// Why it cannot wait for the next key to be ready.
    #[serde(default, rename = "override")]
    regardless: Option<String>,
}

#[derive(Serialize)]
struct RotatedView {
    alg: Alg,
    active: String,
    retiring: Option<String>,
    next: String,
}

async fn rotate(api: Api<Own>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let Rotation { alg, regardless } = body(&bytes)?;
    let regardless = reason(regardless.as_deref(), "override")?;
    api.broker.write_fetches().await?;
    let done = signing_key::rotate(&api.broker.ctx, &api.author, alg, regardless).await?;
    Ok(one(&RotatedView { alg, active: done.active, retiring: done.retiring, next: done.next }, None))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    #[serde(default)]
    reason: Option<String>,
}

async fn revoke(api: Api<Own>, kid: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let given: Revocation = if bytes.is_empty() { Revocation::default() } else { body(&bytes)? };
    let reason = reason(given.reason.as_deref(), "reason")?;
    signing_key::revoke(&api.broker.ctx, &api.author, &kid, reason).await?;
    let keys = signing_key::list(&mut *api.broker.ctx.db.acquire().await?).await?;
    let key = keys.into_iter().find(|key| key.kid == *kid).ok_or(Trouble::Broken)?;
    Ok(one(&View::from(key), None))
}

/// One line for the audit log.
fn reason<'a>(given: Option<&'a str>, name: &str) -> Result<Option<&'a str>, Trouble> {
    let Some(text) = given.map(str::trim) else { return Ok(None) };
    if text.is_empty() || text.len() > 500 || text.contains(char::is_control) {
        return Err(Trouble::Malformed(format!("{name} is a line of 1 to 500 characters")));
    }
    Ok(Some(text))
}
