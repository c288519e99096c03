//! SQL of client secrets as people manage them.

use time::OffsetDateTime;

use super::{ClientSecret, KnownSecret};
use crate::client::{ClientId, ClientKind};
use crate::db::Conn;
use crate::ids::ClientSecretId;
use crate::life::Use;

/// What kind the client is. Nobody changes its secrets by this way until the end of the transaction.
pub(super) async fn lock_client(conn: &mut Conn, client: &ClientId) -> Result<Option<ClientKind>, sqlx::Error> {
    let kind = sqlx::query_scalar!("SELECT kind FROM clients WHERE client_id = $1 FOR UPDATE", client.as_str());
    Ok(kind.fetch_optional(conn).await?.as_deref().and_then(ClientKind::parse))
}

/// Those that are not withdrawn; the newest first.
pub(super) async fn list(conn: &mut Conn, client: &ClientId) -> Result<Vec<KnownSecret>, sqlx::Error> {
    sqlx::query_as!(
        KnownSecret,
        r#"SELECT id AS "id: ClientSecretId", hint, created_by, created_at, expires_at, last_used_at,
                  last_used_addr, uses
           FROM client_secrets WHERE client_id = $1 AND state <> 'revoked' ORDER BY created_at DESC, id DESC"#,
        client.as_str()
    )
    .fetch_all(conn)
    .await
}

/// Its hint. None: there is none, or none any more.
pub(super) async fn revoke(conn: &mut Conn, client: &ClientId, id: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE client_secrets SET state = 'revoked' WHERE client_id = $1 AND id = $2 AND state <> 'revoked' RETURNING hint",
        client.as_str(),
        id
    )
    .fetch_optional(conn)
    .await
}

/// Adds a secret beside the others. `hint` is what people recognise it by and must not help to guess it.
pub async fn add(
    conn: &mut Conn,
    client: &ClientId,
    secret: &ClientSecret,
    hint: &str,
    created_by: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO client_secrets (id, client_id, digest, hint, state, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, 'active', $5, $6, $7)",
        secret.id.as_str(),
        client.as_str(),
        secret.digest.as_slice(),
        hint,
        created_by,
        now,
        secret.expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether this secret was stored before, revoked or not.
pub async fn digest_known(conn: &mut Conn, client: &ClientId, digest: [u8; 32]) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM client_secrets WHERE client_id = $1 AND digest = $2) AS "known!""#,
        client.as_str(),
        digest.as_slice()
    )
    .fetch_one(conn)
    .await
}

/// Adds uses. `last_used_at` moves forward, never back: another replica may have written a later one.
pub async fn used(conn: &mut Conn, uses: &[(ClientSecretId, Use)]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = uses.iter().map(|(id, _)| id.to_string()).collect();
    let at: Vec<_> = uses.iter().map(|(_, one)| one.at).collect();
    let times: Vec<_> = uses.iter().map(|(_, one)| one.times).collect();
    let addrs: Vec<_> = uses.iter().map(|(_, one)| one.addr.map(|addr| addr.to_string()).unwrap_or_default()).collect();
    sqlx::query!(
        "UPDATE client_secrets s SET
             uses = s.uses + u.times,
             last_used_addr = CASE WHEN u.addr = '' OR s.last_used_at > u.at THEN s.last_used_addr ELSE u.addr END,
             last_used_at = GREATEST(s.last_used_at, u.at)
         FROM UNNEST($1::text[], $2::timestamptz[], $3::bigint[], $4::text[]) AS u(id, at, times, addr) WHERE s.id = u.id",
        &ids,
        &at,
        &times,
        &addrs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The others that still count end by `end` at the latest. How many did not already.
pub(super) async fn end_others(
    conn: &mut Conn,
    client: &ClientId,
    kept: &ClientSecretId,
    end: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE client_secrets SET expires_at = $3
         WHERE client_id = $1 AND id <> $2 AND state <> 'revoked' AND (expires_at IS NULL OR expires_at > $3)",
        client.as_str(),
        kept.as_str(),
        end
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
