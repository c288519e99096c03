//! What a step that can hurt would touch: the people, their sessions and the clients behind a connection or a client. Owns
//! counting only; what is said of it is the desk's.

mod store;

use time::{Duration, OffsetDateTime};

use super::one::Item;
use crate::db::Conn;

/// How far back something counts as in use.
pub const LATELY: Duration = Duration::days(30);

/// More are not counted: whoever reads it knows enough by then, and the page stays quick.
pub const MOST_COUNTED: i64 = 100_000;

/// A number, and the first few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Up to [`MOST_COUNTED`].
    pub count: i64,
    /// Ten at most, as people know them; those seen last come first.
    pub names: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// Of a connection: who signs in by it. Of a client: who is signed in there, or may come back without asking.
    pub users: Counted,
    /// Single sign-on sessions that hold now.
    pub sessions: i64,
    /// Grants of refresh tokens that hold now.
    pub grants: i64,
    /// Of a connection: where its people went within [`LATELY`].
    pub clients: Counted,
    /// Of a client: tokens it was given within [`LATELY`].
    pub tokens: i64,
}

/// Of a resource or role there is nothing to count here: who names it is known from the configuration.
///
/// # Errors
/// the database's.
pub async fn impact(conn: &mut Conn, item: &Item, now: OffsetDateTime) -> Result<Impact, sqlx::Error> {
    match item {
        Item::Connection(slug) => store::of_connection(conn, slug, now).await,
        Item::Client(id) => store::of_client(conn, id, now).await,
        Item::Resource(_) | Item::Role { .. } => Ok(Impact::default()),
    }
}
