//! SQL of users and identities.

use serde_json::Value;
use time::OffsetDateTime;

use super::provision::CreatedAhead;
use super::{Identity, IdentityKey, User, UserStatus};
use crate::connection::Profile;
use crate::db::Conn;
use crate::ids::{ConnectionId, IdentityId, UserId};

/// A person as their row says it; other nouns that join it build the same.
pub struct UserRow {
    pub id: String,
    pub status: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub preferred_username: Option<String>,
    pub groups: Vec<String>,
    pub attributes: Value,
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
                attributes: attributes(row.attributes),
            },
        }
    }
}

fn attributes(stored: Value) -> serde_json::Map<String, Value> {
    match stored {
        Value::Object(attributes) => attributes,
        _ => serde_json::Map::new(),
    }
}

pub async fn by_id(conn: &mut Conn, id: &UserId) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query_as!(
        UserRow,
        "SELECT id, status, email, email_verified, name, given_name, family_name, preferred_username, groups, attributes
         FROM users WHERE id = $1",
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(User::from))
}

/// Somebody who may sign in and is in as many groups as anybody.
pub async fn with_most_groups(conn: &mut Conn) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query_as!(
        UserRow,
        "SELECT id, status, email, email_verified, name, given_name, family_name, preferred_username, groups, attributes
         FROM users WHERE status = 'active' ORDER BY cardinality(groups) DESC, id LIMIT 1"
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(User::from))
}

/// Those of them that there are, the newest first.
pub async fn some(conn: &mut Conn, ids: &[String]) -> Result<Vec<User>, sqlx::Error> {
    let rows = sqlx::query_as!(
        UserRow,
        "SELECT id, status, email, email_verified, name, given_name, family_name, preferred_username, groups, attributes
         FROM users WHERE id = ANY($1) ORDER BY id DESC",
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(User::from).collect())
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
                            attributes, created_at, updated_at)
         VALUES ($1, 'active', $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        user.id.as_str(),
        p.email,
        p.email_verified,
        p.name,
        p.given_name,
        p.family_name,
        p.preferred_username,
        &p.groups,
        Value::Object(p.attributes.clone()),
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

pub async fn record_login(
    conn: &mut Conn,
    user: &UserId,
    identity: &IdentityId,
    profile: &Profile,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    write_profile(conn, user, profile, now).await?;
    sqlx::query!("UPDATE users SET last_login_at = $2 WHERE id = $1", user.as_str(), now).execute(&mut *conn).await?;
    sqlx::query!("UPDATE identities SET last_login_at = $2 WHERE id = $1", identity.as_str(), now)
        .execute(conn)
        .await?;
    Ok(())
}

/// What the upstream says now replaces what it said before. A user created ahead keeps the file's name and address where
/// the upstream says nothing.
pub async fn write_profile(
    conn: &mut Conn,
    user: &UserId,
    p: &Profile,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE users SET email = COALESCE($2, CASE WHEN managed_by IS NOT NULL THEN email END),
                          email_verified = $2::text IS NOT NULL AND $3,
                          name = COALESCE($4, CASE WHEN managed_by IS NOT NULL THEN name END), given_name = $5, family_name = $6,
                          preferred_username = $7, groups = $8, attributes = $9, updated_at = $10
         WHERE id = $1",
        user.as_str(),
        p.email,
        p.email_verified,
        p.name,
        p.given_name,
        p.family_name,
        p.preferred_username,
        &p.groups,
        Value::Object(p.attributes.clone()),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_status(
    conn: &mut Conn,
    id: &UserId,
    status: UserStatus,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE users SET status = $2, updated_at = $3 WHERE id = $1", id.as_str(), status.as_str(), now)
        .execute(conn)
        .await?;
    Ok(())
}

// --- created ahead ---------------------------------------------------------------------------------------------------

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
    insert_identity(conn, identity, user, &ahead.connection, &ahead.key, now).await
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
                key: super::IdentityKey { issuer: row.issuer, subject: row.subject },
                managed_by: row.managed_by,
            };
            (UserId::from_stored(row.id), ahead)
        })
        .collect())
}

/// How many identities of each connection, by slug, signed in since then.
pub async fn came_since(conn: &mut Conn, since: OffsetDateTime) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.slug, count(*) AS "people!" FROM identities i JOIN connections c ON c.id = i.connection_id
           WHERE i.last_login_at >= $1 GROUP BY c.slug"#,
        since
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.slug, row.people)).collect())
}
