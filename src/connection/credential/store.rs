//! SQL of the credentials of connections.

use std::collections::HashMap;

use serde_json::Value;
use time::OffsetDateTime;

use super::client_secret::KnownSecret;
use super::{Credential, CredentialKind, CredentialState, KeyUse, PublicPart};
use crate::db::Conn;
use crate::ids::{ConnectionId, CredentialId};
use crate::vault::Sealed;

struct Row {
    id: String,
    connection_id: String,
    state: String,
    sealed: Vec<u8>,
    public_jwk: Option<Value>,
    certificate: Option<Vec<u8>>,
    key_use: Option<String>,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
}

/// Of every connection, by its id; the newest first.
pub async fn all(conn: &mut Conn) -> Result<HashMap<String, Vec<Credential>>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, state, sealed, public_jwk, certificate, key_use, created_at, expires_at
         FROM connection_credentials ORDER BY created_at DESC, id DESC"
    )
    .fetch_all(conn)
    .await?;
    let mut out: HashMap<String, Vec<Credential>> = HashMap::new();
    for row in rows {
        let connection = row.connection_id.clone();
        out.entry(connection).or_default().extend(parse(row));
    }
    Ok(out)
}

/// The newest first.
pub async fn of(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<Credential>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, state, sealed, public_jwk, certificate, key_use, created_at, expires_at
         FROM connection_credentials WHERE connection_id = $1 ORDER BY created_at DESC, id DESC",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// The client secrets of a connection in every state, without their values; the newest first.
pub(super) async fn secrets(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<KnownSecret>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, state, created_by, created_at, expires_at, last_used_at, uses, active_since, refused_at
         FROM connection_credentials
         WHERE connection_id = $1 AND kind = 'client_secret' ORDER BY created_at DESC, id DESC",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        Some(KnownSecret {
            state: CredentialState::parse(&row.state)?,
            id: CredentialId::from_stored(row.id),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            uses: row.uses,
            active_since: row.active_since,
            refused_at: row.refused_at,
        })
    });
    Ok(known.collect())
}

/// `digest` is [`crate::vault::Vault::digest`] of a client secret; a private key has none. A second active credential
/// of one kind and use violates `connection_credentials_one_active`: call [`retire_active`] first.
pub async fn insert(
    conn: &mut Conn,
    connection: &ConnectionId,
    credential: &Credential,
    digest: Option<[u8; 32]>,
    created_by: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO connection_credentials (id, connection_id, kind, state, sealed, digest, public_jwk, certificate,
                                             key_use, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        credential.id.as_str(),
        connection.as_str(),
        credential.kind().as_str(),
        credential.state.as_str(),
        credential.sealed.as_bytes(),
        digest.as_ref().map(|d| d.as_slice()),
        credential.public.as_ref().map(|p| p.jwk.clone()),
        credential.public.as_ref().map(|p| p.certificate.as_slice()),
        credential.key_use().map(KeyUse::as_str),
        created_by,
        credential.created_at,
        credential.expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The active credential of that kind and use keeps answering as `retiring`.
pub async fn retire_active(
    conn: &mut Conn,
    connection: &ConnectionId,
    kind: CredentialKind,
    key_use: Option<KeyUse>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE connection_credentials SET state = 'retiring'
         WHERE connection_id = $1 AND kind = $2 AND key_use IS NOT DISTINCT FROM $3 AND state = 'active'",
        connection.as_str(),
        kind.as_str(),
        key_use.map(KeyUse::as_str)
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn set_state(conn: &mut Conn, id: &CredentialId, state: CredentialState) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE connection_credentials SET state = $2 WHERE id = $1", id.as_str(), state.as_str())
        .execute(conn)
        .await
        .map(drop)
}

/// Whether this secret was stored before, in whatever state it is now.
pub async fn digest_known(conn: &mut Conn, connection: &ConnectionId, digest: [u8; 32]) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM connection_credentials WHERE connection_id = $1 AND digest = $2) AS "known!""#,
        connection.as_str(),
        digest.as_slice()
    )
    .fetch_one(conn)
    .await
}

/// A row that this version cannot read proves nothing.
fn parse(row: Row) -> Option<Credential> {
    let Some(state) = CredentialState::parse(&row.state) else {
        tracing::error!(
            table = "connection_credentials",
            key = row.id,
            state = row.state,
            "row skipped: unknown state"
        );
        return None;
    };
    Some(Credential {
        id: CredentialId::from_stored(row.id),
        state,
        sealed: Sealed::from_stored(row.sealed),
        public: row.public_jwk.zip(row.certificate).map(|(jwk, certificate)| PublicPart {
            jwk,
            certificate,
            key_use: row.key_use.as_deref().and_then(KeyUse::parse),
        }),
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}
