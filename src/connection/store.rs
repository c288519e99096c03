//! SQL of connections and their credentials.

use std::collections::HashMap;

use serde_json::Value;
use time::OffsetDateTime;

use super::credential::PublicPart;
use super::{
    Connection, Credential, CredentialKind, CredentialState, KeyUse, OidcSettings, Preset, Protocol, SamlSettings, Slug,
};
use crate::cel::Expression;
use crate::db::Conn;
use crate::ids::{ConnectionId, CredentialId};
use crate::vault::Sealed;

struct Row {
    id: String,
    slug: String,
    display_name: String,
    protocol: String,
    preset: Option<String>,
    enabled: bool,
    listed: bool,
    settings: Value,
    email_domains: Vec<String>,
    allow_rule: Option<String>,
    mapping: Value,
    managed_by: Option<String>,
}

struct CredentialRow {
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

/// Every connection with its credentials, by slug. A row that this version cannot read is logged and left out: the
/// other connections keep working.
pub async fn all(conn: &mut Conn) -> Result<Vec<Connection>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, slug, display_name, protocol, preset, enabled, listed, settings, email_domains, allow_rule, mapping, managed_by
         FROM connections ORDER BY slug"
    )
    .fetch_all(&mut *conn)
    .await?;
    let credentials = sqlx::query_as!(
        CredentialRow,
        "SELECT id, connection_id, state, sealed, public_jwk, certificate, key_use, created_at, expires_at
         FROM connection_credentials ORDER BY created_at DESC, id DESC"
    )
    .fetch_all(conn)
    .await?;
    let mut by_connection = group(credentials);
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let credentials = by_connection.remove(&row.id).unwrap_or_default();
            readable(row, credentials)
        })
        .collect())
}

pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Connection>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, slug, display_name, protocol, preset, enabled, listed, settings, email_domains, allow_rule, mapping, managed_by
         FROM connections WHERE slug = $1",
        slug.as_str()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let credentials = sqlx::query_as!(
        CredentialRow,
        "SELECT id, connection_id, state, sealed, public_jwk, certificate, key_use, created_at, expires_at
         FROM connection_credentials WHERE connection_id = $1 ORDER BY created_at DESC, id DESC",
        row.id
    )
    .fetch_all(conn)
    .await?;
    let credentials = group(credentials).remove(&row.id).unwrap_or_default();
    Ok(readable(row, credentials))
}

