//! SQL of audit events: inserts only.

use time::OffsetDateTime;

use super::Event;
use crate::db::Conn;
use crate::ids::AuditEventId;

/// Writes events in one statement. Ids are made by the caller, so that the order inside a batch is kept.
pub async fn insert(
    conn: &mut Conn,
    events: &[(AuditEventId, OffsetDateTime, Event)],
) -> Result<(), sqlx::Error> {
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
        &column(events, |e| e.reason.clone()) as &[Option<String>],
        &column(events, |e| e.actor.clone()),
        &column(events, |e| e.client_id.clone()) as &[Option<String>],
        &column(events, |e| e.connection.clone()) as &[Option<String>],
        &column(events, |e| e.sub.clone()) as &[Option<String>],
        &column(events, |e| e.trace_id.as_ref().map(ToString::to_string)) as &[Option<String>],
        &column(events, |e| e.remote_addr.map(|a| a.to_string())) as &[Option<String>],
        &column(events, |e| e.detail.clone()),
    )
    .execute(conn)
    .await?;
    Ok(())
}
