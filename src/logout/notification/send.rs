//! The task that sends what is owed, at once when a session ends anywhere (the database says so).

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use tokio::sync::Notify;
use url::form_urlencoded;

use super::{LEASE, Notification, PAUSES, TIMEOUT, store, token};
use crate::audit::{self, Event, Outcome};
use crate::broker::Broker;
use crate::db;
use crate::errand::{self, Errands, Reply, Standing};

/// Runs until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    errand::keep_up(Arc::new(Notifications(broker))).await;
}

struct Notifications(Arc<Broker>);

impl Errands for Notifications {
    type Errand = Notification;
    const TROUBLE: &'static str = "applications cannot be told of logouts";

    fn bell(&self) -> &Notify {
        &self.0.logouts_owed
    }

    fn standing(&self) -> Standing {
        self.0.standing()
    }

    async fn take(&self, limit: usize) -> Result<Vec<Notification>, sqlx::Error> {
        let now = self.0.ctx.now();
        store::take(&mut *self.0.ctx.db.acquire().await?, limit, now + LEASE, now).await
    }

    async fn run(self: Arc<Self>, owed: Notification) {
        let attempt = attempt(&self.0, &owed).await;
        if let Err(error) = settle(&self.0, &owed, attempt).await {
            tracing::warn!(%error, client = owed.client_id, "the outcome of a logout notification was not written; it is sent again");
        }
    }
}

/// What came of one attempt.
enum Attempt {
    Told,
    /// Trying again would not help. A stable word, and what the operator may read.
    Final(&'static str, String),
    Failed(String),
}

async fn attempt(broker: &Broker, owed: &Notification) -> Attempt {
    let client = broker.catalog.load().client(&owed.client_id).filter(|client| client.enabled);
    let Some(client) = client else {
        return Attempt::Final("client_disabled", "the client was disabled or removed meanwhile".into());
    };
    let Some(uri) = &client.settings.backchannel_logout_uri else {
        return Attempt::Final("address_missing", "the client has no backchannel_logout_uri any more".into());
    };
    let token = match token::mint(broker, &client, owed) {
        Ok(token) => token,
        Err(error) => return Attempt::Failed(error.to_string()),
    };
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
    let request = http::Request::post(uri).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match errand::send(&broker.ctx.http, TIMEOUT, request.body(body.into_bytes())).await {
        Reply::Status(status) => judge(status),
        Reply::NotAllowed(why) => Attempt::Final("address_not_allowed", why),
        Reply::Nothing(why) => Attempt::Failed(why),
    }
}

/// §2.8: 200, or 204 from some frameworks; 400 says that our request is wrong, and it will not become right.
fn judge(status: StatusCode) -> Attempt {
    match status {
        status if status.is_success() => Attempt::Told,
        StatusCode::BAD_REQUEST => Attempt::Final(
            "client_refused",
            "it answered 400: it does not accept the logout token, or could not sign the person out".into(),
        ),
        status => Attempt::Failed(format!("it answered with status {}", status.as_u16())),
    }
}

/// Writes what came of it, and counts it then: who sees the count finds the outcome in the database.
async fn settle(broker: &Broker, owed: &Notification, attempt: Attempt) -> Result<(), sqlx::Error> {
    let ctx = &broker.ctx;
    let (written, outcome) = match attempt {
        Attempt::Told => (finish(broker, owed, Outcome::Success, None).await?, "success"),
        Attempt::Final(reason, detail) => {
            (finish(broker, owed, Outcome::Refused, Some((reason, detail))).await?, "refused")
        }
        Attempt::Failed(detail) => match PAUSES.next(owed.attempts, ctx.now()) {
            Some(at) => {
                tracing::info!(client = owed.client_id, attempts = owed.attempts, detail, "not told of a logout yet");
                (store::postpone(&mut *ctx.db.acquire().await?, owed, at, &detail).await?, "retry")
            }
            None => (finish(broker, owed, Outcome::Failed, Some(("client_unreachable", detail))).await?, "failed"),
        },
    };
    if written {
        broker.metrics.logout_notification(&owed.client_id, outcome);
    }
    Ok(())
}

/// No longer owed, and audited with why the application was not told. False: our lease ended and somebody else has it.
async fn finish(
    broker: &Broker,
    owed: &Notification,
    outcome: Outcome,
    why: Option<(&'static str, String)>,
) -> Result<bool, sqlx::Error> {
    let ctx = &broker.ctx;
    let mut event = Event::success("logout.notification", "system").client(&owed.client_id).about(&owed.sub);
    event.outcome = outcome;
    event.detail = json!({ "session": owed.sid, "attempts": owed.attempts });
    if let Some((reason, detail)) = why {
        tracing::warn!(client = owed.client_id, reason, detail, "an application was not told of a logout");
        event.reason = Some(reason.into());
        event.detail["detail"] = detail.into();
    }
    db::in_tx(&ctx.db, async |conn| {
        let ours = store::remove(conn, owed).await?;
        if ours {
            audit::record(ctx, conn, event).await?;
        }
        Ok(ours)
    })
    .await
}
