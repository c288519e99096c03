//! SQL of pushed requests.

use time::OffsetDateTime;

use super::PushedRequest;
use crate::authorization::{self, AuthorizeRequest};
use crate::db::Conn;
use crate::ids::PushedRequestId;

pub async fn insert(
    conn: &mut Conn,
    new: &PushedRequest,
    reference_hash: &[u8; 32],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO pushed_requests (id, reference_hash, client_id, request, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        new.id.as_str(),
        &reference_hash[..],
        new.client_id,
        sqlx::types::Json(&new.request) as _,
        now,
        new.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Expired or not.
pub async fn by_reference(conn: &mut Conn, reference_hash: &[u8; 32]) -> Result<Option<PushedRequest>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, client_id, request AS "request: sqlx::types::Json<AuthorizeRequest>", expires_at
           FROM pushed_requests WHERE reference_hash = $1"#,
        &reference_hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| PushedRequest {
        id: PushedRequestId::from_stored(row.id),
        client_id: row.client_id,
        request: row.request.0,
        expires_at: row.expires_at,
    }))
}

/// False: it was used up before.
pub async fn delete(conn: &mut Conn, id: &PushedRequestId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM pushed_requests WHERE id = $1", id.as_str()).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Those with which nothing can be under way any more.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM pushed_requests WHERE id IN (SELECT id FROM pushed_requests WHERE expires_at < $1 LIMIT 1000)",
        now - authorization::LIFETIME
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