/// Stores the connection without its credentials.
pub async fn insert(conn: &mut Conn, connection: &Connection, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let columns = Columns::of(connection);
    sqlx::query!(
        "INSERT INTO connections (id, slug, display_name, protocol, preset, enabled, listed, settings, email_domains,
                                  allow_rule, mapping, managed_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
        connection.id.as_str(),
        connection.slug.as_str(),
        connection.display_name,
        columns.protocol,
        columns.preset,
        connection.enabled,
        connection.listed,
        columns.settings,
        &connection.email_domains,
        columns.allow_rule,
        columns.mapping,
        connection.managed_by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Overwrites everything but slug and credentials. False: it is gone.
pub async fn update(conn: &mut Conn, connection: &Connection, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let columns = Columns::of(connection);
    let done = sqlx::query!(
        "UPDATE connections SET display_name = $2, protocol = $3, preset = $4, enabled = $5, listed = $6, settings = $7,
                email_domains = $8, allow_rule = $9, mapping = $10, managed_by = $11, updated_at = $12
         WHERE id = $1",
        connection.id.as_str(),
        connection.display_name,
        columns.protocol,
        columns.preset,
        connection.enabled,
        connection.listed,
        columns.settings,
        &connection.email_domains,
        columns.allow_rule,
        columns.mapping,
        connection.managed_by,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the connection with its credentials and the identities that people have there.
pub async fn delete(conn: &mut Conn, id: &ConnectionId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM connections WHERE id = $1", id.as_str()).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// `digest` is [`crate::vault::Vault::digest`] of a client secret; a private key has none. A second active credential
/// of one kind and use violates `connection_credentials_one_active`: call [`retire_active`] first.
pub async fn add_credential(
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

pub async fn set_credential_state(
    conn: &mut Conn,
    id: &CredentialId,
    state: CredentialState,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE connection_credentials SET state = $2 WHERE id = $1", id.as_str(), state.as_str())
        .execute(conn)
        .await
        .map(drop)
}

/// The connection as [`by_slug`] reads it, and nobody else changes it or its credentials by this way until the end of
/// the transaction.
pub async fn lock_by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Connection>, sqlx::Error> {
    sqlx::query!("SELECT id FROM connections WHERE slug = $1 FOR UPDATE", slug.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    by_slug(conn, slug).await
}

/// Whether this secret was stored before, in whatever state it is now.
pub async fn credential_digest_known(
    conn: &mut Conn,
    connection: &ConnectionId,
    digest: [u8; 32],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM connection_credentials WHERE connection_id = $1 AND digest = $2) AS "known!""#,
        connection.as_str(),
        digest.as_slice()
    )
    .fetch_one(conn)
    .await
}

/// The columns that are not simply a field.
struct Columns<'a> {
    protocol: &'static str,
    preset: Option<String>,
    settings: Value,
    allow_rule: Option<&'a str>,
    mapping: Value,
}

impl<'a> Columns<'a> {
    fn of(connection: &'a Connection) -> Self {
        let (protocol, settings) = match &connection.protocol {
            Protocol::Oidc(settings) => ("oidc", json(settings)),
            Protocol::Saml(settings) => ("saml", json(settings)),
        };
        Self {
            protocol,
            preset: connection.preset.and_then(|preset| json(&preset).as_str().map(str::to_owned)),
            settings,
            allow_rule: connection.allow.as_ref().map(Expression::source),
            mapping: json(&connection.mapping),
        }
    }
}

fn json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("settings are plain structs with string keys")
}

fn group(rows: Vec<CredentialRow>) -> HashMap<String, Vec<Credential>> {
    let mut out: HashMap<String, Vec<Credential>> = HashMap::new();
    for row in rows {
        let Some(state) = CredentialState::parse(&row.state) else {
            tracing::error!(
                table = "connection_credentials",
                key = row.id,
                state = row.state,
                "row skipped: unknown state"
            );
            continue;
        };
        out.entry(row.connection_id).or_default().push(Credential {
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
        });
    }
    out
}

fn readable(row: Row, credentials: Vec<Credential>) -> Option<Connection> {
    let slug = row.slug.clone();
    parse(row, credentials)
        .inspect_err(|reason| {
            tracing::error!(table = "connections", key = slug, reason, "row skipped: it does not parse")
        })
        .ok()
}

fn parse(row: Row, credentials: Vec<Credential>) -> Result<Connection, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    Ok(Connection {
        id: ConnectionId::from_stored(row.id),
        slug: Slug::parse(&row.slug).map_err(|e| text(&e))?,
        display_name: row.display_name,
        preset: row
            .preset
            .map(|name| serde_json::from_value::<Preset>(Value::String(name)))
            .transpose()
            .map_err(|e| text(&e))?,
        enabled: row.enabled,
        listed: row.listed,
        protocol: match row.protocol.as_str() {
            "oidc" => Protocol::Oidc(serde_json::from_value::<OidcSettings>(row.settings).map_err(|e| text(&e))?),
            "saml" => Protocol::Saml(serde_json::from_value::<SamlSettings>(row.settings).map_err(|e| text(&e))?),
            other => return Err(format!("protocol {other} is unknown to this version")),
        },
        email_domains: row.email_domains,
        allow: row.allow_rule.as_deref().map(Expression::parse).transpose().map_err(|e| text(&e))?,
        mapping: serde_json::from_value(row.mapping).map_err(|e| text(&e))?,
        managed_by: row.managed_by,
        credentials,
    })
}
