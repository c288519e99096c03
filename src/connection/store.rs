//! SQL of connections. What belongs to one and has a table of its own is read along with it.

use serde_json::Value;
use time::OffsetDateTime;

use super::{
    Certificate, Connection, Credential, OidcSettings, Preset, Protocol, SamlSettings, Slug, certificate, credential,
    metadata, version,
};
use crate::cel::Expression;
use crate::db::Conn;
use crate::ids::ConnectionId;

struct Row {
    id: String,
    slug: String,
    display_name: String,
    protocol: String,
    preset: Option<String>,
    enabled: bool,
    listed: bool,
    linking: bool,
    settings: Value,
    email_domains: Vec<String>,
    allow_rule: Option<String>,
    mapping: Value,
    managed_by: Option<String>,
}

/// Every connection with its credentials, by slug. A row that this version cannot read is logged and left out: the
/// other connections keep working.
pub async fn all(conn: &mut Conn) -> Result<Vec<Connection>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, slug, display_name, protocol, preset, enabled, listed, linking, settings, email_domains, allow_rule, mapping, managed_by
         FROM connections ORDER BY slug"
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut credentials = credential::store::all(conn).await?;
    let mut certificates = certificate::store::all(conn).await?;
    let mut refreshing = metadata::store::all(conn).await?;
    let mut approved = version::store::approved(conn).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let parts = Parts {
                credentials: credentials.remove(&row.id).unwrap_or_default(),
                certificates: certificates.remove(&row.id).unwrap_or_default(),
                refreshing: refreshing.remove(&row.id),
                approved: approved.remove(&row.id).unwrap_or_default(),
            };
            readable(row, parts)
        })
        .collect())
}

/// A page of them in the order of their slugs, those whose slug, name or a domain has `search` in it.
pub async fn page(
    conn: &mut Conn,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Connection>, sqlx::Error> {
    let slugs = sqlx::query_scalar!(
        "SELECT slug FROM connections
         WHERE ($1::text IS NULL OR strpos(slug, lower($1)) > 0 OR strpos(lower(display_name), lower($1)) > 0
                OR strpos(array_to_string(email_domains, ' '), lower($1)) > 0)
           AND ($2::text IS NULL OR slug > $2)
         ORDER BY slug LIMIT $3",
        search,
        after,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut found = Vec::with_capacity(slugs.len());
    for slug in slugs {
        found.extend(by_slug(conn, &Slug(slug)).await?);
    }
    Ok(found)
}

pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Connection>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, slug, display_name, protocol, preset, enabled, listed, linking, settings, email_domains, allow_rule, mapping, managed_by
         FROM connections WHERE slug = $1",
        slug.as_str()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = ConnectionId::from_stored(row.id.clone());
    let parts = Parts {
        credentials: credential::store::of(conn, &id).await?,
        certificates: certificate::store::of(conn, &id).await?,
        refreshing: metadata::store::of(conn, &id).await?,
        approved: version::store::approved_of(conn, &id).await?,
    };
    Ok(readable(row, parts))
}

/// Stores the connection without its credentials.
pub async fn insert(conn: &mut Conn, connection: &Connection, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let columns = Columns::of(connection);
    sqlx::query!(
        "INSERT INTO connections (id, slug, display_name, protocol, preset, enabled, listed, settings, email_domains,
                                  allow_rule, mapping, managed_by, created_at, updated_at, linking)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)",
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
        now,
        connection.linking
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
                email_domains = $8, allow_rule = $9, mapping = $10, managed_by = $11, updated_at = $12,
                linking = $13
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
        now,
        connection.linking
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

/// The connection as [`by_slug`] reads it, and nobody else changes it or its credentials by this way until the end of
/// the transaction.
pub async fn lock_by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Connection>, sqlx::Error> {
    sqlx::query!("SELECT id FROM connections WHERE slug = $1 FOR UPDATE", slug.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    by_slug(conn, slug).await
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

/// What belongs to a connection and stands in tables of its own.
struct Parts {
    credentials: Vec<Credential>,
    certificates: Vec<Certificate>,
    refreshing: Option<metadata::Refreshing>,
    approved: Vec<version::Approved>,
}

fn readable(row: Row, parts: Parts) -> Option<Connection> {
    let slug = row.slug.clone();
    parse(row, parts)
        .inspect_err(|reason| {
            tracing::error!(table = "connections", key = slug, reason, "row skipped: it does not parse")
        })
        .ok()
}

fn parse(row: Row, parts: Parts) -> Result<Connection, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let protocol = match row.protocol.as_str() {
        "oidc" => Protocol::Oidc(serde_json::from_value::<OidcSettings>(row.settings).map_err(|e| text(&e))?),
        "saml" => Protocol::Saml(serde_json::from_value::<SamlSettings>(row.settings).map_err(|e| text(&e))?),
        other => return Err(format!("protocol {other} is unknown to this version")),
    };
    let refreshing = parts.refreshing.filter(|known| match &protocol {
        Protocol::Saml(settings) => known.is_of(settings),
        Protocol::Oidc(_) => false,
    });
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
        linking: row.linking,
        protocol,
        email_domains: row.email_domains,
        allow: row.allow_rule.as_deref().map(Expression::parse).transpose().map_err(|e| text(&e))?,
        mapping: serde_json::from_value(row.mapping).map_err(|e| text(&e))?,
        managed_by: row.managed_by,
        credentials: parts.credentials,
        certificates: parts.certificates,
        refreshing,
        approved: parts.approved,
    })
}
