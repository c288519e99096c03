//! Drift watch: whether OpenID providers still say what they said. Looked for all the time, one replica for each
//! connection and hour. What a change means is decided by [`crate::connection::version`].

use std::sync::Arc;

use time::Duration;

use crate::broker::Broker;
use crate::connection::{Connection, Protocol, version};

const EVERY: Duration = Duration::hours(1);
/// Between one look for whose turn it is and the next.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(60);

/// A provider that does not answer is the business of others, and looked at again in an hour.
///
/// # Errors
/// the database's.
pub async fn look(broker: &Broker) -> Result<(), sqlx::Error> {
    let catalog = broker.catalog.load_full();
    for connection in catalog.connections().iter().filter(|one| one.enabled) {
        look_at(broker, connection).await?;
    }
    Ok(())
}

/// Until the pool is closed. A task of its own: providers that do not answer hold up nobody but each other.
pub async fn run(broker: Arc<Broker>) {
    while broker.pause(PAUSE).await {
        if let Err(error) = look(&broker).await {
            tracing::warn!(%error, "it could not be seen whether providers say something else");
        }
    }
}

async fn look_at(broker: &Broker, connection: &Connection) -> Result<(), sqlx::Error> {
    let (ctx, now) = (&broker.ctx, broker.ctx.now());
    let Protocol::Oidc(settings) = &connection.protocol else { return Ok(()) };
    if settings.endpoints.is_some() {
        return Ok(());
    }
    let source = &settings.issuer;
    let mine =
        version::store::take_turn(&mut *ctx.db.acquire().await?, &connection.id, source, now, now + EVERY).await?;
    if !mine {
        return Ok(());
    }
    match broker.upstreams.surface(ctx, settings).await {
        Ok(surface) => version::seen(ctx, &connection.slug, source, &surface).await,
        Err(error) => {
            tracing::info!(connection = %connection.slug, %error, "the discovery document could not be looked at");
            Ok(())
        }
    }
}
