//! SQL of counted sign-ins. Both read indexes that hold sign-ins only.

use time::{Date, OffsetDateTime};

use super::{ByConnection, Day, LastTrouble};
use crate::db::Conn;

/// Each day from the first to the last, oldest first. A day is counted by itself, in the index: to group all of them would
/// be to sort all of them.
pub async fn days(conn: &mut Conn, first: Date, last: Date) -> Result<Vec<Day>, sqlx::Error> {
    sqlx::query_as!(
        Day,
        r#"SELECT d::date AS "day!", c.signed_in AS "signed_in!", c.refused AS "refused!", c.failed AS "failed!"
           FROM generate_series($1::date, $2::date, '1 day') d,
                LATERAL (SELECT count(*) FILTER (WHERE outcome = 'success') AS signed_in,
                                count(*) FILTER (WHERE outcome = 'refused') AS refused,
                                count(*) FILTER (WHERE outcome = 'failed') AS failed
                         FROM audit_events
                         WHERE (action = 'login' OR (action = 'authorization' AND outcome = 'failed'))
                           AND at >= d::date::timestamp AT TIME ZONE 'UTC' AND at < (d::date + 1)::timestamp AT TIME ZONE 'UTC') c
           ORDER BY 1"#,
        first,
        last
    )
    .fetch_all(conn)
    .await
}

/// The connections by which anybody came or did not, since then.
pub async fn by_connection(conn: &mut Conn, since: OffsetDateTime) -> Result<Vec<ByConnection>, sqlx::Error> {
    sqlx::query!(
        r#"SELECT c.connection AS "connection!", c.signed_in AS "signed_in!", c.refused AS "refused!", c.failed AS "failed!",
                  c.last_signed_in, last.at AS "at?", last.reason AS "reason?", last.trace_id AS "trace_id?"
           FROM (SELECT connection,
                        count(*) FILTER (WHERE outcome = 'success') AS signed_in,
                        count(*) FILTER (WHERE outcome = 'refused') AS refused,
                        count(*) FILTER (WHERE outcome = 'failed') AS failed,
                        max(at) FILTER (WHERE outcome = 'success') AS last_signed_in
                 FROM audit_events WHERE (action = 'login' OR (action = 'authorization' AND outcome = 'failed')) AND at >= $1
                   AND connection IS NOT NULL GROUP BY connection) c
           LEFT JOIN LATERAL (
                 SELECT at, reason, trace_id FROM audit_events e
                 WHERE (e.action = 'login' OR (e.action = 'authorization' AND e.outcome = 'failed')) AND e.outcome <> 'success'
                   AND e.connection = c.connection AND e.at >= $1
                 ORDER BY e.at DESC LIMIT 1) last ON true
           ORDER BY c.signed_in DESC, c.connection"#,
        since
    )
    .map(|row| ByConnection {
        connection: row.connection,
        signed_in: row.signed_in,
        refused: row.refused,
        failed: row.failed,
        last_signed_in: row.last_signed_in,
        last_trouble: row.at.map(|at| LastTrouble { at, reason: row.reason.unwrap_or_default(), trace_id: row.trace_id }),
    })
    .fetch_all(conn)
    .await
}
