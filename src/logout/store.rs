//! SQL of trips to a provider's sign-out, one row each, and of providers' logout messages, which count once.

use time::{Duration, OffsetDateTime};

use crate::db::Conn;
use crate::ids::{ConnectionId, TraceId};

pub struct NewTrip<'a> {
    pub handle_hash: [u8; 32],
    pub browser_hash: [u8; 32],
    pub connection: &'a ConnectionId,
    pub request_id: Option<&'a str>,
    pub client_id: Option<&'a str>,
    pub redirect_uri: Option<&'a str>,
    pub state: Option<&'a str>,
    pub trace_id: &'a TraceId,
    pub expires_at: OffsetDateTime,
}

/// A trip as it was remembered.
#[derive(Debug)]
pub struct Trip {
    pub browser_hash: Vec<u8>,
    pub connection_slug: String,
    /// SAML: what the answer must name.
    pub request_id: Option<String>,
    pub client_id: Option<String>,
    pub redirect_uri: Option<String>,
    pub state: Option<String>,
    pub expires_at: OffsetDateTime,
    pub completed: bool,
}

pub async fn insert(conn: &mut Conn, trip: NewTrip<'_>, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO logout_trips (handle_hash, browser_hash, connection_id, request_id, client_id, redirect_uri, state,
                                   trace_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &trip.handle_hash[..],
        &trip.browser_hash[..],
        trip.connection.as_str(),
        trip.request_id,
        trip.client_id,
        trip.redirect_uri,
        trip.state,
        trip.trace_id.as_str(),
        now,
        trip.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn by_handle(conn: &mut Conn, handle_hash: &[u8; 32]) -> Result<Option<Trip>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT t.browser_hash, c.slug, t.request_id, t.client_id, t.redirect_uri, t.state, t.expires_at, t.completed_at
         FROM logout_trips t JOIN connections c ON c.id = t.connection_id WHERE t.handle_hash = $1",
        &handle_hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Trip {
        browser_hash: row.browser_hash,
        connection_slug: row.slug,
        request_id: row.request_id,
        client_id: row.client_id,
        redirect_uri: row.redirect_uri,
        state: row.state,
        expires_at: row.expires_at,
        completed: row.completed_at.is_some(),
    }))
}

/// Uses the trip up. False: another answer was quicker.
pub async fn complete(conn: &mut Conn, handle_hash: &[u8; 32], now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE logout_trips SET completed_at = $2 WHERE handle_hash = $1 AND completed_at IS NULL",
        &handle_hash[..],
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers a provider's message. False: it came before.
pub async fn remember(
    conn: &mut Conn,
    connection: &ConnectionId,
    message_id: &str,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO logout_messages_seen (connection_id, message_id, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        connection.as_str(),
        message_id,
        until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Trips an hour after their end, so that a replay is called one; messages that would be refused by their age.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let trips = sqlx::query!(
        "DELETE FROM logout_trips WHERE ctid IN (SELECT ctid FROM logout_trips WHERE expires_at < $1 LIMIT 1000)",
        now - Duration::hours(1)
    )
    .execute(&mut *conn)
    .await?;
    let messages = sqlx::query!(
        "DELETE FROM logout_messages_seen WHERE ctid IN
             (SELECT ctid FROM logout_messages_seen WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(trips.rows_affected() + messages.rows_affected())
}
