//! An identity provider says that a session of its own is over: ours that came from it end as well.

use super::store;
use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::db;
use crate::session::{self, EndReason, Ended};
use crate::upstream::LogoutNotice;

/// What became of a verified message.
#[derive(Debug)]
pub enum Followed {
    /// Sessions that were live until now; none is an answer too.
    Ended(Vec<Ended>),
    /// The same message came before.
    Replayed,
}

/// Ends what the message means, in one transaction with the memory that it came and with the audit log. `sign` adds who
/// brought it.
///
/// # Errors
/// the database's: nothing has ended then, and the message counts when it comes again.
pub async fn follow(
    broker: &Broker,
    connection: &Connection,
    notice: &LogoutNotice,
    sign: impl Fn(Event) -> Event,
) -> Result<Followed, sqlx::Error> {
    let ctx = &broker.ctx;
    db::in_tx(&ctx.db, async |conn| {
        if !store::remember(conn, &connection.id, &notice.message_id, notice.until).await? {
            return Ok(Followed::Replayed);
        }
        let LogoutNotice { ended: meant, .. } = notice;
        let candidates =
            session::store::by_upstream(conn, &connection.id, meant.subject.as_deref(), &meant.sids).await?;
        let ids: Vec<_> = candidates.into_iter().filter(|(_, s)| meant.includes(s)).map(|(id, _)| id).collect();
        let ended = session::end_many(conn, &ids, EndReason::SignedOutUpstream, ctx.now()).await?;
        let event = || Event::success("logout.upstream", "system").connection(&connection.slug);
        for ended in &ended {
            let detail = serde_json::json!({ "session": ended.id.as_str() });
            audit::record(ctx, conn, sign(event()).about(&ended.user_id).detail(detail)).await?;
        }
        if ended.is_empty() {
            let detail = serde_json::json!({ "detail": "it meant no session of ours that was not over" });
            audit::record(ctx, conn, sign(event()).detail(detail)).await?;
        }
        Ok(Followed::Ended(ended))
    })
    .await
}
