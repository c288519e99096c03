//! SQL of provisioning itself; what is provisioned has stores of its own.

use time::OffsetDateTime;

use super::one::Item;
use crate::db::Conn;

/// Holds until the transaction ends: two applies take turns. The number is arbitrary and ours alone.
pub(super) async fn lock(conn: &mut Conn) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(6118650374)").execute(conn).await.map(drop)
}

/// No file owns it any more.
pub(super) async fn release(conn: &mut Conn, item: &Item, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let done = match item {
        Item::Connection(slug) => {
            sqlx::query!(
                "UPDATE connections SET managed_by = NULL, updated_at = $2 WHERE slug = $1",
                slug.as_str(),
                now
            )
            .execute(conn)
            .await
        }
        Item::Client(id) => {
            sqlx::query!("UPDATE clients SET managed_by = NULL, updated_at = $2 WHERE client_id = $1", id.as_str(), now)
                .execute(conn)
                .await
        }
        Item::Resource(identifier) => {
            sqlx::query!(
                "UPDATE resources SET managed_by = NULL, updated_at = $2 WHERE identifier = $1",
                identifier,
                now
            )
            .execute(conn)
            .await
        }
        Item::Role { resource, name } => {
            let query = sqlx::query!(
                "UPDATE roles SET managed_by = NULL, updated_at = $3 WHERE resource = $1 AND name = $2",
                resource,
                name,
                now
            );
            query.execute(conn).await
        }
    };
    done.map(drop)
}
