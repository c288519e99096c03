//! SQL of assertions that count once.

use time::OffsetDateTime;

use super::Once;
use crate::db::Conn;

/// Remembers it. False: it was used before.
pub async fn remember(conn: &mut Conn, once: &Once) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO assertions_seen (fingerprint, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        once.fingerprint.as_slice(),
        once.until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Those that do not hold any more by themselves.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM assertions_seen WHERE ctid IN (SELECT ctid FROM assertions_seen WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
