//! Steps that were asked for are done, by one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use super::work;
use crate::broker::Broker;

const PAUSE: Duration = Duration::from_secs(1);

/// Until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    while broker.pause(PAUSE).await {
        loop {
            match work::some(&broker.ctx).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "people could not be moved just now");
                    break;
                }
            }
        }
    }
}
