//! The task that delivers what is owed: each message signed, one POST, again later when that fails.

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Notify;

use super::delivery::{LEASE, PATIENCE, PAUSES, TIMEOUT};
use super::{Delivery, DeliveryState, Webhook, place, signature, store};
use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::ctx::Ctx;
use crate::db;
use crate::errand::{self, Errands, Reply, Standing};
use crate::secret::Secret;
use crate::vault::OpenError;

/// Runs until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    errand::keep_up(Arc::new(Deliveries(broker))).await;
}

struct Deliveries(Arc<Broker>);

impl Errands for Deliveries {
    type Errand = Delivery;
    const TROUBLE: &'static str = "webhooks cannot be told of anything";

    fn bell(&self) -> &Notify {
        &self.0.webhooks_owed
    }

    fn standing(&self) -> Standing {
        self.0.standing()
    }

    async fn take(&self, limit: usize) -> Result<Vec<Delivery>, sqlx::Error> {
        let now = self.0.ctx.now();
        store::take(&mut *self.0.ctx.db.acquire().await?, limit, now + LEASE, now).await
    }

    async fn run(self: Arc<Self>, owed: Delivery) {
        let ctx = &self.0.ctx;
        let done = async {
            let outcome = attempt(ctx, &owed).await?;
            settle(ctx, &owed, outcome).await
        };
        if let Err(error) = done.await {
            let webhook = owed.webhook_id.as_str();
            tracing::warn!(%error, webhook, "the outcome of a delivery was not written; it is sent again");
        }
    }
}

enum Outcome {
    Delivered(StatusCode),
    Failed(Option<StatusCode>, String),
    /// Trying again would not help.
    Final(Option<StatusCode>, String),
    /// Standard Webhooks: 410 means that nobody wants these messages any more.
    Gone,
}

async fn attempt(ctx: &Ctx, owed: &Delivery) -> Result<Outcome, sqlx::Error> {
    let (webhook, event) = {
        let mut conn = ctx.db.acquire().await?;
        let webhook = store::get(&mut conn, owed.webhook_id.as_str()).await?;
        (webhook, audit::store::get(&mut conn, &owed.event_id).await?)
    };
    let (Some(webhook), Some(event)) = (webhook, event) else {
        return Ok(Outcome::Final(None, "the retention of the event is over".into()));
    };
    let timestamp = event.at.format(&Rfc3339).unwrap_or_default();
    let mut data = serde_json::to_value(&event).unwrap_or_default();
    data["issuer"] = ctx.urls.issuer().into();
    let body = json!({ "type": owed.event, "timestamp": timestamp, "data": data }).to_string().into_bytes();
    let now = ctx.now();
    let secrets = match secrets(ctx, &webhook, now) {
        Ok(secrets) => secrets,
        Err(why) => return Ok(Outcome::Failed(None, why.to_string())),
    };
    let (id, seconds) = (owed.event_id.as_str(), now.unix_timestamp());
    let request = http::Request::post(&webhook.chosen.url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature::sign(&secrets, id, seconds, &body))
        .body(body);
    Ok(match errand::send(&ctx.http, TIMEOUT, request).await {
        Reply::Status(status) if status.is_success() => Outcome::Delivered(status),
        Reply::Status(StatusCode::GONE) => Outcome::Gone,
        Reply::Status(status) => Outcome::Failed(Some(status), format!("it answered with status {}", status.as_u16())),
        Reply::NotAllowed(why) => Outcome::Final(None, why),
        Reply::Nothing(why) => Outcome::Failed(None, why),
    })
}

/// Those that are good now, the newest first.
fn secrets(ctx: &Ctx, webhook: &Webhook, now: OffsetDateTime) -> Result<Vec<Secret<String>>, OpenError> {
    let mut secrets = vec![ctx.vault.open_text(place("secret", &webhook.id), &webhook.secret)?];
    if let Some((previous, _)) = webhook.previous.as_ref().filter(|(_, ends)| now < *ends) {
        secrets.push(ctx.vault.open_text(place("previous_secret", &webhook.id), previous)?);
    }
    Ok(secrets)
}

async fn settle(ctx: &Ctx, owed: &Delivery, outcome: Outcome) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    let mut settled = Delivery { last_attempt_at: Some(now), next_attempt_at: None, ..owed.clone() };
    let (state, status, problem) = match outcome {
        Outcome::Delivered(status) => (DeliveryState::Delivered, Some(status), None),
        Outcome::Gone => {
            let why = "it answered 410: nobody wants these messages any more";
            (DeliveryState::GivenUp, Some(StatusCode::GONE), Some(why.into()))
        }
        Outcome::Final(status, why) => (DeliveryState::GivenUp, status, Some(why)),
        Outcome::Failed(status, why) => {
            settled.next_attempt_at = PAUSES.next(owed.attempts, now);
            let state = if settled.next_attempt_at.is_some() { DeliveryState::Owed } else { DeliveryState::GivenUp };
            (state, status, Some(why))
        }
    };
    settled.state = state;
    settled.status = status.map(|status| i32::from(status.as_u16()));
    settled.problem = problem;
    db::in_tx(&ctx.db, async |conn| {
        if !store::settle(conn, &settled).await? {
            // our lease ended, and somebody else has it
            return Ok(());
        }
        let id = owed.webhook_id.as_str();
        if state == DeliveryState::Delivered {
            return store::works(conn, id).await;
        }
        let failing_since = store::fails(conn, id, now).await?;
        let gone = settled.status == Some(410);
        let tired = failing_since.is_some_and(|since| now - since >= PATIENCE);
        if !(gone || state == DeliveryState::GivenUp && tired) {
            return Ok(());
        }
        let reason = if gone { "gone" } else { "failing" };
        if store::switch_off(conn, id, reason, now).await? {
            store::give_up_owed(conn, id, "the webhook was switched off").await?;
            tracing::warn!(webhook = id, reason, "a webhook was switched off");
            let detail = json!({ "webhook": id, "detail": settled.problem });
            audit::record(ctx, conn, Event::failed("webhook.disabled", reason, "system").detail(detail)).await?;
        }
        Ok(())
    })
    .await
}
