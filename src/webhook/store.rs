//! SQL of webhooks and what they are owed.

use time::OffsetDateTime;

use super::delivery::KEPT;
use super::{Chosen, Delivery, DeliveryState, Webhook};
use crate::db::Conn;
use crate::ids::{AuditEventId, WebhookId};
use crate::vault::Sealed;

struct Row {
    id: String,
    version: i64,
    url: String,
    events: Vec<String>,
    enabled: bool,
    disabled_because: Option<String>,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_ends_at: Option<OffsetDateTime>,
    failing_since: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        Self {
            id: WebhookId::from_stored(row.id),
            version: row.version,
            chosen: Chosen { url: row.url, events: row.events, enabled: row.enabled },
            disabled_because: row.disabled_because,
            secret: Sealed::from_stored(row.secret),
            previous: row.previous_secret.map(Sealed::from_stored).zip(row.previous_ends_at),
            failing_since: row.failing_since,
            created_at: row.created_at,
        }
    }
}

/// Oldest first, those after `after`.
pub async fn page(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Webhook>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, version, url, events, enabled, disabled_because, secret, previous_secret, previous_ends_at, failing_since, created_at
         FROM webhooks WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(Into::into).collect())
}

pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Webhook>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, version, url, events, enabled, disabled_because, secret, previous_secret, previous_ends_at, failing_since, created_at
         FROM webhooks WHERE id = $1",
        id
    );
    Ok(row.fetch_optional(conn).await?.map(Into::into))
}

/// [`get`], and nobody else changes it until the transaction ends.
pub async fn locked(conn: &mut Conn, id: &str) -> Result<Option<Webhook>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, version, url, events, enabled, disabled_because, secret, previous_secret, previous_ends_at, failing_since, created_at
         FROM webhooks WHERE id = $1 FOR UPDATE",
        id
    );
    Ok(row.fetch_optional(conn).await?.map(Into::into))
}

pub async fn count(conn: &mut Conn) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM webhooks"#).fetch_one(conn).await
}

