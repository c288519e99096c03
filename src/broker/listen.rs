//! Keeps the snapshot fresh: LISTEN on the channel that the tables' triggers notify. A lost connection makes the
//! broker say "not live" until it is back and everything was read anew, because notifications may have been missed.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;

use super::Broker;

const CHANNEL: &str = "avouch_changed";
/// The tables that are work and not configuration.
const LOGOUTS: &str = "logout_notifications";
const WEBHOOKS: &str = "webhook_deliveries";
/// Read anew now and then all the same.
const REFRESH: Duration = Duration::from_secs(60);

/// Runs until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    while !broker.ctx.db.is_closed() {
        if let Err(error) = follow(&broker).await {
            tracing::warn!(%error, "lost the database; tokens and logins wait until it is back");
        }
        broker.set_live(false);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Returns when the connection is lost.
async fn follow(broker: &Broker) -> anyhow::Result<()> {
    let mut listener = PgListener::connect_with(&broker.ctx.db).await?;
    listener.listen(CHANNEL).await?;
    broker.reload().await?;
    if !broker.is_live() {
        tracing::info!("the database is back; configuration read anew");
    }
    broker.set_live(true);
    loop {
        match tokio::time::timeout(REFRESH, listener.try_recv()).await {
            Ok(Ok(Some(first))) => {
                // one apply touches many tables: take what is queued and read once
                let queued = std::iter::from_fn(|| listener.next_buffered());
                let mut changed = false;
                for told in std::iter::once(first).chain(queued) {
                    match told.payload() {
                        LOGOUTS => broker.logouts_owed.notify_one(),
                        WEBHOOKS => broker.webhooks_owed.notify_one(),
                        _ => changed = true,
                    }
                }
                if changed {
                    broker.take_up_changes().await?;
                }
            }
            Ok(Ok(None)) => anyhow::bail!("the listening connection was closed"),
            Ok(Err(error)) => return Err(error.into()),
            Err(_elapsed) => broker.reload().await?,
        }
    }
}
