//! SQL of client secrets as people manage them.

use time::OffsetDateTime;

use super::{ClientSecret, KnownSecret};
use crate::client::{ClientId, ClientKind};
use crate::db::Conn;
use crate::ids::ClientSecretId;

/// What kind the client is. Nobody changes its secrets by this way until the end of the transaction.
pub(super) async fn lock_client(conn: &mut Conn, client: &ClientId) -> Result<Option<ClientKind>, sqlx::Error> {
    let kind = sqlx::query_scalar!("SELECT kind FROM clients WHERE client_id = $1 FOR UPDATE", client.as_str());
    Ok(kind.fetch_optional(conn).await?.as_deref().and_then(ClientKind::parse))
}

/// Those that are not withdrawn; the newest first.
pub(super) async fn list(conn: &mut Conn, client: &ClientId) -> Result<Vec<KnownSecret>, sqlx::Error> {
    sqlx::query_as!(
        KnownSecret,
        r#"SELECT id AS "id: ClientSecretId", hint, created_by, created_at, expires_at, last_used_at
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

/// Moves `last_used_at` forward, never back: another replica may have written a later one.
pub async fn used(conn: &mut Conn, ids: &[String], at: &[OffsetDateTime]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE client_secrets s SET last_used_at = GREATEST(s.last_used_at, u.at)
         FROM UNNEST($1::text[], $2::timestamptz[]) AS u(id, at) WHERE s.id = u.id",
        ids,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