pub async fn insert(conn: &mut Conn, webhook: &Webhook) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO webhooks (id, version, url, events, enabled, secret, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        webhook.id.as_str(),
        webhook.version,
        webhook.chosen.url,
        &webhook.chosen.events,
        webhook.chosen.enabled,
        webhook.secret.as_bytes(),
        webhook.created_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A change by an operator begins anew: what failed before does not count any more.
pub async fn update(conn: &mut Conn, id: &str, chosen: &Chosen, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhooks SET version = version + 1, url = $2, events = $3, enabled = $4, disabled_because = NULL,
                             failing_since = NULL, updated_at = $5 WHERE id = $1",
        id,
        chosen.url,
        &chosen.events,
        chosen.enabled,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn set_secret(
    conn: &mut Conn,
    id: &str,
    secret: &Sealed,
    previous: &Sealed,
    previous_ends_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhooks SET version = version + 1, secret = $2, previous_secret = $3, previous_ends_at = $4, updated_at = $5
         WHERE id = $1",
        id,
        secret.as_bytes(),
        previous.as_bytes(),
        previous_ends_at,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn delete(conn: &mut Conn, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM webhooks WHERE id = $1", id).execute(conn).await.map(drop)
}

/// Something was delivered.
pub async fn works(conn: &mut Conn, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL", id)
        .execute(conn)
        .await
        .map(drop)
}

/// Something was not; since when nothing was.
pub async fn fails(conn: &mut Conn, id: &str, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let since = sqlx::query_scalar!(
        "UPDATE webhooks SET failing_since = coalesce(failing_since, $2) WHERE id = $1 RETURNING failing_since",
        id,
        now
    );
    Ok(since.fetch_optional(conn).await?.flatten())
}

/// False: it was off already.
pub async fn switch_off(conn: &mut Conn, id: &str, why: &str, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE webhooks SET version = version + 1, enabled = false, disabled_because = $2, updated_at = $3
         WHERE id = $1 AND enabled",
        id,
        why,
        now
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

pub async fn owe(
    conn: &mut Conn,
    id: &str,
    event_id: &AuditEventId,
    event: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO webhook_deliveries (webhook_id, event_id, event, state, attempts, next_attempt_at, created_at)
         VALUES ($1, $2, $3, 'owed', 0, $4, $4)",
        id,
        event_id.as_str(),
        event,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

struct DeliveryRow {
    webhook_id: String,
    event_id: String,
    event: String,
    state: String,
    attempts: i32,
    next_attempt_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    last_attempt_at: Option<OffsetDateTime>,
    status: Option<i32>,
    problem: Option<String>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            webhook_id: WebhookId::from_stored(row.webhook_id),
            event_id: AuditEventId::from_stored(row.event_id),
            event: row.event,
            // the column's own constraint knows no others
            state: DeliveryState::parse(&row.state).unwrap_or(DeliveryState::GivenUp),
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            created_at: row.created_at,
            last_attempt_at: row.last_attempt_at,
            status: row.status,
            problem: row.problem,
        }
    }
}

/// Newest first, those after `after`.
pub async fn deliveries(
    conn: &mut Conn,
    id: &str,
    after: Option<(OffsetDateTime, &str)>,
    limit: i64,
) -> Result<Vec<Delivery>, sqlx::Error> {
    let (at, event) = after.unzip();
    let rows = sqlx::query_as!(
        DeliveryRow,
        "SELECT webhook_id, event_id, event, state, attempts, next_attempt_at, created_at, last_attempt_at, status, problem
         FROM webhook_deliveries
         WHERE webhook_id = $1 AND ($2::timestamptz IS NULL OR (created_at, event_id) < ($2, $3))
         ORDER BY created_at DESC, event_id DESC LIMIT $4",
        id,
        at,
        event,
        limit
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(Into::into).collect())
}

/// Takes up to `limit` that are due, until `lease_ends`. New ones first, so that a receiver that is down for long holds up
/// nobody.
pub async fn take(
    conn: &mut Conn,
    limit: usize,
    lease_ends: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Vec<Delivery>, sqlx::Error> {
    let rows = sqlx::query_as!(
        DeliveryRow,
        "UPDATE webhook_deliveries SET attempts = attempts + 1, next_attempt_at = $2
         WHERE (webhook_id, event_id) IN (SELECT webhook_id, event_id FROM webhook_deliveries
                                          WHERE state = 'owed' AND next_attempt_at <= $3
                                          ORDER BY attempts, next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING webhook_id, event_id, event, state, attempts, next_attempt_at, created_at, last_attempt_at, status, problem",
        i64::try_from(limit).unwrap_or(i64::MAX),
        lease_ends,
        now
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(Into::into).collect())
}

/// What came of the attempt. False: the lease ended and somebody else has it, or it was given up meanwhile.
pub async fn settle(conn: &mut Conn, one: &Delivery) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE webhook_deliveries SET state = $4, next_attempt_at = $5, last_attempt_at = $6, status = $7, problem = $8
         WHERE webhook_id = $1 AND event_id = $2 AND attempts = $3 AND state = 'owed'",
        one.webhook_id.as_str(),
        one.event_id.as_str(),
        one.attempts,
        one.state.as_str(),
        one.next_attempt_at,
        one.last_attempt_at,
        one.status,
        one.problem
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Everything that a webhook is owed.
pub async fn give_up_owed(conn: &mut Conn, id: &str, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhook_deliveries SET state = 'given_up', next_attempt_at = NULL, problem = $2
         WHERE webhook_id = $1 AND state = 'owed'",
        id,
        why
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What was settled long ago.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE (webhook_id, event_id) IN
         (SELECT webhook_id, event_id FROM webhook_deliveries WHERE state <> 'owed' AND created_at < $1 LIMIT 1000)",
        now - KEPT
    );
    Ok(done.execute(conn).await?.rows_affected())
}
