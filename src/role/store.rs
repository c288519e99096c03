//! SQL of roles.

use time::OffsetDateTime;

use super::Role;
use crate::cel::Expression;
use crate::db::Conn;

/// A page of them by resource and name, those whose name or resource has `search` in it.
pub async fn page(
    conn: &mut Conn,
    search: Option<&str>,
    after: Option<(&str, &str)>,
    limit: i64,
) -> Result<Vec<Role>, sqlx::Error> {
    let (resource, name) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        "SELECT name, resource, rule, managed_by FROM roles
         WHERE ($1::text IS NULL OR strpos(lower(name), lower($1)) > 0 OR strpos(lower(resource), lower($1)) > 0)
           AND ($2::text IS NULL OR (resource, name) > ($2, $3))
         ORDER BY resource, name LIMIT $4",
        search,
        resource,
        name,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

pub async fn by_name(conn: &mut Conn, resource: &str, name: &str) -> Result<Option<Role>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT name, resource, rule, managed_by FROM roles WHERE resource = $1 AND name = $2",
        resource,
        name
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(read))
}

/// Every role, by resource and name. A row whose rule does not parse is logged and left out: it grants nothing.
pub async fn all(conn: &mut Conn) -> Result<Vec<Role>, sqlx::Error> {
    let rows = sqlx::query_as!(Row, "SELECT name, resource, rule, managed_by FROM roles ORDER BY resource, name")
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

struct Row {
    name: String,
    resource: String,
    rule: String,
    managed_by: Option<String>,
}

fn read(row: Row) -> Option<Role> {
    match Expression::parse(&row.rule) {
        Ok(when) => Some(Role { name: row.name, resource: row.resource, when, managed_by: row.managed_by }),
        Err(error) => {
            tracing::error!(table = "roles", key = row.name, resource = row.resource, %error, "row skipped");
            None
        }
    }
}

pub async fn upsert(conn: &mut Conn, role: &Role, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO roles (name, resource, rule, managed_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT ON CONSTRAINT roles_pkey
         DO UPDATE SET rule = EXCLUDED.rule, managed_by = EXCLUDED.managed_by, updated_at = EXCLUDED.updated_at",
        role.name,
        role.resource,
        role.when.source(),
        role.managed_by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn delete(conn: &mut Conn, resource: &str, name: &str) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query!("DELETE FROM roles WHERE resource = $1 AND name = $2", resource, name).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}
