//! SQL of attempts at the desk's door.

use time::OffsetDateTime;

use super::Known;
use crate::db::Conn;

/// One more of this key. The row stays locked until the transaction ends, so that attempts come one after the other. Those
/// before `forgotten` count no more.
pub async fn count(
    conn: &mut Conn,
    key: &[u8],
    now: OffsetDateTime,
    forgotten: OffsetDateTime,
) -> Result<Known, sqlx::Error> {
    sqlx::query_as!(
        Known,
        "INSERT INTO operator_attempts AS a (key, failures, blocked_until, last_at) VALUES ($1, 1, $2, $2)
         ON CONFLICT (key) DO UPDATE
             SET failures = CASE WHEN a.last_at < $3 THEN 1 ELSE LEAST(a.failures, 1000) + 1 END, last_at = $2
         RETURNING failures, blocked_until",
        key,
        now,
        forgotten
    )
    .fetch_one(conn)
    .await
}

pub async fn block(conn: &mut Conn, key: &[u8], until: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE operator_attempts SET blocked_until = $2 WHERE key = $1", key, until)
        .execute(conn)
        .await
        .map(drop)
}

pub async fn forget(conn: &mut Conn, key: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM operator_attempts WHERE key = $1", key).execute(conn).await.map(drop)
}

/// The last attempt was none of a guesser: neither counted nor waited for.
pub async fn take_back(conn: &mut Conn, key: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE operator_attempts SET failures = failures - 1, blocked_until = last_at WHERE key = $1 AND failures > 0",
        key
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn delete_ended(conn: &mut Conn, before: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM operator_attempts WHERE key IN (SELECT key FROM operator_attempts WHERE last_at < $1 LIMIT 1000)",
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
