//! SQL of provisioning itself; what is provisioned has stores of its own.

use crate::db::Conn;

/// Holds until the transaction ends: two applies take turns. The number is arbitrary and ours alone.
pub(super) async fn lock(conn: &mut Conn) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(6118650374)").execute(conn).await.map(drop)
}
