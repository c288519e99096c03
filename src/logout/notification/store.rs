//! SQL of logout tokens that are owed. Replicas need no agreement but the row: whoever takes it has it for a lease.

use time::OffsetDateTime;

use super::Notification;
use crate::db::Conn;

/// Takes up to `limit` that are due, until `lease_ends`. New ones first, so that an application that is down for long
/// holds up nobody.
pub async fn take(
    conn: &mut Conn,
    limit: usize,
    lease_ends: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Vec<Notification>, sqlx::Error> {
    sqlx::query_as!(
        Notification,
        "UPDATE logout_notifications SET attempts = attempts + 1, next_attempt_at = $2
         WHERE (client_id, sid) IN (SELECT client_id, sid FROM logout_notifications WHERE next_attempt_at <= $3
                                    ORDER BY attempts, next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING client_id, sub, sid, attempts",
        i64::try_from(limit).unwrap_or(i64::MAX),
        lease_ends,
        now
    )
    .fetch_all(conn)
    .await
}

/// It is settled. False: our lease ended and somebody else has it.
pub async fn remove(conn: &mut Conn, taken: &Notification) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM logout_notifications WHERE client_id = $1 AND sid = $2 AND attempts = $3",
        taken.client_id,
        taken.sid,
        taken.attempts
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// To be tried again. `why` is for the operator. False: our lease ended and somebody else has it.
pub async fn postpone(
    conn: &mut Conn,
    taken: &Notification,
    until: OffsetDateTime,
    why: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE logout_notifications SET next_attempt_at = $4, last_error = $5
         WHERE client_id = $1 AND sid = $2 AND attempts = $3",
        taken.client_id,
        taken.sid,
        taken.attempts,
        until,
        why
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
