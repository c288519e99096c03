//! Drift watch: whether OpenID providers still say what they said, and which keys they publish. Looked for all the time,
//! one replica for each connection and hour. What a change means is decided by [`crate::connection::version`]. SAML metadata
//! is read by a clock of its own ([`crate::metadata`]).

use std::sync::Arc;

use time::Duration;

use crate::broker::Broker;
use crate::connection::version::{self, Document};
use crate::connection::{self, Connection, OidcSettings, Protocol};
use crate::upstream::UpstreamError;

const EVERY: Duration = Duration::hours(1);
/// Between one look for whose turn it is and the next.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(60);

/// A provider that does not answer is the business of others, and looked at again in an hour.
///
/// # Errors
/// the database's.
pub async fn look(broker: &Broker) -> Result<(), sqlx::Error> {
    let catalog = broker.catalog.load_full();
    let not_due = version::store::not_due(&mut *broker.ctx.db.acquire().await?, broker.ctx.now()).await?;
    for connection in catalog.connections().iter().filter(|one| one.enabled) {
        if let Protocol::Oidc(settings) = &connection.protocol
            && !not_due.contains(&(connection.id.to_string(), settings.issuer.clone()))
        {
            look_at(broker, connection, settings).await?;
        }
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

async fn look_at(broker: &Broker, connection: &Connection, settings: &OidcSettings) -> Result<(), sqlx::Error> {
    let (ctx, now) = (&broker.ctx, broker.ctx.now());
    let (id, source) = (&connection.id, &settings.issuer);
    if !version::store::take_turn(&mut *ctx.db.acquire().await?, id, source, now, now + EVERY).await? {
        return Ok(());
    }
    if settings.endpoints.is_none() {
        match broker.upstreams.surface(ctx, settings).await {
            Ok(surface) => {
                version::blocked::over(&mut *ctx.db.acquire().await?, connection, now).await?;
                version::seen(ctx, &connection.slug, source, &Document::Discovery(surface)).await?;
            }
            Err(error) => {
                tracing::info!(connection = %connection.slug, %error, "the discovery document could not be looked at");
                if let UpstreamError::Misconfigured { reason: "discovery_issuer_mismatch", detail } = &error {
                    version::blocked::seen(ctx, connection, source, detail).await?;
                }
            }
        }
    }
    // what was approved just now is in the database, not yet in memory
    let current = connection::store::by_slug(&mut *ctx.db.acquire().await?, &connection.slug).await?;
    let Some(address) = current.as_ref().and_then(version::keys::address) else { return Ok(()) };
    match broker.upstreams.key_names(ctx, address).await {
        Ok(keys) => version::seen(ctx, &connection.slug, address, &Document::Keys(keys)).await,
        Err(error) => {
            tracing::info!(connection = %connection.slug, %error, "the provider's keys could not be looked at");
            Ok(())
        }
    }
}
