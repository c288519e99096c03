//! SQL of sessions.

use time::OffsetDateTime;

use super::upstream::StoredUpstreamSession;
use super::{Ended, Lifetimes, NewSession, Session, UpstreamSession};
use crate::db::Conn;
use crate::ids::{ConnectionId, IdentityId, SessionId, UserId};
use crate::vault::Sealed;

pub async fn insert(
    conn: &mut Conn,
    new: &NewSession,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let end = now + lifetimes.absolute;
    sqlx::query!(
        "INSERT INTO sessions (id, token_hash, user_id, identity_id, connection_slug, auth_time, acr, amr,
                               created_at, last_seen_at, expires_at, user_agent, remote_addr)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12)",
        new.id.as_str(),
        &new.token_hash[..],
        new.user_id.as_str(),
        new.identity_id.as_str(),
        new.connection_slug,
        new.auth_time,
        new.acr,
        &new.amr,
        now,
        new.not_after.map_or(end, |not_after| not_after.min(end)),
        new.user_agent,
        new.remote_addr.map(|addr| addr.to_string()),
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

/// The session behind a cookie value, in whatever state.
pub async fn id_by_token(conn: &mut Conn, token_hash: &[u8; 32]) -> Result<Option<SessionId>, sqlx::Error> {
    let id = sqlx::query_scalar!("SELECT id FROM sessions WHERE token_hash = $1", &token_hash[..]);
    Ok(id.fetch_optional(conn).await?.map(SessionId::from_stored))
}

/// Those of `ids` that were not revoked before. Nobody calls this but [`super::end_many`].
pub(super) async fn revoke(
    conn: &mut Conn,
    ids: &[SessionId],
    reason: &str,
    now: OffsetDateTime,
) -> Result<Vec<Ended>, sqlx::Error> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        "UPDATE sessions SET revoked_at = $3, end_reason = $2 WHERE id = ANY($1) AND revoked_at IS NULL
         RETURNING id, user_id, connection_slug",
        &ids,
        reason,
        now
    )
    .fetch_all(conn)
    .await?;
    let ended = rows.into_iter().map(|row| Ended {
        id: SessionId::from_stored(row.id),
        user_id: UserId::from_stored(row.user_id),
        connection_slug: row.connection_slug,
    });
    Ok(ended.collect())
}

/// Refresh families without offline_access. They are `token`'s, which stands above; that they end with their session is
/// the session's matter.
pub(super) async fn revoke_refresh_families(
    conn: &mut Conn,
    of: &[Ended],
    reason: &str,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let sessions: Vec<String> = of.iter().map(|ended| ended.id.to_string()).collect();
    let done = sqlx::query!(
        "UPDATE refresh_families SET revoked_at = $3, revoked_reason = $2
         WHERE session_id = ANY($1) AND revoked_at IS NULL AND NOT 'offline_access' = ANY(scopes)",
        &sessions,
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// All refresh families of a person.
pub(super) async fn revoke_refresh_families_of_user(
    conn: &mut Conn,
    user: &UserId,
    reason: &str,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE refresh_families SET revoked_at = $3, revoked_reason = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        user.as_str(),
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Every session of a person that is remembered, those that are over among them.
pub(super) async fn ids_of_user(conn: &mut Conn, user: &UserId) -> Result<Vec<SessionId>, sqlx::Error> {
    let ids = sqlx::query_scalar!("SELECT id FROM sessions WHERE user_id = $1", user.as_str());
    Ok(ids.fetch_all(conn).await?.into_iter().map(SessionId::from_stored).collect())
}

/// In how many browsers a person is signed in.
pub async fn count_live(
    conn: &mut Conn,
    user: &UserId,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM sessions
           WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND last_seen_at > $3"#,
        user.as_str(),
        now,
        now - lifetimes.idle
    )
    .fetch_one(conn)
    .await
}

/// Remembers where a session came from.
pub async fn insert_upstream(
    conn: &mut Conn,
    id: &SessionId,
    connection: &ConnectionId,
    upstream: &StoredUpstreamSession,
) -> Result<(), sqlx::Error> {
    let session = &upstream.session;
    sqlx::query!(
        "INSERT INTO upstream_sessions (session_id, connection_id, issuer, subject, name_id, sids, id_token)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.as_str(),
        connection.as_str(),
        session.issuer,
        session.subject,
        session.name_id.as_ref().and_then(|name_id| serde_json::to_value(name_id).ok()),
        &session.sids,
        upstream.id_token.as_ref().map(Sealed::as_bytes)
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct UpstreamRow {
    session_id: String,
    issuer: String,
    subject: String,
    name_id: Option<serde_json::Value>,
    sids: Vec<String>,
    id_token: Option<Vec<u8>>,
}

impl UpstreamRow {
    fn read(self) -> (SessionId, StoredUpstreamSession) {
        let session = UpstreamSession {
            issuer: self.issuer,
            subject: self.subject,
            name_id: self.name_id.and_then(|name_id| serde_json::from_value(name_id).ok()),
            sids: self.sids,
        };
        let id_token = self.id_token.map(Sealed::from_stored);
        (SessionId::from_stored(self.session_id), StoredUpstreamSession { session, id_token })
    }
}

/// Where a session came from.
pub async fn upstream_of(conn: &mut Conn, id: &SessionId) -> Result<Option<StoredUpstreamSession>, sqlx::Error> {
    let row = sqlx::query_as!(
        UpstreamRow,
        "SELECT session_id, issuer, subject, name_id, sids, id_token FROM upstream_sessions WHERE session_id = $1",
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| row.read().1))
}

/// Sessions not over yet that came by this connection and share the subject or one of the `sids`: which of them are
/// meant is [`super::EndedUpstream::includes`]'s to say.
pub async fn by_upstream(
    conn: &mut Conn,
    connection: &ConnectionId,
    subject: Option<&str>,
    sids: &[String],
) -> Result<Vec<(SessionId, UpstreamSession)>, sqlx::Error> {
    let rows = sqlx::query_as!(
        UpstreamRow,
        "SELECT u.session_id, u.issuer, u.subject, u.name_id, u.sids, u.id_token
         FROM upstream_sessions u JOIN sessions s ON s.id = u.session_id
         WHERE u.connection_id = $1 AND (u.subject = $2 OR u.sids && $3) AND s.revoked_at IS NULL",
        connection.as_str(),
        subject,
        sids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(UpstreamRow::read).map(|(id, stored)| (id, stored.session)).collect())
}

/// Rows that nothing needs any more: a day after their end.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let cut = now - time::Duration::days(1);
    let done = sqlx::query!("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 LIMIT 1000)", cut).execute(conn).await?;
    Ok(done.rows_affected())
}

/// The session that a code came from, unless it was revoked since. Its idle time does not matter: the code is fresh. It
/// cannot end until the transaction does, so that a logout sees what was made of the code.
pub async fn by_id(conn: &mut Conn, id: &SessionId) -> Result<Option<Session>, sqlx::Error> {
    let row = sqlx::query_as!(
        SessionRow,
        "SELECT id, user_id, identity_id, connection_slug, auth_time, acr, amr, last_seen_at
         FROM sessions WHERE id = $1 AND revoked_at IS NULL FOR SHARE",
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
