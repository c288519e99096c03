//! `/api/v1/webhooks`: the webhooks, their secrets as they are made, and what was delivered.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

use crate::admin::api::{body, created, done, expected, list, one};
use crate::admin::extract::Api;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Own, Read, Trouble};
use crate::ctx::Ctx;
use crate::provisioning::Problem;
use crate::webhook::{self, Chosen, Delivery, Wanted, Webhook};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/webhooks").route(web::get().to(all)).route(web::post().to(create)))
        .service(
            web::resource("/webhooks/{id}")
                .route(web::get().to(read))
                .route(web::put().to(change))
                .route(web::delete().to(delete)),
        )
        .route("/webhooks/{id}/rotate-secret", web::post().to(rotate_secret))
        .route("/webhooks/{id}/test", web::post().to(test))
        .route("/webhooks/{id}/deliveries", web::get().to(deliveries));
}

#[derive(Serialize)]
struct WebhookView {
    id: String,
    url: String,
    events: Vec<String>,
    enabled: bool,
    /// `failing` or `gone`, when it was switched off by Avouch.
    disabled_because: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    failing_since: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let Chosen { url, events, enabled } = webhook.chosen.clone();
        Self {
            id: webhook.id.to_string(),
            url,
            events,
            enabled,
            disabled_because: webhook.disabled_because.clone(),
            failing_since: webhook.failing_since,
            created_at: webhook.created_at,
        }
    }
}

#[derive(Serialize)]
struct DeliveryView {
    /// The message's `webhook-id`, which is the audit event's id too.
    message_id: String,
    #[serde(rename = "type")]
    event: String,
    /// `owed`, `delivered` or `given_up`.
    state: &'static str,
    attempts: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_attempt_at: Option<OffsetDateTime>,
    status: Option<i32>,
    problem: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(one: Delivery) -> Self {
        Self {
            message_id: one.event_id.to_string(),
            event: one.event,
            state: one.state.as_str(),
            attempts: one.attempts,
            next_attempt_at: one.next_attempt_at,
            created_at: one.created_at,
            last_attempt_at: one.last_attempt_at,
            status: one.status,
            problem: one.problem,
        }
    }
}

/// What `GET` gave may be sent back: what cannot be set is ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookBody {
    url: String,
    events: Vec<String>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    #[serde(default, rename = "disabled_because")]
    _disabled_because: IgnoredAny,
    #[serde(default, rename = "failing_since")]
    _failing_since: IgnoredAny,
    #[serde(default, rename = "created_at")]
    _created_at: IgnoredAny,
}

fn yes() -> bool {
    true
}

fn chosen(ctx: &Ctx, bytes: &[u8]) -> Result<Chosen, Trouble> {
    let sent: WebhookBody = body(bytes)?;
    let wanted = Wanted { url: sent.url, events: sent.events, enabled: sent.enabled };
    let problem = |(path, reason): (&str, String)| Problem { path: path.into(), reason };
    wanted.check(ctx).map_err(|faults| Trouble::Invalid(faults.into_iter().map(problem).collect()))
}

fn shown(webhook: &Webhook) -> HttpResponse {
    one(&WebhookView::from(webhook), Some(&webhook.version.to_string()))
}

async fn all(api: Api<Read>, paging: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (paging.after()?, paging.limit()?);
    let after = after.first().map_or("", String::as_str);
    let webhooks = webhook::store::page(&mut *api.broker.ctx.db.acquire().await?, after, limit + 1).await?;
    let page = Page::of(webhooks, limit, |webhook| vec![webhook.id.to_string()]);
    Ok(list(&page.map(|webhook| WebhookView::from(&webhook))))
}

/// The secret stands in this answer and in no other.
async fn create(api: Api<Own>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let ctx = &api.broker.ctx;
    let (webhook, secret) = webhook::create(ctx, &api.author, chosen(ctx, &bytes)?).await?;
    let mut view = json!(WebhookView::from(&webhook));
    view["secret"] = secret.expose().as_str().into();
    let location = ctx.urls.local(&format!("/api/v1/webhooks/{}", webhook.id));
    Ok(created(&location, &view, Some(&webhook.version.to_string())))
}

async fn read(api: Api<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let found = webhook::store::get(&mut *api.broker.ctx.db.acquire().await?, &plain(&id)?).await?;
    Ok(shown(&found.ok_or(webhook::WebhookError::Unknown)?))
}

async fn change(api: Api<Own>, req: HttpRequest, id: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let ctx = &api.broker.ctx;
    let id = plain(&id)?;
    // a version that is no number was never ours
    let version = expected(&req)?.map(|version| version.parse().map_err(|_| Trouble::Changed)).transpose()?;
    let wanted = chosen(ctx, &bytes)?;
    Ok(shown(&webhook::change(ctx, &api.author, &id, version, wanted).await?))
}

async fn delete(api: Api<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    webhook::delete(&api.broker.ctx, &api.author, &plain(&id)?).await?;
    Ok(done())
}

async fn rotate_secret(api: Api<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let secret = webhook::rotate_secret(&api.broker.ctx, &api.author, &plain(&id)?).await?;
    Ok(one(&json!({ "secret": secret.expose() }), None))
}

/// Accepted: what came of it stands among the deliveries.
async fn test(api: Api<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let message = webhook::test(&api.broker.ctx, &api.author, &plain(&id)?).await?;
    let mut answer = one(&json!({ "message_id": message }), None);
    *answer.status_mut() = StatusCode::ACCEPTED;
    Ok(answer)
}

async fn deliveries(api: Api<Read>, id: Path<String>, paging: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let page = page(&api.broker.ctx, &plain(&id)?, &paging).await?;
    Ok(list(&page.map(DeliveryView::from)))
}

/// One page of deliveries, newest first.
pub(super) async fn page(ctx: &Ctx, id: &str, paging: &ListQuery) -> Result<Page<Delivery>, Trouble> {
    let (cursor, limit) = (paging.after()?, paging.limit()?);
    let mut conn = ctx.db.acquire().await?;
    webhook::store::get(&mut conn, id).await?.ok_or(webhook::WebhookError::Unknown)?;
    let after = match cursor.as_slice() {
        [] => None,
        parts => Some(crate::admin::audit::position(parts).ok_or_else(|| {
            Trouble::Malformed("after is not a cursor of this list; leave it out to begin anew".into())
        })?),
    };
    let after = after.as_ref().map(|after| (after.at, after.id.as_str()));
    let found = webhook::store::deliveries(&mut conn, id, after, limit + 1).await?;
    Ok(Page::of(found, limit, |one| crate::admin::audit::parts(one.created_at, &one.event_id)))
}

/// What is not shaped like an id is unknown without asking.
pub(super) fn plain(id: &str) -> Result<String, Trouble> {
    let known = crate::ids::WebhookId::is_well_formed(id);
    known.then(|| id.to_owned()).ok_or(webhook::WebhookError::Unknown.into())
}
