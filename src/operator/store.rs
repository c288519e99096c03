//! SQL of operators.

use time::OffsetDateTime;

use super::{Operator, OperatorRole};
use crate::db::Conn;
use crate::ids::{ConnectionId, OperatorId, UserId};

struct Row {
    id: String,
    email: String,
    role: String,
    must_change: bool,
    disabled: bool,
    user_id: Option<String>,
    second_factor: bool,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    last_sign_in_at: Option<OffsetDateTime>,
}

impl Row {
    /// `None`, and a line in the log, for a role that this version does not know.
    fn read(self) -> Option<Operator> {
        Some(Operator {
            role: known_role("operators", &self.id, &self.role)?,
            id: OperatorId::from_stored(self.id),
            email: self.email,
            must_change: self.must_change,
            disabled: self.disabled,
            user: self.user_id.map(UserId::from_stored),
            second_factor: self.second_factor,
            created_at: self.created_at,
            updated_at: self.updated_at,
            last_sign_in_at: self.last_sign_in_at,
        })
    }
}

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

/// The operator with a password of that address, however it is capitalised, and the password's hash.
pub async fn by_email(conn: &mut Conn, email: &str) -> Result<Option<(Operator, String)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, password_hash AS "password_hash!" FROM operators WHERE lower(email) = lower($1) AND user_id IS NULL"#,
        email
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let operator = by_id(conn, &OperatorId::from_stored(row.id)).await?;
    Ok(operator.map(|operator| (operator, row.password_hash)))
}

pub async fn by_id(conn: &mut Conn, id: &OperatorId) -> Result<Option<Operator>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, email, role, must_change, disabled, user_id, totp IS NOT NULL AS "second_factor!", created_at, updated_at,
                  last_sign_in_at
           FROM operators WHERE id = $1"#,
        id.as_str()
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::read))
}

/// By address; those after `(address, id)`.
pub async fn page(
    conn: &mut Conn,
    search: Option<&str>,
    after: Option<(&str, &str)>,
    limit: i64,
) -> Result<Vec<Operator>, sqlx::Error> {
    let (after_email, after_id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, email, role, must_change, disabled, user_id, totp IS NOT NULL AS "second_factor!", created_at, updated_at,
                  last_sign_in_at
           FROM operators
           WHERE ($1::text IS NULL OR strpos(lower(email), lower($1)) > 0)
             AND ($2::text IS NULL OR (lower(email), id) > ($2, $3))
           ORDER BY lower(email), id LIMIT $4"#,
        search,
        after_email,
        after_id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(Row::read).collect())
}

pub async fn password(conn: &mut Conn, id: &OperatorId) -> Result<Option<String>, sqlx::Error> {
    let hash = sqlx::query_scalar!("SELECT password_hash FROM operators WHERE id = $1", id.as_str());
    Ok(hash.fetch_optional(conn).await?.flatten())
}

pub async fn set_password(
    conn: &mut Conn,
    id: &OperatorId,
    password_hash: &str,
    must_change: bool,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE operators SET password_hash = $2, must_change = $3, updated_at = $4 WHERE id = $1 AND user_id IS NULL",
        id.as_str(),
        password_hash,
        must_change,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The owners who have a password and are not switched off, locked, so that no two changes each leave the other as the last.
pub async fn lock_owners(conn: &mut Conn) -> Result<Vec<OperatorId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM operators WHERE role = 'owner' AND user_id IS NULL AND NOT disabled ORDER BY id FOR UPDATE"
    );
    Ok(ids.fetch_all(conn).await?.into_iter().map(OperatorId::from_stored).collect())
}

pub async fn change(
    conn: &mut Conn,
    id: &OperatorId,
    role: OperatorRole,
    disabled: bool,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE operators SET role = $2, disabled = $3, updated_at = $4 WHERE id = $1",
        id.as_str(),
        role.as_str(),
        disabled,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn delete(conn: &mut Conn, id: &OperatorId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM operators WHERE id = $1", id.as_str()).execute(conn).await.map(drop)
}

/// The operator that this person is; a new one, or the known one with what is true today. `None`: switched off.
pub async fn of_person(
    conn: &mut Conn,
    fresh: &Operator,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<Option<Operator>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "INSERT INTO operators AS o (id, email, role, must_change, user_id, connection_id, created_at, updated_at)
         VALUES ($1, $2, $3, false, $4, $5, $6, $6)
         ON CONFLICT (user_id) DO UPDATE
             SET email = EXCLUDED.email, role = EXCLUDED.role, connection_id = EXCLUDED.connection_id, updated_at = EXCLUDED.updated_at
             WHERE NOT o.disabled
         RETURNING id",
        fresh.id.as_str(),
        fresh.email,
        fresh.role.as_str(),
        user.as_str(),
        connection.as_str(),
        fresh.created_at
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => by_id(conn, &OperatorId::from_stored(id)).await,
        None => Ok(None),
    }
}

/// The operator that this person is through this connection.
pub async fn through(
    conn: &mut Conn,
    user: &UserId,
    connection: &ConnectionId,
) -> Result<Option<Operator>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM operators WHERE user_id = $1 AND connection_id = $2",
        user.as_str(),
        connection.as_str()
    );
    match id.fetch_optional(&mut *conn).await? {
        Some(id) => by_id(conn, &OperatorId::from_stored(id)).await,
        None => Ok(None),
    }
}

pub async fn signed_in(conn: &mut Conn, id: &OperatorId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE operators SET last_sign_in_at = $2 WHERE id = $1", id.as_str(), now)
        .execute(conn)
        .await
        .map(drop)
}

/// How many operators there are: somebody has to make the first one.
pub async fn count(conn: &mut Conn) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM operators"#).fetch_one(conn).await
}

/// `None`, and a line in the log, for what this version does not know.
pub(super) fn known_role(table: &str, key: &str, role: &str) -> Option<OperatorRole> {
    let known = OperatorRole::parse(role);
    if known.is_none() {
        tracing::error!(table, key, role, "row skipped: unknown role");
    }
    known
}
