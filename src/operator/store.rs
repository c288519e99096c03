//! SQL of operators and operator keys.

use time::OffsetDateTime;

use super::api_key::OperatorKey;
use super::session::OperatorSession;
use super::{Operator, OperatorRole};
use crate::db::Conn;
use crate::ids::{OperatorId, OperatorKeyId, OperatorSessionId};

/// A second operator of that address violates `operators_email_key`.
pub async fn insert(conn: &mut Conn, operator: &Operator, password_hash: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operators (id, email, role, password_hash, must_change, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
        operator.id.as_str(),
        operator.email,
        operator.role.as_str(),
        password_hash,
        operator.must_change,
        operator.created_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The operator of that address, however it is capitalised, and the password's hash.
pub async fn by_email(conn: &mut Conn, email: &str) -> Result<Option<(Operator, String)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT id, email, role, password_hash, must_change, created_at FROM operators WHERE lower(email) = lower($1)",
        email
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let operator = Operator {
            role: known_role("operators", &row.id, &row.role)?,
            id: OperatorId::from_stored(row.id),
            email: row.email,
            must_change: row.must_change,
            created_at: row.created_at,
        };
        Some((operator, row.password_hash))
    }))
}

/// False: there is no operator of that address.
pub async fn set_password(
    conn: &mut Conn,
    email: &str,
    password_hash: &str,
    must_change: bool,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE operators SET password_hash = $2, must_change = $3, updated_at = $4 WHERE lower(email) = lower($1)",
        email,
        password_hash,
        must_change,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many operators there are: `demo` makes the first one.
pub async fn count(conn: &mut Conn) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM operators"#).fetch_one(conn).await
}

/// A second key of that name violates `operator_keys_name_key`.
pub async fn insert_key(conn: &mut Conn, key: &OperatorKey, token_hash: [u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operator_keys (id, name, role, token_hash, hint, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key.id.as_str(),
        key.name,
        key.role.as_str(),
        token_hash.as_slice(),
        key.hint,
        key.created_at,
        key.expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The key of that hash if it has not expired; notes that it was used.
pub async fn use_key(
    conn: &mut Conn,
    token_hash: [u8; 32],
    now: OffsetDateTime,
) -> Result<Option<OperatorKey>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE operator_keys SET last_used_at = $2 WHERE token_hash = $1 AND (expires_at IS NULL OR expires_at > $2)
         RETURNING id, name, role, hint, created_at, expires_at",
        token_hash.as_slice(),
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(OperatorKey {
            role: known_role("operator_keys", &row.id, &row.role)?,
            id: OperatorKeyId::from_stored(row.id),
            name: row.name,
            hint: row.hint,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }))
}

fn known_role(table: &str, key: &str, role: &str) -> Option<OperatorRole> {
    let known = OperatorRole::parse(role);
    if known.is_none() {
        tracing::error!(table, key, role, "row skipped: unknown role");
    }
    known
}

pub async fn insert_session(
    conn: &mut Conn,
    id: &OperatorSessionId,
    token_hash: [u8; 32],
    operator: &Operator,
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operator_sessions (id, token_hash, operator_id, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $4, $5)",
        id.as_str(),
        token_hash.as_slice(),
        operator.id.as_str(),
        now,
        expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The session of that hash, if it has not ended and was used since `seen_after`.
pub async fn session(
    conn: &mut Conn,
    token_hash: [u8; 32],
    now: OffsetDateTime,
    seen_after: OffsetDateTime,
) -> Result<Option<OperatorSession>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT s.id, s.last_seen_at, o.id AS operator_id, o.email, o.role, o.must_change, o.created_at
         FROM operator_sessions s JOIN operators o ON o.id = s.operator_id
         WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3",
        token_hash.as_slice(),
        now,
        seen_after
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let operator = Operator {
            role: known_role("operators", &row.operator_id, &row.role)?,
            id: OperatorId::from_stored(row.operator_id),
            email: row.email,
            must_change: row.must_change,
            created_at: row.created_at,
        };
        Some(OperatorSession { id: OperatorSessionId::from_stored(row.id), operator, last_seen_at: row.last_seen_at })
    }))
}

pub async fn session_seen(conn: &mut Conn, id: &OperatorSessionId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE operator_sessions SET last_seen_at = $2 WHERE id = $1", id.as_str(), now)
        .execute(conn)
        .await
        .map(drop)
}

pub async fn delete_session(conn: &mut Conn, id: &OperatorSessionId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM operator_sessions WHERE id = $1", id.as_str()).execute(conn).await.map(drop)
}

/// All of one operator's, except the one that goes on.
pub async fn delete_other_sessions(
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
