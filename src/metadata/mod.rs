//! Keeping what is known of SAML identity providers fresh: in the background by the clock, and while somebody signs in
//! where there is no metadata yet or a certificate is not known. Owns when a document is fetched and what of it is
//! believed. It does not fetch or read it (`upstream::saml_metadata` does), and stored metadata goes on being used
//! whatever happens here.

mod refresh;
pub mod watch;

pub use refresh::{RefreshError, Refreshed, refresh};

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::broker::Broker;
use crate::connection::metadata::schedule::Why;
use crate::connection::saml::IdpSource;
use crate::connection::{Connection, Protocol};
use crate::upstream::UpstreamError;

/// Somebody wants to sign in: fetches metadata if there is none. `None`: the connection can be used as it is.
///
/// # Errors
/// `Unavailable` when there is none and none can be had.
pub async fn needed(broker: &Broker, connection: &Connection) -> Result<Option<Arc<Connection>>, UpstreamError> {
    if !is_published(connection) || connection.metadata().is_some() {
        return Ok(None);
    }
    let unavailable = |detail: String| UpstreamError::Unavailable { what: "the provider's metadata", detail };
    refreshed(broker, connection, Why::Needed).await.map_err(|error| unavailable(error.to_string()))?;
    broker.reload().await.map_err(|error| unavailable(error.to_string()))?;
    Ok(broker.catalog.load().connection(connection.slug.as_str()))
}

/// The certificates of `tried` did not do. The connection with others, if there are any, now or after its metadata was
/// fetched again, which happens at most once a minute.
pub async fn newer(broker: &Broker, tried: &Connection) -> Option<Arc<Connection>> {
    let other = || {
        let current = broker.catalog.load().connection(tried.slug.as_str())?;
        (current.may_login() && usable(&current) != usable(tried)).then_some(current)
    };
    if let Some(current) = other() {
        return Some(current);
    }
    if !is_published(tried) {
        return None;
    }
    // the refusal that made us look is what counts, not that looking failed
    match refreshed(broker, tried, Why::UnknownCertificate).await {
        Ok(Refreshed::Left { fetched_at }) if fetched_at == tried.metadata().map(|known| known.fetched_at) => {
            return None;
        }
        Ok(_) => {}
        Err(_) => return None,
    }
    if let Err(error) = broker.reload().await {
        tracing::warn!(%error, "the configuration could not be read anew");
    }
    other()
}

/// [`refresh`], counted and logged.
async fn refreshed(broker: &Broker, connection: &Connection, why: Why) -> Result<Refreshed, RefreshError> {
    let slug = connection.slug.as_str();
    let done = refresh(&broker.ctx, connection, why).await;
    match &done {
        Ok(Refreshed::Left { .. }) => {}
        Ok(Refreshed::Unchanged) => broker.metrics.saml_metadata(slug, "unchanged"),
        Ok(Refreshed::Taken(_)) => broker.metrics.saml_metadata(slug, "taken"),
        Err(error) => {
            broker.metrics.saml_metadata(slug, error.outcome());
            tracing::warn!(connection = slug, %error, "the identity provider's metadata could not be refreshed");
        }
    }
    done
}

fn is_published(connection: &Connection) -> bool {
    matches!(&connection.protocol, Protocol::Saml(settings) if matches!(settings.source, IdpSource::MetadataUrl { .. }))
}

fn usable(connection: &Connection) -> BTreeSet<&str> {
    let usable = connection.certificates.iter().filter(|certificate| certificate.is_usable());
    usable.map(|certificate| certificate.sha256.as_str()).collect()
}
