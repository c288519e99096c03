//! SQL of the list of connections.

use super::{Arrivals, Listed, MOST_COUNTED, Wanted};
use crate::connection::Slug;
use crate::db::Conn;
use crate::ids::ConnectionId;

/// By slug, after the one that the page before ended with.
pub async fn page(conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.slug, c.display_name, c.protocol, c.preset, c.enabled, c.managed_by, c.email_domains,
                  (SELECT count(*) FROM (SELECT 1 FROM identities i WHERE i.connection_id = c.id LIMIT $6) counted) AS "people!"
           FROM connections c
           WHERE ($1::text IS NULL OR c.slug > $1)
             AND ($2::text IS NULL OR strpos(c.slug, lower($2)) > 0 OR strpos(lower(c.display_name), lower($2)) > 0
                  OR EXISTS (SELECT 1 FROM unnest(c.email_domains) domain WHERE strpos(domain, lower($2)) > 0))
             AND ($3::text IS NULL OR c.protocol = $3)
             AND ($4::boolean IS NULL OR c.enabled = $4)
           ORDER BY c.slug LIMIT $5"#,
        wanted.after,
        wanted.search,
        wanted.protocol,
        wanted.enabled,
        limit,
        MOST_COUNTED
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().filter_map(|row| {
        Some(Listed {
            slug: Slug::parse(&row.slug).ok()?,
            display_name: row.display_name,
            is_saml: row.protocol == "saml",
            preset: row.preset.and_then(|word| serde_json::from_value(word.into()).ok()),
            enabled: row.enabled,
            managed_by: row.managed_by,
            email_domains: row.email_domains,
            people: row.people,
        })
    });
    Ok(listed.collect())
}

pub async fn arrivals(conn: &mut Conn, connection: &ConnectionId) -> Result<Arrivals, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "people!", max(last_login_at) AS last FROM identities WHERE connection_id = $1"#,
        connection.as_str()
    )
    .fetch_one(conn)
    .await?;
    Ok(Arrivals { people: row.people, last: row.last })
}
