//! SQL of what a person is signed in to. Refresh families and consents are others' rows; how many hang on a person is read
//! here, because they end with the person.

use time::OffsetDateTime;

use super::{Live, Reach};
use crate::db::Conn;
use crate::ids::{IdentityId, SessionId, UserId};
use crate::session::Lifetimes;

/// A person's sessions that go on, the last used first.
pub async fn live(
    conn: &mut Conn,
    user: &UserId,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<Vec<Live>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.id, s.connection_slug, s.created_at, s.last_seen_at, s.expires_at, s.user_agent, s.remote_addr,
                  ARRAY(SELECT DISTINCT c.client_id FROM session_clients c WHERE c.session_id = s.id ORDER BY c.client_id) AS "clients!"
           FROM sessions s
           WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND s.last_seen_at > $3
           ORDER BY s.last_seen_at DESC, s.id LIMIT 200"#,
        user.as_str(),
        now,
        now - lifetimes.idle
    )
    .fetch_all(conn)
    .await?;
    let live = rows.into_iter().map(|row| Live {
        id: SessionId::from_stored(row.id),
        connection_slug: row.connection_slug,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        user_agent: row.user_agent,
        remote_addr: row.remote_addr,
        clients: row.clients,
    });
    Ok(live.collect())
}

pub(super) async fn owner(conn: &mut Conn, id: &SessionId) -> Result<Option<UserId>, sqlx::Error> {
    let id =
        sqlx::query_scalar!("SELECT user_id FROM sessions WHERE id = $1", id.as_str()).fetch_optional(conn).await?;
    Ok(id.map(UserId::from_stored))
}

/// What would end with a person.
pub async fn reach(
    conn: &mut Conn,
    user: &UserId,
    lifetimes: Lifetimes,
    now: OffsetDateTime,
) -> Result<Reach, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH live AS (SELECT id FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND last_seen_at > $3),
                families AS (SELECT client_id FROM refresh_families WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2)
           SELECT (SELECT count(*) FROM live) AS "sessions!",
                  (SELECT count(*) FROM families) AS "families!",
                  (SELECT count(*) FROM (SELECT client_id FROM families UNION
                                         SELECT c.client_id FROM session_clients c JOIN live ON live.id = c.session_id) held) AS "clients!",
                  (SELECT count(*) FROM identities WHERE user_id = $1) AS "identities!",
                  (SELECT count(*) FROM consents WHERE user_id = $1) AS "consents!""#,
        user.as_str(),
        now,
        now - lifetimes.idle
    )
    .fetch_one(conn)
    .await?;
    Ok(Reach {
        sessions: row.sessions,
        refresh_families: row.families,
        clients: row.clients,
        identities: row.identities,
        consents: row.consents,
    })
}

// --- an identity that is taken away ----------------------------------------------------------------------------------

pub(super) async fn ids_by_identity(conn: &mut Conn, identity: &IdentityId) -> Result<Vec<SessionId>, sqlx::Error> {
    let ids = sqlx::query_scalar!("SELECT id FROM sessions WHERE identity_id = $1", identity.as_str());
    Ok(ids.fetch_all(conn).await?.into_iter().map(SessionId::from_stored).collect())
}

/// Those that outlive their session among them. Whoever held one is told.
pub(super) async fn revoke_refresh_families(
    conn: &mut Conn,
    identity: &IdentityId,
    reason: &str,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO logout_notifications (client_id, sid, sub, created_at, attempts, next_attempt_at)
         SELECT f.client_id, f.session_id, f.user_id, $2::timestamptz, 0, $2::timestamptz
         FROM refresh_families f JOIN clients c ON c.client_id = f.client_id
         WHERE f.identity_id = $1 AND f.revoked_at IS NULL AND f.expires_at > $2::timestamptz
               AND c.enabled AND c.settings ? 'backchannel_logout_uri'
         ON CONFLICT DO NOTHING",
        identity.as_str(),
        now
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "UPDATE refresh_families SET revoked_at = $3, revoked_reason = $2 WHERE identity_id = $1 AND revoked_at IS NULL",
        identity.as_str(),
        reason,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whoever sits at the operator's desk by this identity does so no longer, unless another one of theirs is of the same
/// connection.
pub(super) async fn leave_desk(conn: &mut Conn, user: &UserId, identity: &IdentityId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM operator_sessions s USING operators o, identities gone
         WHERE s.operator_id = o.id AND gone.id = $2 AND o.user_id = $1 AND o.connection_id = gone.connection_id
           AND NOT EXISTS (SELECT FROM identities i WHERE i.user_id = $1 AND i.connection_id = gone.connection_id AND i.id <> $2)",
        user.as_str(),
        identity.as_str()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// With the rows of what came by it.
pub(super) async fn delete_identity(conn: &mut Conn, identity: &IdentityId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM identities WHERE id = $1", identity.as_str()).execute(conn).await.map(drop)
}
