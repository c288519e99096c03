//! SQL of renewal links.

use time::OffsetDateTime;

use super::{Ended, RenewalLink};
use crate::connection::Slug;
use crate::db::Conn;
use crate::ids::{ConnectionId, RenewalLinkId};

struct Row {
    id: String,
    connection_id: String,
    takes_over: bool,
    created_by: String,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    tries: i32,
    ended_at: Option<OffsetDateTime>,
    ended: Option<String>,
}

impl Row {
    fn read(self) -> RenewalLink {
        // a way of ending that this version does not know has ended it all the same
        let how = self.ended.map(|ended| Ended::parse(&ended).unwrap_or(Ended::Withdrawn));
        RenewalLink {
            id: RenewalLinkId::from_stored(self.id),
            connection: ConnectionId::from_stored(self.connection_id),
            takes_over: self.takes_over,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            tries: self.tries,
            ended: self.ended_at.zip(how),
        }
    }
}

pub(super) async fn insert(conn: &mut Conn, link: &RenewalLink, token_hash: [u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO renewal_links (id, connection_id, token_hash, takes_over, created_by, created_at, expires_at, tries)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        link.id.as_str(),
        link.connection.as_str(),
        token_hash.as_slice(),
        link.takes_over,
        link.created_by,
        link.created_at,
        link.expires_at,
        link.tries
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The newest first.
pub async fn of(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<RenewalLink>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, takes_over, created_by, created_at, expires_at, tries, ended_at, ended
         FROM renewal_links WHERE connection_id = $1 ORDER BY created_at DESC, id DESC LIMIT 100",
        connection.as_str()
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(Row::read).collect())
}

/// Those that somebody may still use: the slug of the connection, and when the newest was made.
pub async fn waiting(conn: &mut Conn, now: OffsetDateTime) -> Result<Vec<(String, OffsetDateTime)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.slug, max(l.created_at) AS "made!" FROM renewal_links l JOIN connections c ON c.id = l.connection_id
           WHERE l.ended_at IS NULL AND l.expires_at > $1 GROUP BY c.slug"#,
        now
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.slug, row.made)).collect())
}

/// With the slug of its connection.
pub(super) async fn by_token(
    conn: &mut Conn,
    token_hash: [u8; 32],
) -> Result<Option<(RenewalLink, Slug)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT l.id, l.connection_id, l.takes_over, l.created_by, l.created_at, l.expires_at, l.tries, l.ended_at,
                l.ended, c.slug
         FROM renewal_links l JOIN connections c ON c.id = l.connection_id WHERE l.token_hash = $1",
        token_hash.as_slice()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        let link = Row {
            id: row.id,
            connection_id: row.connection_id,
            takes_over: row.takes_over,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            tries: row.tries,
            ended_at: row.ended_at,
            ended: row.ended,
        };
        Some((link.read(), Slug::parse(&row.slug).ok()?))
    }))
}

/// The number of the attempt that begins; none where one is under way, or none may begin any more.
pub(super) async fn begin(
    conn: &mut Conn,
    id: &RenewalLinkId,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE renewal_links SET tries = tries + 1, busy_until = $3
         WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 AND tries < $4 AND (busy_until IS NULL OR busy_until <= $2)
         RETURNING tries",
        id.as_str(),
        now,
        until,
        super::MOST_TRIES
    )
    .fetch_optional(conn)
    .await
}

/// The attempt is over; it counts.
pub(super) async fn pause(conn: &mut Conn, id: &RenewalLinkId, attempt: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE renewal_links SET busy_until = NULL WHERE id = $1 AND tries = $2", id.as_str(), attempt)
        .execute(conn)
        .await
        .map(drop)
}

/// The attempt is over; it does not count.
pub(super) async fn forgive(conn: &mut Conn, id: &RenewalLinkId, attempt: i32) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE renewal_links SET busy_until = NULL, tries = tries - 1 WHERE id = $1 AND tries = $2 AND ended_at IS NULL",
        id.as_str(),
        attempt
    )
    .execute(conn)
    .await
    .map(drop)
}

/// False: the attempt is not the one under way, or the link has ended.
pub(super) async fn use_up(
    conn: &mut Conn,
    id: &RenewalLinkId,
    attempt: i32,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE renewal_links SET busy_until = NULL, ended_at = $3, ended = 'used'
         WHERE id = $1 AND tries = $2 AND ended_at IS NULL AND busy_until IS NOT NULL AND expires_at > $3",
        id.as_str(),
        attempt,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False: there is none of that id, or it has ended already.
pub(super) async fn end(
    conn: &mut Conn,
    connection: &ConnectionId,
    id: &str,
    ended: Ended,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE renewal_links SET busy_until = NULL, ended_at = $4, ended = $3
         WHERE id = $1 AND connection_id = $2 AND ended_at IS NULL AND expires_at > $4",
        id,
        connection.as_str(),
        ended.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn delete_ended(conn: &mut Conn, before: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM renewal_links WHERE id IN (SELECT id FROM renewal_links WHERE expires_at < $1 LIMIT 1000)",
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
