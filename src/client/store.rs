//! SQL of clients and their secrets.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};

use serde_json::Value;
use time::OffsetDateTime;

use super::{Client, ClientId, ClientKind, ClientSecret};
use crate::connection::Slug;
use crate::db::Conn;
use crate::ids::ClientSecretId;
use crate::jose::Alg;
use crate::oauth::grant_type::GrantType;
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::scope::Scope;

struct Row {
    client_id: String,
    name: String,
    kind: String,
    enabled: bool,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    grants: Vec<String>,
    audiences: Vec<String>,
    scopes: Option<Vec<String>>,
    connections: Option<Vec<String>>,
    first_party: bool,
    require_pkce: bool,
    claims: Value,
    id_token_alg: String,
    settings: Value,
    managed_by: Option<String>,
}

/// How a client and its secrets stood when they were read: another write is another stamp. Postgres keeps with each row
/// which transaction wrote it; this is the sum of that over the rows, each hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(u64);

impl Stamp {
    fn add(&mut self, row: &str, written_by: &str) {
        let mut hasher = std::hash::DefaultHasher::new();
        (row, written_by).hash(&mut hasher);
        self.0 = self.0.wrapping_add(hasher.finish());
    }
}

/// The stamp of every client: a tenth of the work of reading them.
pub async fn stamps(conn: &mut Conn) -> Result<HashMap<String, Stamp>, sqlx::Error> {
    let clients = sqlx::query!(r#"SELECT client_id, xmin::text AS "written_by!" FROM clients"#);
    let clients = clients.fetch_all(&mut *conn).await?;
    let secrets = sqlx::query!(
        r#"SELECT id, client_id, xmin::text AS "written_by!" FROM client_secrets WHERE state <> 'revoked'"#
    );
    let secrets = secrets.fetch_all(conn).await?;
    let mut stamps: HashMap<String, Stamp> = HashMap::with_capacity(clients.len());
    for row in clients {
        stamps.entry(row.client_id).or_default().add("", &row.written_by);
    }
    for row in secrets {
        stamps.entry(row.client_id).or_default().add(&row.id, &row.written_by);
    }
    Ok(stamps)
}

/// Every client with the secrets that are not revoked, expired ones included (an expired secret deserves its own
/// refusal). A row that this version cannot read is logged and left out.
pub async fn all(conn: &mut Conn) -> Result<Vec<Client>, sqlx::Error> {
    read(conn, None).await
}

/// The same for some of them.
pub async fn some(conn: &mut Conn, ids: &[String]) -> Result<Vec<Client>, sqlx::Error> {
    read(conn, Some(ids)).await
}

async fn read(conn: &mut Conn, ids: Option<&[String]>) -> Result<Vec<Client>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT client_id, name, kind, enabled, redirect_uris, post_logout_redirect_uris, grants, audiences, scopes, connections,
                first_party, require_pkce, claims, id_token_alg, settings, managed_by
         FROM clients WHERE $1::text[] IS NULL OR client_id = ANY($1) ORDER BY client_id",
        ids
    )
    .fetch_all(&mut *conn)
    .await?;
    let secrets = sqlx::query!(
        "SELECT id, client_id, digest, expires_at FROM client_secrets
         WHERE state <> 'revoked' AND ($1::text[] IS NULL OR client_id = ANY($1)) ORDER BY created_at DESC, id DESC",
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut by_client: HashMap<String, Vec<ClientSecret>> = HashMap::new();
    for row in secrets {
        let Ok(digest) = <[u8; 32]>::try_from(row.digest.as_slice()) else {
            tracing::error!(table = "client_secrets", key = row.id, "row skipped: its digest is not 32 bytes");
            continue;
        };
        let secret = ClientSecret { id: ClientSecretId::from_stored(row.id), digest, expires_at: row.expires_at };
        by_client.entry(row.client_id).or_default().push(secret);
    }
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let key = row.client_id.clone();
            let secrets = by_client.remove(&key).unwrap_or_default();
            parse(row, secrets)
                .inspect_err(|reason| tracing::error!(table = "clients", key, reason, "row skipped: it does not parse"))
                .ok()
        })
        .collect())
}

/// A page of them in the order of their ids, those whose id or name has `search` in it.
pub async fn page(
    conn: &mut Conn,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Client>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT client_id FROM clients
         WHERE ($1::text IS NULL OR strpos(lower(client_id), lower($1)) > 0 OR strpos(lower(name), lower($1)) > 0)
           AND ($2::text IS NULL OR client_id > $2)
         ORDER BY client_id LIMIT $3",
        search,
        after,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    some(conn, &ids).await
}

/// Some of the clients that name this audience or this connection.
pub async fn naming(
    conn: &mut Conn,
    audience: Option<&str>,
    connection: Option<&str>,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT client_id FROM clients WHERE $1 = ANY(audiences) OR $2 = ANY(connections) ORDER BY client_id LIMIT 10",
        audience,
        connection
    )
    .fetch_all(conn)
    .await
}

