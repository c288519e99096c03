//! SQL of operators' sessions.

use time::OffsetDateTime;

use super::{Browser, Listed, OperatorSession, Stage};
use crate::db::Conn;
use crate::ids::{ConnectionId, OperatorId, OperatorSessionId};
use crate::operator::store::by_id;

pub struct NewSession<'a> {
    pub id: &'a OperatorSessionId,
    pub token_hash: [u8; 32],
    pub operator: &'a OperatorId,
    pub stage: Stage,
    pub expires_at: OffsetDateTime,
    pub browser: &'a Browser,
}

pub async fn insert(conn: &mut Conn, new: &NewSession<'_>, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operator_sessions (id, token_hash, operator_id, stage, created_at, last_seen_at, expires_at, user_agent, remote_addr)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        new.id.as_str(),
        new.token_hash.as_slice(),
        new.operator.as_str(),
        new.stage.as_str(),
        now,
        new.expires_at,
        new.browser.user_agent,
        new.browser.addr.map(|addr| addr.to_string())
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The session of that hash, if it has come so far, has not ended and was used since `seen_after`. Its operator must not be
/// switched off; a person must not be blocked, nor the connection that they came through be disabled.
pub async fn by_token(
    conn: &mut Conn,
    token_hash: [u8; 32],
    stage: Stage,
    now: OffsetDateTime,
    seen_after: OffsetDateTime,
) -> Result<Option<OperatorSession>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT s.id, s.last_seen_at, s.operator_id
         FROM operator_sessions s
         JOIN operators o ON o.id = s.operator_id
         LEFT JOIN users u ON u.id = o.user_id
         LEFT JOIN connections c ON c.id = o.connection_id
         WHERE s.token_hash = $1 AND s.stage = $2 AND s.expires_at > $3 AND s.last_seen_at > $4 AND NOT o.disabled
           AND (o.user_id IS NULL OR (u.status = 'active' AND c.enabled))",
        token_hash.as_slice(),
        stage.as_str(),
        now,
        seen_after
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let operator = by_id(conn, &OperatorId::from_stored(row.operator_id)).await?;
    Ok(operator.map(|operator| OperatorSession {
        id: OperatorSessionId::from_stored(row.id),
        operator,
        last_seen_at: row.last_seen_at,
    }))
}

pub async fn list(
    conn: &mut Conn,
    operator: &OperatorId,
    now: OffsetDateTime,
    seen_after: OffsetDateTime,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, created_at, last_seen_at, user_agent, remote_addr FROM operator_sessions
         WHERE operator_id = $1 AND stage = 'seated' AND expires_at > $2 AND last_seen_at > $3
         ORDER BY created_at DESC LIMIT 100",
        operator.as_str(),
        now,
        seen_after
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        id: OperatorSessionId::from_stored(row.id),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        user_agent: row.user_agent,
        remote_addr: row.remote_addr,
    });
    Ok(listed.collect())
}

pub async fn seen(conn: &mut Conn, id: &OperatorSessionId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE operator_sessions SET last_seen_at = $2 WHERE id = $1", id.as_str(), now)
        .execute(conn)
        .await
        .map(drop)
}

pub async fn delete(conn: &mut Conn, id: &OperatorSessionId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM operator_sessions WHERE id = $1", id.as_str()).execute(conn).await.map(drop)
}

/// All of one operator's, except the one that goes on.
pub async fn delete_others(
    conn: &mut Conn,
    operator: &OperatorId,
    except: Option<&OperatorSessionId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM operator_sessions WHERE operator_id = $1 AND id IS DISTINCT FROM $2",
        operator.as_str(),
        except.map(OperatorSessionId::as_str)
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Of everybody who came through this connection: its rules are others now.
pub async fn delete_through(conn: &mut Conn, connection: &ConnectionId) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM operator_sessions WHERE operator_id IN (SELECT id FROM operators WHERE connection_id = $1)",
        connection.as_str()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM operator_sessions WHERE id IN (SELECT id FROM operator_sessions WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
