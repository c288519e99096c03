//! SQL of operator keys.

use time::OffsetDateTime;

use super::OperatorKey;
use crate::db::Conn;
use crate::ids::OperatorKeyId;
use crate::life::Use;
use crate::operator::store::known_role;

struct Row {
    id: String,
    name: String,
    role: String,
    hint: String,
    created_at: OffsetDateTime,
    created_by: String,
    expires_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    last_used_addr: Option<String>,
    uses: i64,
}

impl Row {
    fn read(self) -> Option<OperatorKey> {
        Some(OperatorKey {
            role: known_role("operator_keys", &self.id, &self.role)?,
            id: OperatorKeyId::from_stored(self.id),
            name: self.name,
            hint: self.hint,
            created_at: self.created_at,
            created_by: self.created_by,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            last_used_addr: self.last_used_addr,
            uses: self.uses,
        })
    }
}

/// A second key of that name violates `operator_keys_name_key`.
pub async fn insert(conn: &mut Conn, key: &OperatorKey, token_hash: [u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operator_keys (id, name, role, token_hash, hint, created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        key.id.as_str(),
        key.name,
        key.role.as_str(),
        token_hash.as_slice(),
        key.hint,
        key.created_at,
        key.created_by,
        key.expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn by_token(conn: &mut Conn, token_hash: [u8; 32]) -> Result<Option<OperatorKey>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, role, hint, created_at, created_by, expires_at, last_used_at, last_used_addr, uses FROM operator_keys WHERE token_hash = $1",
        token_hash.as_slice()
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::read))
}

pub async fn by_id(conn: &mut Conn, id: &OperatorKeyId) -> Result<Option<OperatorKey>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, name, role, hint, created_at, created_by, expires_at, last_used_at, last_used_addr, uses FROM operator_keys WHERE id = $1",
        id.as_str()
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::read))
}

/// By name; those after `after`.
pub async fn page(
    conn: &mut Conn,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<OperatorKey>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, role, hint, created_at, created_by, expires_at, last_used_at, last_used_addr, uses FROM operator_keys
         WHERE ($1::text IS NULL OR strpos(lower(name), lower($1)) > 0) AND ($2::text IS NULL OR name > $2)
         ORDER BY name LIMIT $3",
        search,
        after,
        limit
    );
    Ok(rows.fetch_all(conn).await?.into_iter().filter_map(Row::read).collect())
}

/// What was deleted.
pub async fn delete(conn: &mut Conn, id: &OperatorKeyId) -> Result<Option<OperatorKey>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "DELETE FROM operator_keys WHERE id = $1
         RETURNING id, name, role, hint, created_at, created_by, expires_at, last_used_at, last_used_addr, uses",
        id.as_str()
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::read))
}

/// Adds uses. `last_used_at` moves forward, never back: another replica may have written a later one.
pub async fn used(conn: &mut Conn, uses: &[(OperatorKeyId, Use)]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = uses.iter().map(|(id, _)| id.to_string()).collect();
    let at: Vec<_> = uses.iter().map(|(_, one)| one.at).collect();
    let times: Vec<_> = uses.iter().map(|(_, one)| one.times).collect();
    let addrs: Vec<_> = uses.iter().map(|(_, one)| one.addr.map(|addr| addr.to_string()).unwrap_or_default()).collect();
    sqlx::query!(
        "UPDATE operator_keys k SET
             uses = k.uses + u.times,
             last_used_addr = CASE WHEN u.addr = '' OR k.last_used_at > u.at THEN k.last_used_addr ELSE u.addr END,
             last_used_at = GREATEST(k.last_used_at, u.at)
         FROM UNNEST($1::text[], $2::timestamptz[], $3::bigint[], $4::text[]) AS u(id, at, times, addr) WHERE k.id = u.id",
        &ids,
        &at,
        &times,
        &addrs
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Those that end by themselves.
pub async fn ending(conn: &mut Conn) -> Result<Vec<OperatorKey>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, name, role, hint, created_at, created_by, expires_at, last_used_at, last_used_addr, uses FROM operator_keys
         WHERE expires_at IS NOT NULL ORDER BY id"
    );
    Ok(rows.fetch_all(conn).await?.into_iter().filter_map(Row::read).collect())
}
