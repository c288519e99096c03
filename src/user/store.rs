//! SQL of users and identities.

use time::OffsetDateTime;

use super::{Identity, IdentityKey, User, UserStatus};
use crate::connection::Profile;
use crate::db::Conn;
use crate::ids::{ConnectionId, IdentityId, UserId};

struct UserRow {
    id: String,
    status: String,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    preferred_username: Option<String>,
    groups: Vec<String>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId::from_stored(row.id),
            // a CHECK constraint keeps other words out; an unknown one must not let anybody in
            status: UserStatus::parse(&row.status).unwrap_or(UserStatus::Blocked),
            profile: Profile {
                email: row.email,
                email_verified: row.email_verified,
                name: row.name,
                given_name: row.given_name,
                family_name: row.family_name,
                preferred_username: row.preferred_username,
                groups: row.groups,
            },
        }
    }
}

pub async fn by_id(conn: &mut Conn, id: &UserId) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query_as!(
        UserRow,
        "SELECT id, status, email, email_verified, name, given_name, family_name, preferred_username, groups
         FROM users WHERE id = $1",
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(User::from))
}

/// The identity and its user, locked until the transaction ends: two logins of one person come one after the other.
pub async fn lock_identity(
    conn: &mut Conn,
    connection: &ConnectionId,
    key: &IdentityKey,
) -> Result<Option<Identity>, sqlx::Error> {
    let id = sqlx::query!(
        "SELECT id, user_id FROM identities WHERE connection_id = $1 AND issuer = $2 AND subject = $3 FOR UPDATE",
        connection.as_str(),
        key.issuer,
        key.subject
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(identity) = id else { return Ok(None) };
    let user = by_id(conn, &UserId::from_stored(identity.user_id)).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Some(Identity { id: IdentityId::from_stored(identity.id), user }))
}

pub async fn insert(conn: &mut Conn, user: &User, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let p = &user.profile;
    sqlx::query!(
        "INSERT INTO users (id, status, email, email_verified, name, given_name, family_name, preferred_username, groups,
                            created_at, updated_at)
         VALUES ($1, 'active', $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        user.id.as_str(),
        p.email,
        p.email_verified,
        p.name,
        p.given_name,
        p.family_name,
        p.preferred_username,
        &p.groups,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// # Errors
/// violates `identities_key` when another login made the same identity meanwhile.
pub async fn insert_identity(
    conn: &mut Conn,
    id: &IdentityId,
    user: &UserId,
    connection: &ConnectionId,
    key: &IdentityKey,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        id.as_str(),
        user.as_str(),
        connection.as_str(),
        key.issuer,
        key.subject,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the upstream says at this login replaces what it said before.
pub async fn record_login(
    conn: &mut Conn,
    user: &UserId,
    identity: &IdentityId,
    p: &Profile,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE users SET email = $2, email_verified = $3, name = $4, given_name = $5, family_name = $6,
                          preferred_username = $7, groups = $8, updated_at = $9, last_login_at = $9
         WHERE id = $1",
        user.as_str(),
        p.email,
        p.email_verified,
        p.name,
        p.given_name,
        p.family_name,
        p.preferred_username,
        &p.groups,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("UPDATE identities SET last_login_at = $2 WHERE id = $1", identity.as_str(), now).execute(conn).await?;
    Ok(())
}
