//! SQL of audit events: inserts, reads, and the end of their retention.

use time::OffsetDateTime;

use super::filter::beginning;
use super::{Event, Filter, Outcome, Position, Recorded};
use crate::db::Conn;
use crate::ids::AuditEventId;

/// Postgres' text holds no NUL, and one bad character must not cost a whole batch.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn optional(text: Option<&String>) -> Option<String> {
    text.map(|text| clean(text))
}

/// Writes events in one statement. Ids are made by the caller, so that the order inside a batch is kept.
pub async fn insert(conn: &mut Conn, events: &[(AuditEventId, OffsetDateTime, Event)]) -> Result<(), sqlx::Error> {
    fn detail(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::String(text) => clean(text).into(),
            serde_json::Value::Array(items) => items.iter().map(detail).collect(),
            serde_json::Value::Object(members) => members.iter().map(|(k, v)| (clean(k), detail(v))).collect(),
            other => other.clone(),
        }
    }
    fn column<'a, T>(events: &'a [(AuditEventId, OffsetDateTime, Event)], f: impl Fn(&'a Event) -> T) -> Vec<T> {
        events.iter().map(|(_, _, event)| f(event)).collect()
    }
    let ids: Vec<String> = events.iter().map(|(id, ..)| id.to_string()).collect();
    let times: Vec<OffsetDateTime> = events.iter().map(|(_, at, _)| *at).collect();
    sqlx::query!(
        r#"INSERT INTO audit_events (id, at, action, outcome, reason, actor, client_id, connection, sub, trace_id, remote_addr, detail)
           SELECT * FROM UNNEST($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
                                $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::jsonb[])"#,
        &ids,
        &times,
        &column(events, |e| e.action.to_owned()),
        &column(events, |e| e.outcome.as_str().to_owned()),
        &column(events, |e| optional(e.reason.as_ref())) as &[Option<String>],
        &column(events, |e| clean(&e.actor)),
        &column(events, |e| optional(e.client_id.as_ref())) as &[Option<String>],
        &column(events, |e| optional(e.connection.as_ref())) as &[Option<String>],
        &column(events, |e| optional(e.sub.as_ref())) as &[Option<String>],
        &column(events, |e| e.trace_id.as_ref().map(ToString::to_string)) as &[Option<String>],
        &column(events, |e| e.remote_addr.map(|a| a.to_string())) as &[Option<String>],
        &column(events, |e| detail(&e.detail)),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rows that one statement removes.
const ENDED: i32 = 5000;

/// By the one function that may: the database refuses every other way. `id` and `at` are of the event that says so.
pub async fn end_retention(conn: &mut Conn, id: &AuditEventId, at: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let removed = sqlx::query_scalar!(r#"SELECT audit_events_end($1, $2, $3) AS "removed!""#, id.as_str(), at, ENDED);
    Ok(removed.fetch_one(conn).await?.unsigned_abs())
}

/// Newest first, those after `after`. Runs in a transaction: what it says to the planner holds until the end of it.
pub async fn page(
    conn: &mut Conn,
    filter: &Filter,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Recorded>, sqlx::Error> {
    // a plan for all filters at once would use the index of none
    sqlx::query!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)").fetch_one(&mut *conn).await?;
    sqlx::query_as!(
        Recorded,
        r#"SELECT id AS "id: AuditEventId", at, action, outcome, reason, actor, client_id, connection, sub, trace_id, remote_addr, detail
           FROM audit_events
           WHERE ($1::timestamptz IS NULL OR (at, id) < ($1, $2))
             AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
             AND ($5::text IS NULL OR action LIKE $5)
             AND ($6::text IS NULL OR outcome = $6) AND ($7::text IS NULL OR reason = $7)
             AND ($8::text IS NULL OR actor = $8) AND ($9::text IS NULL OR client_id = $9)
             AND ($10::text IS NULL OR connection = $10) AND ($11::text IS NULL OR sub = $11)
             AND ($12::text IS NULL OR trace_id = $12)
             AND ($13::text IS NULL OR actor LIKE $13 OR lower(substr(actor, strpos(actor, ':') + 1)) LIKE lower($13)
                  OR sub LIKE $13 OR trace_id = $14)
           ORDER BY at DESC, id DESC LIMIT $15"#,
        after.map(|after| after.at),
        after.map(|after| after.id.as_str()),
        filter.from,
        filter.until,
        filter.action.as_deref().map(beginning),
        filter.outcome.map(Outcome::as_str),
        optional(filter.reason.as_ref()),
        optional(filter.actor.as_ref()),
        optional(filter.client_id.as_ref()),
        optional(filter.connection.as_ref()),
        optional(filter.sub.as_ref()),
        optional(filter.trace_id.as_ref()),
        filter.text.as_deref().map(beginning),
        optional(filter.text.as_ref()),
        limit
    )
    .fetch_all(conn)
    .await
}

pub async fn get(conn: &mut Conn, id: &AuditEventId) -> Result<Option<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"SELECT id AS "id: AuditEventId", at, action, outcome, reason, actor, client_id, connection, sub, trace_id, remote_addr, detail
           FROM audit_events WHERE id = $1"#,
        id.as_str()
    )
    .fetch_optional(conn)
    .await
}
