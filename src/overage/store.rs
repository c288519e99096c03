//! SQL of groups that were looked up.

use time::OffsetDateTime;

use super::{Known, LATELY, REMEMBERED};
use crate::db::Conn;
use crate::ids::{ConnectionId, UserId};
use crate::upstream::group_overage::DirectoryUser;
use crate::user::IdentityKey;

/// What is known of somebody who comes now.
pub async fn used(
    conn: &mut Conn,
    connection: &ConnectionId,
    key: &IdentityKey,
    now: OffsetDateTime,
) -> Result<Option<Known>, sqlx::Error> {
    let row = sqlx::query_as!(
        Known,
        "UPDATE upstream_groups SET used_at = $4 WHERE connection_id = $1 AND issuer = $2 AND subject = $3
         RETURNING groups, fetched_at",
        connection.as_str(),
        key.issuer,
        key.subject,
        now
    );
    row.fetch_optional(conn).await
}

/// What was looked up now, and when to do it again.
pub async fn keep(
    conn: &mut Conn,
    connection: &ConnectionId,
    key: &IdentityKey,
    person: &DirectoryUser,
    groups: &[String],
    (now, next): (OffsetDateTime, OffsetDateTime),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO upstream_groups (connection_id, issuer, subject, tenant, object_id, groups, fetched_at, used_at, next_at)
         VALUES ($1, $2, $3, $4, $8, $5, $6, $6, $7)
         ON CONFLICT (connection_id, issuer, subject) DO UPDATE
         SET tenant = $4, object_id = $8, groups = $5, fetched_at = $6, next_at = $7, problem = NULL",
        connection.as_str(),
        key.issuer,
        key.subject,
        person.tenant,
        groups,
        now,
        next,
        person.object_id
    )
    .execute(conn)
    .await
    .map(drop)
}

/// One whose turn it is.
#[derive(Debug)]
pub struct Due {
    pub connection: ConnectionId,
    pub key: IdentityKey,
    pub person: DirectoryUser,
}

/// Up to `limit` whose groups are to be looked up again, which are nobody else's until `next`.
pub async fn take(
    conn: &mut Conn,
    limit: i64,
    (now, next): (OffsetDateTime, OffsetDateTime),
) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE upstream_groups SET next_at = $2
         WHERE (connection_id, issuer, subject) IN (
             SELECT connection_id, issuer, subject FROM upstream_groups
             WHERE next_at <= $1 AND used_at > $3 ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED)
         RETURNING connection_id, issuer, subject, tenant, object_id",
        now,
        next,
        now - LATELY,
        limit
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| Due {
        connection: ConnectionId::from_stored(row.connection_id),
        key: IdentityKey { issuer: row.issuer, subject: row.subject },
        person: DirectoryUser { tenant: row.tenant, object_id: row.object_id },
    });
    Ok(rows.collect())
}

/// It could not be looked up; what is known stays, and grows old.
pub async fn failed(
    conn: &mut Conn,
    connection: &ConnectionId,
    key: &IdentityKey,
    problem: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_groups SET problem = $4 WHERE connection_id = $1 AND issuer = $2 AND subject = $3",
        connection.as_str(),
        key.issuer,
        key.subject,
        problem
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn forget(conn: &mut Conn, connection: &ConnectionId, key: &IdentityKey) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM upstream_groups WHERE connection_id = $1 AND issuer = $2 AND subject = $3",
        connection.as_str(),
        key.issuer,
        key.subject
    )
    .execute(conn)
    .await
    .map(drop)
}

/// An identity, and what is kept of its groups.
#[derive(Debug)]
pub struct OfIdentity {
    pub connection: ConnectionId,
    pub key: IdentityKey,
    pub last_login_at: Option<OffsetDateTime>,
    pub kept: Option<(Known, DirectoryUser, Option<String>)>,
}

/// The longest known first.
pub async fn of_user(conn: &mut Conn, user: &UserId) -> Result<Vec<OfIdentity>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.connection_id, i.issuer, i.subject, i.last_login_at, g.tenant AS "tenant?", g.object_id AS "object_id?",
         g.groups AS "groups?", g.fetched_at AS "fetched_at?", g.problem AS "problem?"
         FROM identities i LEFT JOIN upstream_groups g
         ON g.connection_id = i.connection_id AND g.issuer = i.issuer AND g.subject = i.subject
         WHERE i.user_id = $1 ORDER BY i.created_at, i.id"#,
        user.as_str()
    );
    let rows = rows.fetch_all(conn).await?.into_iter().map(|row| OfIdentity {
        kept: (|| {
            let person = DirectoryUser { tenant: row.tenant?, object_id: row.object_id? };
            Some((Known { groups: row.groups?, fetched_at: row.fetched_at? }, person, row.problem))
        })(),
        connection: ConnectionId::from_stored(row.connection_id),
        key: IdentityKey { issuer: row.issuer, subject: row.subject },
        last_login_at: row.last_login_at,
    });
    Ok(rows.collect())
}

/// Of people who did not come again.
pub async fn delete_unused(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM upstream_groups WHERE (connection_id, issuer, subject) IN
         (SELECT connection_id, issuer, subject FROM upstream_groups WHERE used_at < $1 LIMIT 1000)",
        now - REMEMBERED
    );
    Ok(done.execute(conn).await?.rows_affected())
}
