//! SQL of certificates that were seen and are not trusted.

use time::OffsetDateTime;

use super::{Seen, Signer};
use crate::connection::Slug;
use crate::db::Conn;
use crate::ids::ConnectionId;

pub(super) async fn seen(
    conn: &mut Conn,
    connection: &ConnectionId,
    signer: &Signer,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO untrusted_certificates (connection_id, sha256, subject, der, not_before, not_after, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (connection_id, sha256) DO UPDATE
         SET last_seen_at = EXCLUDED.last_seen_at, times = untrusted_certificates.times + 1",
        connection.as_str(),
        signer.sha256,
        signer.subject,
        signer.der,
        signer.not_before,
        signer.not_after,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn forget_old(conn: &mut Conn, connection: &ConnectionId, most: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM untrusted_certificates WHERE connection_id = $1 AND sha256 IN (
             SELECT sha256 FROM untrusted_certificates WHERE connection_id = $1
             ORDER BY last_seen_at DESC, sha256 OFFSET $2)",
        connection.as_str(),
        most
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Without those that are trusted since.
pub(super) async fn of(conn: &mut Conn, slug: &Slug) -> Result<Vec<Seen>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT u.sha256, u.subject, u.der, u.not_before, u.not_after, u.first_seen_at, u.last_seen_at, u.times
         FROM untrusted_certificates u JOIN connections c ON c.id = u.connection_id
         WHERE c.slug = $1 AND NOT EXISTS (
             SELECT 1 FROM connection_certificates t
             WHERE t.connection_id = c.id AND t.sha256 = u.sha256 AND t.state IN ('next', 'active'))
         ORDER BY u.last_seen_at DESC, u.sha256",
        slug.as_str()
    )
    .fetch_all(conn)
    .await?;
    let seen = rows.into_iter().map(|row| Seen {
        signer: Signer {
            der: row.der,
            sha256: row.sha256,
            subject: row.subject,
            not_before: row.not_before,
            not_after: row.not_after,
        },
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
        times: row.times,
    });
    Ok(seen.collect())
}
