//! SQL of the clients of a session, and of the logout tokens that they are owed when it ends.

use time::{Duration, OffsetDateTime};

use crate::db::Conn;
use crate::ids::{SessionId, UserId};

/// How long a client may rely on a sign-in that later ones in the same browser replaced: as a refresh token's family.
const REMEMBERED: Duration = Duration::days(30);

/// This client holds tokens of this session.
pub async fn join(conn: &mut Conn, id: &SessionId, client_id: &str, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO session_clients (session_id, client_id, sid, created_at) VALUES ($1, $2, $1, $3)
         ON CONFLICT DO NOTHING",
        id.as_str(),
        client_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whoever signs in anew in the same browser goes on: clients of the session before are told when this one ends, by the
/// `sid` they know.
pub async fn inherit(
    conn: &mut Conn,
    before: &SessionId,
    id: &SessionId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE session_clients SET session_id = $2 WHERE session_id = $1 AND created_at > $3",
        before.as_str(),
        id.as_str(),
        now - REMEMBERED
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is owed to the clients of sessions that ended. A client that is disabled, or has no address for it, is owed
/// nothing.
pub(in crate::session) async fn owe(
    conn: &mut Conn,
    ended: &[SessionId],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let ended: Vec<String> = ended.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "WITH told AS (DELETE FROM session_clients WHERE session_id = ANY($1) RETURNING session_id, client_id, sid)
         INSERT INTO logout_notifications (client_id, sid, sub, created_at, attempts, next_attempt_at)
         SELECT told.client_id, told.sid, s.user_id, $2::timestamptz, 0, $2::timestamptz
         FROM told JOIN sessions s ON s.id = told.session_id JOIN clients c ON c.client_id = told.client_id
         WHERE c.enabled AND c.settings ? 'backchannel_logout_uri'
         ON CONFLICT DO NOTHING",
        &ended,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The same for whoever still holds a refresh token of this person, though its session may be long gone.
pub(in crate::session) async fn owe_refresh_families(
    conn: &mut Conn,
    user: &UserId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO logout_notifications (client_id, sid, sub, created_at, attempts, next_attempt_at)
         SELECT f.client_id, f.session_id, f.user_id, $2::timestamptz, 0, $2::timestamptz
         FROM refresh_families f JOIN clients c ON c.client_id = f.client_id
         WHERE f.user_id = $1 AND f.revoked_at IS NULL AND f.expires_at > $2::timestamptz
               AND c.enabled AND c.settings ? 'backchannel_logout_uri'
         ON CONFLICT DO NOTHING",
        user.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
