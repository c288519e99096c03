//! SQL of the calendar's feed: one row, or none.

use super::Feed;
use crate::db::Conn;

pub async fn get(conn: &mut Conn) -> Result<Option<Feed>, sqlx::Error> {
    sqlx::query_as!(Feed, "SELECT hint, created_by, created_at FROM calendar_feed").fetch_optional(conn).await
}

pub async fn is_known(conn: &mut Conn, digest: [u8; 32]) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM calendar_feed WHERE token_digest = $1) AS "known!""#,
        digest.as_slice()
    )
    .fetch_one(conn)
    .await
}

/// In the place of the one before.
pub async fn put(conn: &mut Conn, feed: &Feed, digest: [u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO calendar_feed (id, token_digest, hint, created_by, created_at) VALUES (1, $1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET token_digest = excluded.token_digest, hint = excluded.hint,
                                        created_by = excluded.created_by, created_at = excluded.created_at",
        digest.as_slice(),
        feed.hint,
        feed.created_by,
        feed.created_at
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn delete(conn: &mut Conn) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM calendar_feed").execute(conn).await.map(drop)
}
