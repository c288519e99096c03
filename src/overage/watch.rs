//! Groups are looked up again before they are old, off everybody's way; one replica for each person and time.

use std::sync::Arc;
use std::time::Duration;

use super::{EVERY, look_up, store};
use crate::broker::Broker;

const PAUSE: Duration = Duration::from_secs(30);
/// In one go; Graph throttles who asks more.
const TOGETHER: i64 = 100;

/// Until the pool is closed.
pub async fn run(broker: Arc<Broker>) {
    while broker.pause(PAUSE).await {
        if let Err(error) = look(&broker).await {
            tracing::warn!(%error, "groups could not be looked up again");
        }
    }
}

/// Whoever's turn it is. A directory that does not answer is asked for nobody else in this round.
///
/// # Errors
/// the database's.
pub async fn look(broker: &Broker) -> Result<(), sqlx::Error> {
    let now = broker.ctx.now();
    let due = {
        let mut conn = broker.ctx.db.acquire().await?;
        store::delete_unused(&mut conn, now).await?;
        store::take(&mut conn, TOGETHER, (now, now + EVERY)).await?
    };
    let catalog = broker.catalog.load_full();
    let mut silent = Vec::new();
    for one in due {
        let connection = catalog.connections().iter().find(|connection| connection.id == one.connection);
        let Some(connection) = connection.filter(|connection| connection.enabled) else { continue };
        if silent.contains(&one.connection) {
            continue;
        }
        if let Err(error) = look_up(broker, connection, &one.key, one.person).await {
            tracing::info!(connection = %connection.slug, %error, "somebody's groups could not be looked up");
            store::failed(&mut *broker.ctx.db.acquire().await?, &one.connection, &one.key, &error.to_string()).await?;
            silent.push(one.connection);
        }
    }
    Ok(())
}
