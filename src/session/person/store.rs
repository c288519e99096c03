//! SQL of what a person is signed in to. Refresh families and consents are others' rows; how many hang on a person is read
//! here, because they end with the person.

use time::OffsetDateTime;

use super::{Live, Reach};
use crate::db::Conn;
use crate::ids::{SessionId, UserId};
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
