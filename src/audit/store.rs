//! SQL of audit events: inserts, and the end of their retention.

use time::OffsetDateTime;

use super::Event;
use crate::db::Conn;
use crate::ids::AuditEventId;

/// Writes events in one statement. Ids are made by the caller, so that the order inside a batch is kept.
pub async fn insert(conn: &mut Conn, events: &[(AuditEventId, OffsetDateTime, Event)]) -> Result<(), sqlx::Error> {
    // Postgres text holds no NUL, and one bad character must not cost a whole batch
    fn clean(text: &str) -> String {
        text.replace('\0', "\u{fffd}")
    }
    fn optional(text: Option<&String>) -> Option<String> {
        text.map(|text| clean(text))
    }
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

/// Events are kept for 400 days: a year, and the month in which somebody asks about it.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let cut = now - time::Duration::days(400);
    let done = sqlx::query!(
        "DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events WHERE at < $1 LIMIT 1000)",
        cut
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
