//! SQL of sessions.

use time::OffsetDateTime;

use super::{Lifetimes, NewSession, Session};
use crate::db::Conn;
use crate::ids::{IdentityId, SessionId, UserId};

pub async fn insert(
    conn: &mut Conn,
    new: &NewSession,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let end = now + lifetimes.absolute;
    sqlx::query!(
        "INSERT INTO sessions (id, token_hash, user_id, identity_id, connection_slug, auth_time, acr, amr, upstream_sid,
                               created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)",
        new.id.as_str(),
        &new.token_hash[..],
        new.user_id.as_str(),
        new.identity_id.as_str(),
        new.connection_slug,
        new.auth_time,
        new.acr,
        &new.amr,
        new.upstream_sid,
        now,
        new.not_after.map_or(end, |not_after| not_after.min(end)),
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct SessionRow {
    id: String,
    user_id: String,
    identity_id: String,
    connection_slug: String,
    auth_time: OffsetDateTime,
    acr: Option<String>,
    amr: Vec<String>,
    last_seen_at: OffsetDateTime,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId::from_stored(row.id),
            user_id: UserId::from_stored(row.user_id),
            identity_id: IdentityId::from_stored(row.identity_id),
            connection_slug: row.connection_slug,
            auth_time: row.auth_time,
            acr: row.acr,
            amr: row.amr,
            last_seen_at: row.last_seen_at,
        }
    }
}

/// The live session behind a cookie value; its user must still be active.
pub async fn by_token(
    conn: &mut Conn,
    token_hash: &[u8; 32],
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<Option<Session>, sqlx::Error> {
    let row = sqlx::query_as!(
        SessionRow,
        "SELECT s.id, s.user_id, s.identity_id, s.connection_slug, s.auth_time, s.acr, s.amr, s.last_seen_at
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.status = 'active'",
        &token_hash[..],
        now,
        now - lifetimes.idle,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Session::from))
}

pub async fn touch(conn: &mut Conn, id: &SessionId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2", id.as_str(), now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends the session behind a cookie value: a new login replaces it.
pub async fn revoke_by_token(conn: &mut Conn, token_hash: &[u8; 32], now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sessions SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL",
        &token_hash[..],
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rows that nothing needs any more: a day after their end.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let cut = now - time::Duration::days(1);
    let done = sqlx::query!("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT 1000)", cut).execute(conn).await?;
    Ok(done.rows_affected())
}

/// The session that a code came from, unless it was revoked since. Its idle time does not matter: the code is fresh.
pub async fn by_id(conn: &mut Conn, id: &SessionId) -> Result<Option<Session>, sqlx::Error> {
    let row = sqlx::query_as!(
        SessionRow,
        "SELECT id, user_id, identity_id, connection_slug, auth_time, acr, amr, last_seen_at
         FROM sessions WHERE id = $1 AND revoked_at IS NULL",
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Session::from))
}

/// By which connection a session began, as long as it is remembered.
pub async fn connection_of(conn: &mut Conn, id: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT connection_slug FROM sessions WHERE id = $1", id).fetch_optional(conn).await
}
