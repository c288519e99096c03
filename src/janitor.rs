//! Background work, by one replica at a time where it matters: rows that ended, keys that retire. Rotation on a
//! schedule belongs here too, once an operator can set one.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::Broker;
use crate::{authorization, login, session, signing_key, token};

const EVERY: Duration = Duration::from_secs(60);

/// Runs until the pool is closed. Each piece may fail without stopping the others.
pub async fn run(broker: Arc<Broker>) {
    loop {
        tokio::time::sleep(EVERY).await;
        if broker.ctx.db.is_closed() {
            return;
        }
        if !broker.is_live() {
            continue;
        }
        if let Err(error) = sweep(&broker).await {
            tracing::warn!(%error, "ended rows could not be removed");
        }
        if let Err(error) = signing_key::retire_expired(&broker.ctx).await {
            tracing::warn!(%error, "signing keys could not be retired");
        }
    }
}

/// Deletes are idempotent, so two replicas doing them at once is only a little waste.
async fn sweep(broker: &Broker) -> Result<(), sqlx::Error> {
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let removed = login::store::delete_ended(&mut conn, now).await?
        + authorization::store::delete_ended(&mut conn, now).await?
        + token::store::delete_ended(&mut conn, now).await?
        + session::store::delete_ended(&mut conn, now).await?;
    if removed > 0 {
        tracing::debug!(removed, "removed ended rows");
    }
    Ok(())
}
