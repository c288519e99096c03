//! SQL.

// --- created ahead ---------------------------------------------------------------------------------------------------

use time::OffsetDateTime;

use super::provision::CreatedAhead;
use crate::db::Conn;
use crate::ids::{ConnectionId, IdentityId, UserId};

/// The `sub` of whoever is known by that key at that connection.
pub async fn sub_of_identity(
    conn: &mut Conn,
    connection: &ConnectionId,
    issuer: &str,
    subject: &str,
) -> Result<Option<UserId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT user_id FROM identities WHERE connection_id = $1 AND issuer = $2 AND subject = $3",
        connection.as_str(),
        issuer,
        subject
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(UserId::from_stored))
}

/// A user with one identity, before the first login.
pub async fn create_ahead(
    conn: &mut Conn,
    user: &UserId,
    identity: &IdentityId,
    ahead: &CreatedAhead,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO users (id, status, email, email_verified, name, groups, managed_by, created_at, updated_at)
         VALUES ($1, 'active', $2, false, $3, '{}', $4, $5, $5)",
        user.as_str(),
        ahead.email,
        ahead.name,
        ahead.managed_by,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        identity.as_str(),
        user.as_str(),
        ahead.connection.as_str(),
        ahead.key.issuer,
        ahead.key.subject,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Every user that a resource file or the API created ahead, with the identity it was created by.
pub async fn created_ahead(conn: &mut Conn) -> Result<Vec<(UserId, CreatedAhead)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (u.id) u.id, u.email, u.name, u.managed_by AS "managed_by!", i.connection_id, i.issuer, i.subject
           FROM users u JOIN identities i ON i.user_id = u.id
           WHERE u.managed_by IS NOT NULL ORDER BY u.id, i.created_at"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let ahead = CreatedAhead {
                email: row.email,
                name: row.name,
                connection: ConnectionId::from_stored(row.connection_id),
                key: super::IdentityKey {
                    issuer: row.issuer,
                    subject: row.subject,
                },
                managed_by: row.managed_by,
            };
            (UserId::from_stored(row.id), ahead)
        })
        .collect())
}
