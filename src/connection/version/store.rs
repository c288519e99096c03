//! SQL of the versions of discovery documents. A document that this version of ours cannot read counts as not there.

use std::collections::HashMap;

use serde_json::Value;
use time::OffsetDateTime;

use super::{Approved, State, Version};
use crate::db::Conn;
use crate::ids::ConnectionId;

/// The ones in use, by connection: under whichever issuer it had, hence several.
pub async fn approved(conn: &mut Conn) -> Result<HashMap<String, Vec<Approved>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT connection_id, source, document FROM upstream_versions WHERE state = 'approved' ORDER BY id"
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<String, Vec<Approved>> = HashMap::new();
    for row in rows {
        if let Ok(surface) = serde_json::from_value(row.document) {
            all.entry(row.connection_id).or_default().push(Approved { source: row.source, surface });
        }
    }
    Ok(all)
}

/// The slugs of connections where something waits for a decision, and since when.
pub async fn pending(conn: &mut Conn) -> Result<HashMap<String, OffsetDateTime>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.slug, v.first_seen_at FROM upstream_versions v JOIN connections c ON c.id = v.connection_id
         WHERE v.state = 'pending' AND v.source = c.settings->>'issuer' AND c.settings->'endpoints' IS NULL"
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.slug, row.first_seen_at)).collect())
}

pub async fn approved_of(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<Approved>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT source, document FROM upstream_versions WHERE state = 'approved' AND connection_id = $1 ORDER BY id",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    let read = |document| serde_json::from_value(document).ok();
    let all = rows.into_iter().filter_map(|row| Some(Approved { source: row.source, surface: read(row.document)? }));
    Ok(all.collect())
}

/// The newest first.
pub async fn of(conn: &mut Conn, connection: &ConnectionId, source: &str) -> Result<Vec<Version>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT * FROM upstream_versions WHERE connection_id = $1 AND source = $2 ORDER BY id DESC",
        connection.as_str(),
        source
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().filter_map(|row| {
        Some(Version {
            id: row.id,
            source: row.source,
            surface: serde_json::from_value(row.document).ok()?,
            state: State::parse(&row.state)?,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            decided: row.decided_at.zip(row.decided_by),
        })
    });
    Ok(read.collect())
}

pub async fn insert(
    conn: &mut Conn,
    connection: &ConnectionId,
    source: &str,
    document: &Value,
    state: State,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO upstream_versions (connection_id, source, document, state, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        connection.as_str(),
        source,
        document,
        state.as_str(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn seen_again(conn: &mut Conn, id: i64, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE upstream_versions SET last_seen_at = $2 WHERE id = $1", id, now).execute(conn).await.map(drop)
}

/// The one in this state, if there is one, gives way.
pub async fn supersede(
    conn: &mut Conn,
    connection: &ConnectionId,
    source: &str,
    state: State,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_versions SET state = 'superseded', decided_at = coalesce(decided_at, $4)
         WHERE connection_id = $1 AND source = $2 AND state = $3",
        connection.as_str(),
        source,
        state.as_str(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn decided(conn: &mut Conn, id: i64, to: State, by: &str, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_versions SET state = $2, decided_by = $3, decided_at = $4 WHERE id = $1",
        id,
        to.as_str(),
        by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Twenty that are over are remembered.
pub async fn trim(conn: &mut Conn, connection: &ConnectionId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM upstream_versions WHERE id IN (
             SELECT id FROM upstream_versions WHERE connection_id = $1 AND state IN ('rejected', 'superseded')
             ORDER BY id DESC OFFSET 20)",
        connection.as_str()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes the turn to look. A connection with another issuer than at the last look is due at once.
pub async fn take_turn(
    conn: &mut Conn,
    connection: &ConnectionId,
    source: &str,
    now: OffsetDateTime,
    next: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO upstream_looks AS old (connection_id, source, next_look_at)
         SELECT id, $2, $4 FROM connections WHERE id = $1
         ON CONFLICT (connection_id) DO UPDATE SET source = $2, next_look_at = $4
          WHERE old.next_look_at <= $3 OR old.source <> $2",
        connection.as_str(),
        source,
        now,
        next
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
