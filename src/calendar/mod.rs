//! The calendar of what ends, for programs that subscribe to it. Owns the feed's address, which is a secret of its own and
//! opens nothing else, and how the feed is written. What ends, and what follows from it, is `broker::expiry`'s.

pub mod endpoint;
mod ics;
pub mod store;

use serde_json::json;
use time::OffsetDateTime;

use crate::audit::{self, Author};
use crate::broker::Broker;
use crate::broker::expiry::People;
use crate::ctx::Ctx;
use crate::db;
use crate::secret::{Kind, Secret, fingerprint, is_well_formed, mint};

/// The feed that there is, without its address, which is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The last characters of the address' secret part, to recognise it by.
    pub hint: String,
    pub created_by: String,
    pub created_at: OffsetDateTime,
}

/// Makes the feed, or gives it another address: the one before ends at once. The whole address, shown this once.
///
/// # Errors
/// the database's.
pub async fn open(ctx: &Ctx, author: &Author) -> Result<Secret<String>, sqlx::Error> {
    let token = mint(Kind::CalendarFeed, &ctx.rng);
    let tail = token.expose().len().saturating_sub(4);
    let feed = Feed { hint: token.expose()[tail..].into(), created_by: author.actor.clone(), created_at: ctx.now() };
    db::in_tx(&ctx.db, async |conn| {
        store::put(conn, &feed, fingerprint(token.expose())).await?;
        audit::record(ctx, conn, author.did("calendar_feed.opened").detail(json!({ "hint": feed.hint }))).await
    })
    .await?;
    Ok(Secret::new(ctx.urls.at(&format!("/calendar/{}.ics", token.expose()))))
}

/// False: there is none.
///
/// # Errors
/// the database's.
pub async fn withdraw(ctx: &Ctx, author: &Author) -> Result<bool, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn| {
        let Some(feed) = store::get(conn).await? else { return Ok(false) };
        store::delete(conn).await?;
        let event = author.did("calendar_feed.withdrawn").detail(json!({ "hint": feed.hint }));
        audit::record(ctx, conn, event).await.map(|()| true)
    })
    .await
}

/// What subscribers read, if `token` is the feed's.
///
/// # Errors
/// the database's.
pub async fn read(broker: &Broker, token: &str) -> Result<Option<String>, sqlx::Error> {
    let (ctx, now) = (&broker.ctx, broker.ctx.now());
    if !is_well_formed(Kind::CalendarFeed, token) {
        return Ok(None);
    }
    let mut conn = ctx.db.acquire().await?;
    if !store::is_known(&mut conn, fingerprint(token)).await? {
        return Ok(None);
    }
    let people = People::count(&mut conn, now).await?;
    let name = format!("{}: what ends", broker.settings.load().chosen.name);
    Ok(Some(ics::write(&ctx.urls, &name, &broker.expiries(), &people, now)))
}
