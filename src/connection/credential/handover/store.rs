//! SQL of how credentials fare at their providers. None of it is configuration: nobody is notified.

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use crate::db::Conn;
use crate::ids::{ConnectionId, CredentialId};

/// How often a credential was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Used {
    pub times: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub last: OffsetDateTime,
}

/// It is in use from now on.
pub async fn took_over(conn: &mut Conn, id: &CredentialId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE connection_credentials SET active_since = $2 WHERE id = $1", id.as_str(), now)
        .execute(conn)
        .await
        .map(drop)
}

/// Adds uses. `last_used_at` moves forward, never back: another replica may have written a later one.
pub async fn used(conn: &mut Conn, uses: &[(CredentialId, Used)]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = uses.iter().map(|(id, _)| id.to_string()).collect();
    let at: Vec<_> = uses.iter().map(|(_, one)| one.last).collect();
    let times: Vec<_> = uses.iter().map(|(_, one)| one.times).collect();
    sqlx::query!(
        "UPDATE connection_credentials c SET uses = c.uses + u.times, last_used_at = GREATEST(c.last_used_at, u.at)
         FROM UNNEST($1::text[], $2::timestamptz[], $3::bigint[]) AS u(id, at, times) WHERE c.id = u.id",
        &ids,
        &at,
        &times
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Of each credential of a connection that was ever used, by its id.
pub async fn uses(conn: &mut Conn, connection: &ConnectionId) -> Result<HashMap<String, Used>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, uses, last_used_at AS "last!" FROM connection_credentials
           WHERE connection_id = $1 AND last_used_at IS NOT NULL"#,
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Used { times: row.uses, last: row.last })).collect())
}

/// Another one had to stand in for it. Whether that is news: it did not happen within `window` before, on any replica.
pub async fn refused(
    conn: &mut Conn,
    id: &CredentialId,
    at: OffsetDateTime,
    window: Duration,
) -> Result<bool, sqlx::Error> {
    let before = sqlx::query_scalar!(
        "UPDATE connection_credentials c SET refused_at = GREATEST(c.refused_at, $2)
         FROM (SELECT id, refused_at FROM connection_credentials WHERE id = $1 FOR UPDATE) before
         WHERE c.id = before.id RETURNING before.refused_at",
        id.as_str(),
        at
    )
    .fetch_optional(conn)
    .await?;
    Ok(before.is_some_and(|before| before.is_none_or(|before| at - before >= window)))
}

/// The connections whose credential in use is refused since, by slug: it was not taken again afterwards.
pub async fn standing_in(
    conn: &mut Conn,
    since: OffsetDateTime,
) -> Result<HashMap<String, OffsetDateTime>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT n.slug, max(c.refused_at) AS "at!" FROM connection_credentials c JOIN connections n ON n.id = c.connection_id
           WHERE c.state = 'active' AND c.refused_at > $1 AND (c.last_used_at IS NULL OR c.last_used_at < c.refused_at)
           GROUP BY n.slug"#,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slug, row.at)).collect())
}
