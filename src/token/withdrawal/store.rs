//! SQL of what applications hold of a person.

use time::OffsetDateTime;

use super::Held;
use crate::db::Conn;
use crate::ids::{FamilyId, UserId};

/// Families that are good still, the last used first.
pub async fn held(conn: &mut Conn, user: &UserId, now: OffsetDateTime) -> Result<Vec<Held>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT f.id, f.client_id, f.scopes, f.created_at, f.expires_at, max(t.created_at) AS "last_used_at!"
           FROM refresh_families f JOIN refresh_tokens t ON t.family_id = f.id
           WHERE f.user_id = $1 AND f.revoked_at IS NULL AND f.expires_at > $2
           GROUP BY f.id ORDER BY 6 DESC, f.id LIMIT 200"#,
        user.as_str(),
        now
    )
    .fetch_all(conn)
    .await?;
    let held = rows.into_iter().map(|row| Held {
        id: FamilyId::from_stored(row.id),
        client_id: row.client_id,
        scopes: row.scopes,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
    });
    Ok(held.collect())
}

pub(super) async fn revoke(
    conn: &mut Conn,
    user: &UserId,
    client_id: &str,
    now: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE refresh_families SET revoked_at = $3, revoked_reason = 'withdrawn_by_operator'
         WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL AND expires_at > $3",
        user.as_str(),
        client_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
