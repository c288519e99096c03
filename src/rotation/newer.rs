//! A secret that the provider chose, and that ends the one before at once: for the moment until it is stored here, whoever
//! signs in waits instead of being refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::store;
use crate::broker::Broker;
use crate::connection::secret_driver::Kind;
use crate::connection::{Connection, CredentialKind};

/// As long as the provider's answer may take, and somebody else to find that we died.
const PATIENCE: Duration = Duration::from_secs(12);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The provider refuses the secrets of `tried`. The connection with others, if its rotation has brought any, or does so
/// in a moment.
pub async fn newer(broker: &Broker, tried: &Connection) -> Option<Arc<Connection>> {
    let until = Instant::now() + PATIENCE;
    while replacing(broker, tried).await? && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    if let Err(error) = broker.reload().await {
        tracing::warn!(%error, "the configuration could not be read anew");
    }
    let current = broker.catalog.load().connection(tried.slug.as_str())?;
    (current.may_login() && secrets(&current) != secrets(tried)).then_some(current)
}

/// `None`: no such rotation, or the refusal that made us look is what counts.
async fn replacing(broker: &Broker, tried: &Connection) -> Option<bool> {
    let ctx = &broker.ctx;
    let mut conn = ctx.db.acquire().await.ok()?;
    store::replacing(&mut conn, &tried.id, Kind::Registration.as_str(), ctx.now()).await.ok()?
}

fn secrets(connection: &Connection) -> BTreeSet<&str> {
    let published = |kind| move |one: &&crate::connection::Credential| one.kind() == kind && one.state.is_published();
    let secrets = connection.credentials.iter().filter(published(CredentialKind::ClientSecret));
    secrets.map(|one| one.id.as_str()).collect()
}