/// Stores the client without its secrets.
pub async fn insert(conn: &mut Conn, client: &Client, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let columns = Columns::of(client);
    sqlx::query!(
        "INSERT INTO clients (client_id, name, kind, enabled, redirect_uris, post_logout_redirect_uris, grants, audiences, scopes,
                              connections, first_party, require_pkce, claims, id_token_alg, settings, managed_by, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)",
        client.client_id.as_str(),
        client.name,
        client.kind.as_str(),
        client.enabled,
        &columns.redirect_uris,
        &columns.post_logout_redirect_uris,
        &columns.grants,
        &client.audiences,
        columns.scopes,
        columns.connections.as_deref(),
        client.first_party,
        client.require_pkce,
        columns.claims,
        client.id_token_alg.as_str(),
        columns.settings,
        client.managed_by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Overwrites everything but the secrets. False: it is gone.
pub async fn update(conn: &mut Conn, client: &Client, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let columns = Columns::of(client);
    let done = sqlx::query!(
        "UPDATE clients SET name = $2, kind = $3, enabled = $4, redirect_uris = $5, post_logout_redirect_uris = $6, grants = $7,
                audiences = $8, scopes = $9, connections = $10, first_party = $11, require_pkce = $12, claims = $13,
                id_token_alg = $14, settings = $15, managed_by = $16, updated_at = $17
         WHERE client_id = $1",
        client.client_id.as_str(),
        client.name,
        client.kind.as_str(),
        client.enabled,
        &columns.redirect_uris,
        &columns.post_logout_redirect_uris,
        &columns.grants,
        &client.audiences,
        columns.scopes,
        columns.connections.as_deref(),
        client.first_party,
        client.require_pkce,
        columns.claims,
        client.id_token_alg.as_str(),
        columns.settings,
        client.managed_by,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the client with its secrets and everything granted to it.
pub async fn delete(conn: &mut Conn, id: &ClientId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM clients WHERE client_id = $1", id.as_str()).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// The columns that are not simply a field.
struct Columns<'a> {
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    grants: Vec<String>,
    scopes: Option<&'a [String]>,
    connections: Option<Vec<String>>,
    claims: Value,
    settings: Value,
}

impl<'a> Columns<'a> {
    fn of(client: &'a Client) -> Self {
        let texts = |uris: &[RedirectUri]| uris.iter().map(|uri| uri.as_str().to_owned()).collect();
        Self {
            redirect_uris: texts(&client.redirect_uris),
            post_logout_redirect_uris: texts(&client.post_logout_redirect_uris),
            grants: client.grants.iter().map(|grant| grant.as_str().to_owned()).collect(),
            scopes: client.scopes.as_ref().map(Scope::as_slice),
            connections: client.connections.as_ref().map(|slugs| slugs.iter().map(Slug::to_string).collect()),
            claims: serde_json::to_value(&client.claims).expect("a claim policy is plain lists of words"),
            settings: serde_json::to_value(&client.settings).expect("settings are plain JSON"),
        }
    }
}

fn parse(row: Row, secrets: Vec<ClientSecret>) -> Result<Client, String> {
    let uris = |texts: &[String]| {
        texts.iter().map(|text| RedirectUri::register(text).map_err(|e| e.to_string())).collect::<Result<Vec<_>, _>>()
    };
    Ok(Client {
        client_id: ClientId::parse(&row.client_id).map_err(|e| e.to_string())?,
        name: row.name,
        kind: ClientKind::parse(&row.kind).ok_or_else(|| format!("kind {} is unknown", row.kind))?,
        enabled: row.enabled,
        redirect_uris: uris(&row.redirect_uris)?,
        post_logout_redirect_uris: uris(&row.post_logout_redirect_uris)?,
        grants: row
            .grants
            .iter()
            .map(|grant| GrantType::parse(grant).ok_or_else(|| format!("grant {grant} is unknown")))
            .collect::<Result<_, _>>()?,
        audiences: row.audiences,
        scopes: row.scopes.map(Scope::from_tokens),
        connections: row
            .connections
            .map(|slugs| slugs.iter().map(|slug| Slug::parse(slug)).collect::<Result<_, _>>())
            .transpose()
            .map_err(|e| e.to_string())?,
        first_party: row.first_party,
        require_pkce: row.require_pkce,
        claims: serde_json::from_value(row.claims).map_err(|e| e.to_string())?,
        id_token_alg: Alg::parse(&row.id_token_alg)
            .ok_or_else(|| format!("algorithm {} is unknown", row.id_token_alg))?,
        settings: serde_json::from_value(row.settings).map_err(|e| e.to_string())?,
        managed_by: row.managed_by,
        secrets,
    })
}
