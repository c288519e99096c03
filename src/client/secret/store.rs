//! SQL of client secrets as people manage them.

use super::KnownSecret;
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
