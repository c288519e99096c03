//! SQL of resources.

use time::OffsetDateTime;

use super::{AccessTokenProfile, Resource, TokenTyp};
use crate::db::Conn;
use crate::jose::Alg;
use crate::oauth::scope::Scope;

struct Row {
    identifier: String,
    name: String,
    scopes: Vec<String>,
    access_token_ttl: i32,
    access_token_alg: String,
    access_token_typ: String,
    managed_by: Option<String>,
}

/// Every resource. A row that this version cannot read is logged and left out.
pub async fn all(conn: &mut Conn) -> Result<Vec<Resource>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT identifier, name, scopes, access_token_ttl, access_token_alg, access_token_typ, managed_by
         FROM resources ORDER BY identifier"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

fn read(row: Row) -> Option<Resource> {
    let key = row.identifier.clone();
    let resource = parse(row);
    if resource.is_none() {
        tracing::error!(table = "resources", key, "row skipped: its token profile does not parse");
    }
    resource
}

pub async fn by_identifier(conn: &mut Conn, identifier: &str) -> Result<Option<Resource>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT identifier, name, scopes, access_token_ttl, access_token_alg, access_token_typ, managed_by
         FROM resources WHERE identifier = $1",
        identifier
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(read))
}

/// A page of them in the order of their identifiers, those whose identifier or name has `search` in it.
pub async fn page(
    conn: &mut Conn,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Resource>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT identifier, name, scopes, access_token_ttl, access_token_alg, access_token_typ, managed_by
         FROM resources
         WHERE ($1::text IS NULL OR strpos(lower(identifier), lower($1)) > 0 OR strpos(lower(name), lower($1)) > 0)
           AND ($2::text IS NULL OR identifier > $2)
         ORDER BY identifier LIMIT $3",
        search,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

pub async fn insert(conn: &mut Conn, resource: &Resource, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO resources (identifier, name, scopes, access_token_ttl, access_token_alg, access_token_typ, managed_by,
                                created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        resource.identifier,
        resource.name,
        resource.scopes.as_slice(),
        ttl(resource),
        resource.access_token.alg.as_str(),
        resource.access_token.typ.as_str(),
        resource.managed_by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// False: it is gone.
pub async fn update(conn: &mut Conn, resource: &Resource, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE resources SET name = $2, scopes = $3, access_token_ttl = $4, access_token_alg = $5, access_token_typ = $6,
                managed_by = $7, updated_at = $8
         WHERE identifier = $1",
        resource.identifier,
        resource.name,
        resource.scopes.as_slice(),
        ttl(resource),
        resource.access_token.alg.as_str(),
        resource.access_token.typ.as_str(),
        resource.managed_by,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the resource with its roles.
pub async fn delete(conn: &mut Conn, identifier: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM resources WHERE identifier = $1", identifier).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// A value out of range is refused by `resources_ttl_range`.
fn ttl(resource: &Resource) -> i32 {
    i32::try_from(resource.access_token.ttl).unwrap_or(i32::MAX)
}

fn parse(row: Row) -> Option<Resource> {
    Some(Resource {
        identifier: row.identifier,
        name: row.name,
        scopes: Scope::from_tokens(row.scopes),
        access_token: AccessTokenProfile {
            ttl: u32::try_from(row.access_token_ttl).ok()?,
            alg: Alg::parse(&row.access_token_alg)?,
            typ: TokenTyp::parse(&row.access_token_typ)?,
        },
        managed_by: row.managed_by,
    })
}
