//! SQL of the vault.

use time::OffsetDateTime;

use super::Sealed;
use crate::db::Conn;

/// The stored pepper; `fresh` becomes it when there is none yet. Two replicas that start together agree on one.
pub async fn pepper_or(conn: &mut Conn, fresh: &Sealed, now: OffsetDateTime) -> Result<Sealed, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO vault_pepper (id, sealed, created_at) VALUES (1, $1, $2) ON CONFLICT ON CONSTRAINT vault_pepper_pkey DO NOTHING",
        fresh.as_bytes(),
        now
    )
    .execute(&mut *conn)
    .await?;
    let bytes = sqlx::query_scalar!("SELECT sealed FROM vault_pepper WHERE id = 1").fetch_one(conn).await?;
    Ok(Sealed::from_stored(bytes))
}
