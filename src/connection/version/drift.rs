//! Whether a provider's word differs from what was approved, in few words for every page that speaks of the connection.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::store;
use crate::connection::Connection;
use crate::db::Conn;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    pub since: OffsetDateTime,
    /// It says that it is another provider: nothing to approve.
    pub blocked: bool,
}

/// `None`: it says what was approved.
///
/// # Errors
/// the database's.
pub async fn drift(conn: &mut Conn, connection: &Connection) -> Result<Option<Drift>, sqlx::Error> {
    Ok(store::drifting(conn, Some(connection.id.as_str())).await?.remove(connection.slug.as_str()))
}

/// Of every connection, by slug.
///
/// # Errors
/// the database's.
pub async fn all(conn: &mut Conn) -> Result<HashMap<String, Drift>, sqlx::Error> {
    store::drifting(conn, None).await
}
