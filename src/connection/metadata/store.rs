//! SQL of stored metadata of SAML identity providers.

use std::collections::HashMap;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::{Endpoint, Metadata, Refreshing};
use crate::connection::version::Places;
use crate::db::Conn;
use crate::ids::ConnectionId;

struct Row {
    connection_id: String,
    url: String,
    entity_id: Option<String>,
    single_sign_on: Option<Value>,
    single_logout: Option<Value>,
    fetched_at: Option<OffsetDateTime>,
    etag: Option<String>,
    last_modified: Option<String>,
    valid_until: Option<OffsetDateTime>,
    cache_seconds: Option<i64>,
    next_refresh_at: OffsetDateTime,
    attempted_at: Option<OffsetDateTime>,
    leased_until: Option<OffsetDateTime>,
    asked_at: Option<OffsetDateTime>,
    failures: i32,
    last_error: Option<String>,
    alerted_at: Option<OffsetDateTime>,
    told: Vec<String>,
}

/// Of every connection that has any, by its id.
pub async fn all(conn: &mut Conn) -> Result<HashMap<String, Refreshing>, sqlx::Error> {
    let rows = sqlx::query_as!(Row, "SELECT * FROM saml_metadata").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.connection_id.clone(), parse(row))).collect())
}

pub async fn of(conn: &mut Conn, connection: &ConnectionId) -> Result<Option<Refreshing>, sqlx::Error> {
    let row = sqlx::query_as!(Row, "SELECT * FROM saml_metadata WHERE connection_id = $1", connection.as_str());
    Ok(row.fetch_optional(conn).await?.map(parse))
}

/// The row of this connection, made if there is none, and emptied if it is about another URL or entity.
pub async fn ensure(
    conn: &mut Conn,
    connection: &ConnectionId,
    url: &str,
    entity_id: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO saml_metadata AS old (connection_id, url, next_refresh_at) VALUES ($1, $2, $4)
         ON CONFLICT (connection_id) DO UPDATE
            SET url = $2, next_refresh_at = $4, failures = 0, entity_id = NULL, single_sign_on = NULL, single_logout = NULL,
                fetched_at = NULL, etag = NULL, last_modified = NULL, valid_until = NULL, cache_seconds = NULL,
                attempted_at = NULL, leased_until = NULL, asked_at = NULL, last_error = NULL, alerted_at = NULL, told = '{}'
          WHERE old.url <> $2 OR ($3::text IS NOT NULL AND old.entity_id <> $3)",
        connection.as_str(),
        url,
        entity_id,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes the right to fetch, if nobody has tried since `seen`. `asked`: because of an unknown certificate.
pub async fn lease(
    conn: &mut Conn,
    connection: &ConnectionId,
    seen: Option<OffsetDateTime>,
    until: OffsetDateTime,
    asked: bool,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE saml_metadata SET leased_until = $3, attempted_at = $4, asked_at = CASE WHEN $5 THEN $4 ELSE asked_at END
         WHERE connection_id = $1 AND attempted_at IS NOT DISTINCT FROM $2",
        connection.as_str(),
        seen,
        until,
        now,
        asked
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a fetch of `url` has brought; the lease is given back. False: the row is about another URL by now, or gone.
pub async fn taken(
    conn: &mut Conn,
    connection: &ConnectionId,
    url: &str,
    metadata: &Metadata,
    validators: (Option<&str>, Option<&str>),
    next_refresh_at: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE saml_metadata
            SET entity_id = $2, single_sign_on = $3, single_logout = $4, fetched_at = $5, etag = $6, last_modified = $7,
                valid_until = $8, cache_seconds = $9, next_refresh_at = $10, leased_until = NULL, failures = 0, last_error = NULL
          WHERE connection_id = $1 AND url = $11",
        connection.as_str(),
        metadata.entity_id,
        json(&metadata.single_sign_on),
        json(&metadata.single_logout),
        metadata.fetched_at,
        validators.0,
        validators.1,
        metadata.valid_until,
        metadata.cache_duration.map(Duration::whole_seconds),
        next_refresh_at,
        url
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An operator has approved other services than those in use.
pub async fn goes_by(
    conn: &mut Conn,
    connection: &ConnectionId,
    url: &str,
    places: &Places,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE saml_metadata SET single_sign_on = $3, single_logout = $4
          WHERE connection_id = $1 AND url = $2 AND entity_id = $5",
        connection.as_str(),
        url,
        json(&places.single_sign_on),
        json(&places.single_logout),
        places.entity_id
    )
    .execute(conn)
    .await
    .map(drop)
}

fn json(endpoints: &[Endpoint]) -> Value {
    serde_json::to_value(endpoints).expect("endpoints are plain structs")
}

/// A fetch of `url` has brought nothing usable; the lease is given back. Nothing, if the row is about another URL by now.
pub async fn failed(
    conn: &mut Conn,
    connection: &ConnectionId,
    url: &str,
    error: &str,
    failures: u32,
    next_refresh_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE saml_metadata SET last_error = $2, failures = $3, next_refresh_at = $4, leased_until = NULL
         WHERE connection_id = $1 AND url = $5",
        connection.as_str(),
        error,
        i32::try_from(failures).unwrap_or(i32::MAX),
        next_refresh_at,
        url
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn alerted(conn: &mut Conn, connection: &ConnectionId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE saml_metadata SET alerted_at = $2 WHERE connection_id = $1", connection.as_str(), now)
        .execute(conn)
        .await
        .map(drop)
}

/// Operators have been told of these certificates, and of no others any more.
pub async fn told(conn: &mut Conn, connection: &ConnectionId, sha256: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE saml_metadata SET told = $2 WHERE connection_id = $1", connection.as_str(), sha256)
        .execute(conn)
        .await
        .map(drop)
}

/// Something changed that the document must be held against: it is fetched soon, and whole.
pub async fn read_anew(conn: &mut Conn, connection: &ConnectionId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE saml_metadata SET etag = NULL, last_modified = NULL, next_refresh_at = $2 WHERE connection_id = $1",
        connection.as_str(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The connection has no `metadata_url` any more.
pub async fn forget(conn: &mut Conn, connection: &ConnectionId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM saml_metadata WHERE connection_id = $1", connection.as_str())
        .execute(conn)
        .await
        .map(drop)
}

/// Endpoints that this version cannot read count as not fetched.
fn parse(row: Row) -> Refreshing {
    let endpoints = |value: Option<Value>| value.and_then(|value| serde_json::from_value::<Vec<Endpoint>>(value).ok());
    let whole = (row.entity_id, endpoints(row.single_sign_on), endpoints(row.single_logout), row.fetched_at);
    let metadata = match whole {
        (Some(entity_id), Some(single_sign_on), Some(single_logout), Some(fetched_at)) => Some(Metadata {
            entity_id,
            single_sign_on,
            single_logout,
            fetched_at,
            valid_until: row.valid_until,
            cache_duration: row.cache_seconds.map(Duration::seconds),
        }),
        _ => None,
    };
    Refreshing {
        url: row.url,
        metadata,
        etag: row.etag,
        last_modified: row.last_modified,
        next_refresh_at: row.next_refresh_at,
        attempted_at: row.attempted_at,
        leased_until: row.leased_until,
        asked_at: row.asked_at,
        failures: row.failures.unsigned_abs(),
        last_error: row.last_error,
        alerted_at: row.alerted_at,
        told: row.told,
    }
}
