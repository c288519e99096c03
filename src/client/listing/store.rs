//! SQL of the list of clients.

use super::{Listed, Wanted};
use crate::client::{ClientId, ClientKind};
use crate::db::Conn;

/// By id, after the one that the page before ended with.
pub async fn page(conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.client_id, c.name, c.kind, c.enabled, c.audiences, c.managed_by, s.secrets AS "secrets!",
                  CASE WHEN s.endless THEN NULL ELSE s.ends END AS ends, s.used
           FROM (SELECT * FROM clients
                 WHERE ($1::text IS NULL OR client_id > $1)
                   AND ($2::text IS NULL OR strpos(lower(client_id), lower($2)) > 0 OR strpos(lower(name), lower($2)) > 0)
                   AND ($3::text IS NULL OR kind = $3)
                   AND ($4::boolean IS NULL OR enabled = $4)
                 ORDER BY client_id LIMIT $5) c,
                LATERAL (SELECT count(*) AS secrets, bool_or(expires_at IS NULL) AS endless, max(expires_at) AS ends,
                                max(last_used_at) AS used
                         FROM client_secrets WHERE client_id = c.client_id AND state <> 'revoked') s
           ORDER BY c.client_id"#,
        wanted.after,
        wanted.search,
        wanted.kind.map(ClientKind::as_str),
        wanted.enabled,
        limit
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().filter_map(|row| {
        Some(Listed {
            client_id: ClientId::parse(&row.client_id).ok()?,
            name: row.name,
            kind: ClientKind::parse(&row.kind)?,
            enabled: row.enabled,
            audiences: row.audiences,
            managed_by: row.managed_by,
            secrets: row.secrets,
            secrets_end: row.ends,
            last_used_at: row.used,
        })
    });
    Ok(listed.collect())
}
