//! SQL of a person's record.

use time::OffsetDateTime;

use super::{KnownIdentity, Record};
use crate::db::Conn;
use crate::ids::{IdentityId, UserId};
use crate::user::{UserStatus, store};

pub async fn of(conn: &mut Conn, id: &UserId) -> Result<Option<Record>, sqlx::Error> {
    let Some(user) = store::by_id(conn, id).await? else { return Ok(None) };
    let row =
        sqlx::query!("SELECT managed_by, created_at, updated_at, last_login_at FROM users WHERE id = $1", id.as_str())
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| Record {
        user,
        managed_by: row.managed_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
        last_login_at: row.last_login_at,
    }))
}

/// The longest known first.
pub async fn identities(conn: &mut Conn, id: &UserId) -> Result<Vec<KnownIdentity>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT i.id, c.slug, c.display_name, i.issuer, i.subject, i.created_at, i.last_login_at
         FROM identities i JOIN connections c ON c.id = i.connection_id
         WHERE i.user_id = $1 ORDER BY i.created_at, i.id",
        id.as_str()
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| KnownIdentity {
        id: IdentityId::from_stored(row.id),
        connection_slug: row.slug,
        connection_name: row.display_name,
        issuer: row.issuer,
        subject: row.subject,
        created_at: row.created_at,
        last_login_at: row.last_login_at,
    });
    Ok(known.collect())
}

/// The status, with the row locked until the transaction ends.
pub async fn lock(conn: &mut Conn, id: &UserId) -> Result<Option<UserStatus>, sqlx::Error> {
    let status = sqlx::query_scalar!("SELECT status FROM users WHERE id = $1 FOR UPDATE", id.as_str());
    let status = status.fetch_optional(conn).await?;
    Ok(status.map(|status| UserStatus::parse(&status).unwrap_or(UserStatus::Blocked)))
}

pub async fn rename(
    conn: &mut Conn,
    id: &UserId,
    email: Option<&str>,
    name: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE users SET email = $2, name = $3, updated_at = $4 WHERE id = $1",
        id.as_str(),
        email,
        name,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// With everything that hangs on the person: identities, sessions, refresh tokens, consents.
pub async fn delete(conn: &mut Conn, id: &UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM users WHERE id = $1", id.as_str()).execute(conn).await?;
    Ok(())
}
