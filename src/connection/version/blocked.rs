//! A provider that says it is another one than the connection is bound to. Nothing that it says is believed, so there is
//! no version to approve: either it is put right there, or the connection is given another issuer here.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::store;
use crate::audit::{self, Event};
use crate::connection::Connection;
use crate::ctx::Ctx;
use crate::db::{self, Conn};

/// One that goes back and forth is told of no more often.
pub(super) const TELL_EVERY: Duration = Duration::DAY;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub since: OffsetDateTime,
    /// What it says, and what to do.
    pub detail: String,
}

/// It has just said so.
///
/// # Errors
/// the database's.
pub async fn seen(ctx: &Ctx, connection: &Connection, source: &str, detail: &str) -> Result<(), sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| seen_in(ctx, conn, connection, source, detail).await).await
}

/// The same as part of something else.
///
/// # Errors
/// the database's.
pub async fn seen_in(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    source: &str,
    detail: &str,
) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    if !store::block(conn, &connection.id, source, detail, now, now - TELL_EVERY).await? {
        return Ok(());
    }
    let event = Event::failed("connection.drift_seen", "another_provider", "system").connection(&connection.slug);
    let detail = json!({
        "cause": detail,
        "remedy": "Ask the provider's administrator. What was approved counts until it is itself again; if it has really become another provider, make a new connection.",
        "page": format!("/admin/connections/{}/versions", connection.slug),
    });
    audit::record(ctx, conn, event.detail(detail)).await
}

/// It is itself again.
///
/// # Errors
/// the database's.
pub async fn over(conn: &mut Conn, connection: &Connection, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    store::unblock(conn, &connection.id, now).await
}
