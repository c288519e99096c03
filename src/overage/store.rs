//! SQL of groups that were looked up.

use time::OffsetDateTime;

use super::{Known, LATELY};
use crate::db::Conn;
use crate::ids::ConnectionId;
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

/// Of people who did not come again.
pub async fn delete_unused(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM upstream_groups WHERE (connection_id, issuer, subject) IN
         (SELECT connection_id, issuer, subject FROM upstream_groups WHERE used_at < $1 LIMIT 1000)",
        now - LATELY
    );
    Ok(done.execute(conn).await?.rows_affected())
}
