//! SQL of link proofs: each is used once, by whom it was made for and where.

use time::OffsetDateTime;

use super::{Bound, Proof};
use crate::db::Conn;
use crate::ids::{ConnectionId, LinkProofId};
use crate::user::IdentityKey;

pub async fn insert(
    conn: &mut Conn,
    id: &LinkProofId,
    bound: Bound<'_>,
    proof: &Proof,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    // whoever begins anew wants what comes of that
    sqlx::query!("DELETE FROM link_proofs WHERE session_id = $1", bound.session.as_str()).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO link_proofs (id, user_id, session_id, browser_hash, connection_id, issuer, subject, called, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.as_str(),
        bound.user.as_str(),
        bound.session.as_str(),
        &bound.browser_hash[..],
        proof.connection.as_str(),
        proof.key.issuer,
        proof.key.subject,
        proof.called,
        now,
        expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// For the page that asks.
pub async fn find(
    conn: &mut Conn,
    id: &str,
    bound: Bound<'_>,
    now: OffsetDateTime,
) -> Result<Option<Proof>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT connection_id, issuer, subject, called FROM link_proofs
         WHERE id = $1 AND user_id = $2 AND session_id = $3 AND browser_hash = $4 AND expires_at > $5",
        id,
        bound.user.as_str(),
        bound.session.as_str(),
        &bound.browser_hash[..],
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Proof {
        connection: ConnectionId::from_stored(row.connection_id),
        key: IdentityKey { issuer: row.issuer, subject: row.subject },
        called: row.called,
    }))
}

/// Uses it up. `None`: there is none, or it is bound to something else.
pub async fn take(
    conn: &mut Conn,
    id: &str,
    bound: Bound<'_>,
    now: OffsetDateTime,
) -> Result<Option<Proof>, sqlx::Error> {
    let row = sqlx::query!(
        "DELETE FROM link_proofs
         WHERE id = $1 AND user_id = $2 AND session_id = $3 AND browser_hash = $4 AND expires_at > $5
         RETURNING connection_id, issuer, subject, called",
        id,
        bound.user.as_str(),
        bound.session.as_str(),
        &bound.browser_hash[..],
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Proof {
        connection: ConnectionId::from_stored(row.connection_id),
        key: IdentityKey { issuer: row.issuer, subject: row.subject },
        called: row.called,
    }))
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM link_proofs WHERE id IN (SELECT id FROM link_proofs WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
