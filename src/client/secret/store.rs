//! SQL of clients' secrets.

use time::OffsetDateTime;

use super::{ClientSecret, SecretFacts};
use crate::client::ClientId;
use crate::db::Conn;
use crate::ids::ClientSecretId;

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

/// All that are not revoked, newest first.
pub async fn list(conn: &mut Conn, client: &ClientId) -> Result<Vec<SecretFacts>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, hint, created_by, created_at, expires_at, last_used_at, state FROM client_secrets
         WHERE client_id = $1 AND state <> 'revoked' ORDER BY created_at DESC, id DESC",
        client.as_str()
    )
    .fetch_all(conn)
    .await?;
    let facts = rows.into_iter().map(|row| SecretFacts {
        id: ClientSecretId::from_stored(row.id),
        hint: row.hint,
        created_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked: row.state == "revoked",
    });
    Ok(facts.collect())
}

/// Its hint, when it was not revoked before.
pub async fn revoke(conn: &mut Conn, client: &ClientId, id: &ClientSecretId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE client_secrets SET state = 'revoked' WHERE client_id = $1 AND id = $2 AND state <> 'revoked' RETURNING hint",
        client.as_str(),
        id.as_str()
    )
    .fetch_optional(conn)
    .await
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
