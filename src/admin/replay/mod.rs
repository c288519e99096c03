//! Trying an edited mapping or rule on the sign-ins that were. What comes of it lies in `trace::replay`.

pub mod api;
pub mod pages;

use crate::admin::Trouble;
use crate::broker::Broker;
use crate::connection::Connection;
use crate::trace::replay::{self, Difference};
use crate::trace::{Summary, read};

/// The last sign-ins of a connection, and what each would have been: newest first.
///
/// # Errors
/// the database's.
pub async fn run(
    broker: &Broker,
    before: &Connection,
    after: &Connection,
) -> Result<Vec<(Summary, Difference)>, Trouble> {
    broker.traces.flush().await;
    let mut conn = broker.ctx.db.acquire().await?;
    let last = read::last_claims(&broker.ctx, &mut conn, before.slug.as_str(), replay::LAST).await?;
    drop(conn);
    let compared = last.into_iter().map(|(summary, claims)| (summary, replay::difference(before, after, &claims)));
    Ok(compared.collect())
}
