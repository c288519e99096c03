//! SQL of the versions of what providers publish. A document that this version of ours cannot read counts as not there.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use super::blocked::Blocked;
use super::drift::Drift;
use super::{Approved, Document, Kind, State, Version};
use crate::db::Conn;
use crate::ids::ConnectionId;

/// The ones in use, by connection: under whichever issuer it had, hence several.
pub async fn approved(conn: &mut Conn) -> Result<HashMap<String, Vec<Approved>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT connection_id, source, document FROM upstream_versions
         WHERE state = 'approved' AND kind = 'discovery' ORDER BY id"
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

/// By slug: where something waits for a decision, or the provider says that it is another one.
pub async fn drifting(conn: &mut Conn, connection: Option<&str>) -> Result<HashMap<String, Drift>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.slug AS "slug!", v.first_seen_at AS "since!", FALSE AS "blocked!"
             FROM upstream_versions v JOIN connections c ON c.id = v.connection_id
            WHERE v.state = 'pending' AND ($1::text IS NULL OR c.id = $1)
              AND ((v.kind = 'discovery' AND v.source = c.settings->>'issuer' AND c.settings->'endpoints' IS NULL)
                OR (v.kind = 'metadata' AND v.source = c.settings->'source'->'metadata_url'->>'url'))
           UNION ALL
           SELECT c.slug, b.since, TRUE FROM upstream_blocks b JOIN connections c ON c.id = b.connection_id
            WHERE b.ended_at IS NULL AND ($1::text IS NULL OR c.id = $1)
              AND ((b.source = c.settings->>'issuer' AND c.settings->'endpoints' IS NULL)
                OR b.source = c.settings->'source'->'metadata_url'->>'url')"#,
        connection
    );
    let rows = rows.fetch_all(conn).await?;
    // who says to be another one says nothing else that counts
    let all = rows.into_iter().map(|row| (row.slug, Drift { since: row.since, blocked: row.blocked }));
    Ok(all.collect())
}

pub async fn blocked(conn: &mut Conn, connection: &ConnectionId, source: &str) -> Result<Option<Blocked>, sqlx::Error> {
    sqlx::query_as!(
        Blocked,
        "SELECT since, detail FROM upstream_blocks WHERE connection_id = $1 AND source = $2 AND ended_at IS NULL",
        connection.as_str(),
        source
    )
    .fetch_optional(conn)
    .await
}

/// Whether operators are to be told of it: not of what goes on, and of what was told after `told_before` not again.
pub async fn block(
    conn: &mut Conn,
    connection: &ConnectionId,
    source: &str,
    detail: &str,
    now: OffsetDateTime,
    told_before: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let tell = sqlx::query_scalar!(
        r#"INSERT INTO upstream_blocks AS old (connection_id, source, detail, since, told_at) VALUES ($1, $2, $3, $4, $4)
           ON CONFLICT (connection_id) DO UPDATE
              SET source = $2, detail = $3, ended_at = NULL,
                  since = CASE WHEN old.ended_at IS NULL AND old.source = $2 THEN old.since ELSE $4 END,
                  told_at = CASE WHEN old.source <> $2 OR old.detail <> $3
                                   OR (old.ended_at IS NOT NULL AND old.told_at <= $5) THEN $4 ELSE old.told_at END
           RETURNING told_at = $4 AS "tell!""#,
        connection.as_str(),
        source,
        detail,
        now,
        told_before
    );
    tell.fetch_one(conn).await
}

pub async fn unblock(conn: &mut Conn, connection: &ConnectionId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_blocks SET ended_at = $2 WHERE connection_id = $1 AND ended_at IS NULL",
        connection.as_str(),
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn approved_of(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<Approved>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT source, document FROM upstream_versions
         WHERE state = 'approved' AND kind = 'discovery' AND connection_id = $1 ORDER BY id",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    let read = |document| serde_json::from_value(document).ok();
    let all = rows.into_iter().filter_map(|row| Some(Approved { source: row.source, surface: read(row.document)? }));
    Ok(all.collect())
}

/// The newest first.
pub async fn of(
    conn: &mut Conn,
    connection: &ConnectionId,
    kind: Kind,
    source: &str,
) -> Result<Vec<Version>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT * FROM upstream_versions WHERE connection_id = $1 AND kind = $2 AND source = $3 ORDER BY id DESC",
        connection.as_str(),
        kind.as_str(),
        source
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().filter_map(|row| {
        Some(Version {
            id: row.id,
            document: Document::read(&row.kind, row.document)?,
            state: State::parse(&row.state)?,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            told_at: row.told_at,
            decided: row.decided_at.zip(row.decided_by),
        })
    });
    Ok(read.collect())
}

/// `like`: the provider has said the same before; that row gives way to this one, which remembers when it began.
pub async fn insert(
    conn: &mut Conn,
    (connection, source, document): (&ConnectionId, &str, &Document),
    state: State,
    like: Option<&Version>,
    told_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    if let Some(like) = like {
        sqlx::query!("DELETE FROM upstream_versions WHERE id = $1", like.id).execute(&mut *conn).await?;
    }
    sqlx::query!(
        "INSERT INTO upstream_versions (connection_id, kind, source, document, state, first_seen_at, last_seen_at, told_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        connection.as_str(),
        document.kind().as_str(),
        source,
        document.json(),
        state.as_str(),
        like.map_or(now, |like| like.first_seen_at),
        now,
        told_at
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn seen_again(conn: &mut Conn, id: i64, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE upstream_versions SET last_seen_at = $2 WHERE id = $1", id, now).execute(conn).await.map(drop)
}

pub async fn supersede(conn: &mut Conn, id: i64, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_versions SET state = 'superseded', decided_at = coalesce(decided_at, $2) WHERE id = $1",
        id,
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

/// Twenty of a kind that are over are remembered.
pub async fn trim(conn: &mut Conn, connection: &ConnectionId, kind: Kind) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM upstream_versions WHERE id IN (
             SELECT id FROM upstream_versions WHERE connection_id = $1 AND kind = $2 AND state IN ('rejected', 'superseded')
             ORDER BY last_seen_at DESC OFFSET 20)",
        connection.as_str(),
        kind.as_str()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The connections, with what was looked at, whose next look is not due: asked before turns are taken, for that writes.
pub async fn not_due(conn: &mut Conn, now: OffsetDateTime) -> Result<HashSet<(String, String)>, sqlx::Error> {
    let rows = sqlx::query!("SELECT connection_id, source FROM upstream_looks WHERE next_look_at > $1", now);
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.connection_id, row.source)).collect())
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
