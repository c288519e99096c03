//! The clock: asks every provider whose metadata is due. Replicas need no agreement but the lease in the row.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::{is_published, refreshed};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::connection::metadata::schedule::{Turn, Why, turn};

/// A look at memory only.
const EVERY: Duration = Duration::from_secs(1);
/// So that one slow provider does not hold up the others.
const AT_A_TIME: usize = 8;

/// Runs until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    while broker.pause(EVERY).await {
        let now = broker.ctx.now();
        let is_due = |connection: &Arc<Connection>| {
            let known = connection.refreshing.as_ref();
            connection.enabled
                && is_published(connection)
                && known.is_none_or(|row| turn(row, Why::Due, now) == Turn::Fetch)
        };
        let due: Vec<_> = broker.catalog.load().connections().iter().filter(|one| is_due(one)).cloned().collect();
        let ask = async |connection: Arc<Connection>| drop(refreshed(&broker, &connection, Why::Due).await);
        stream::iter(due).for_each_concurrent(AT_A_TIME, ask).await;
    }
}
