//! SQL of idempotency keys.

use time::OffsetDateTime;

use super::{KEPT, LONGEST};
use crate::db::Conn;
use crate::vault::Sealed;

/// What is known of a key that somebody else was first with.
#[derive(Debug)]
pub struct Known {
    pub request_hash: Vec<u8>,
    /// Absent while the first request is under way.
    pub sealed: Option<Sealed>,
}

/// `None`: nobody was first, or whoever was has died, and now the caller is.
pub async fn begin(
    conn: &mut Conn,
    id: &str,
    request_hash: &[u8],
    now: OffsetDateTime,
) -> Result<Option<Known>, sqlx::Error> {
    let won = sqlx::query!(
        "INSERT INTO idempotency_keys (id, request_hash, started_at, expires_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET request_hash = $2, sealed = NULL, started_at = $3, expires_at = $4
         WHERE idempotency_keys.expires_at <= $3 OR (idempotency_keys.sealed IS NULL AND idempotency_keys.started_at <= $5
               AND idempotency_keys.request_hash = $2)",
        id,
        request_hash,
        now,
        now + KEPT,
        now - LONGEST
    )
    .execute(&mut *conn)
    .await?;
    if won.rows_affected() == 1 {
        return Ok(None);
    }
    let row = sqlx::query!("SELECT request_hash, sealed FROM idempotency_keys WHERE id = $1", id);
    let row = row.fetch_optional(conn).await?;
    // gone between the two statements: the first request failed just now, and is still under way as far as anybody knows
    Ok(Some(row.map_or_else(
        || Known { request_hash: request_hash.to_vec(), sealed: None },
        |row| Known { request_hash: row.request_hash, sealed: row.sealed.map(Sealed::from_stored) },
    )))
}

pub async fn answered(conn: &mut Conn, id: &str, sealed: &Sealed) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE idempotency_keys SET sealed = $2 WHERE id = $1", id, sealed.as_bytes()).execute(conn).await?;
    Ok(())
}

/// The first request came to nothing and may be repeated.
pub async fn forget(conn: &mut Conn, id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE id = $1 AND sealed IS NULL", id).execute(conn).await?;
    Ok(())
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys WHERE expires_at <= $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
