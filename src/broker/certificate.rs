//! Our own TLS certificate while we serve: renewed files are taken up without a restart, and the calendar knows their end.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::signal::unix::Signal;

use super::Broker;
use super::expiry::Served;
use crate::web::tls::{Certificate, Reload};

const POLL: Duration = Duration::from_secs(30);

/// Looks every half minute, and at once on SIGHUP, which would end the process if nobody listened. A bad pair is logged and
/// the old certificate stays.
pub async fn follow(certificate: Arc<Certificate>, mut hangup: Signal, broker: Arc<Broker>) {
    loop {
        let now = broker.ctx.now();
        broker.served.store(served(&certificate, broker.served.load_full(), now));
        let _ = tokio::time::timeout(POLL, hangup.recv()).await;
        match certificate.reload_if_changed(broker.ctx.now()) {
            Ok(Reload::Unchanged) => {}
            Ok(Reload::Replaced { not_after }) => tracing::info!(?not_after, "the TLS certificate was replaced"),
            Err(error) => tracing::error!(%error, "the new TLS certificate is not usable; the old one stays"),
        }
    }
}

/// For the calendar and the desk: since when it is shown, and which one was before.
fn served(certificate: &Certificate, known: Option<Arc<Served>>, now: OffsetDateTime) -> Option<Arc<Served>> {
    let (id, not_after) = (certificate.leaf(), certificate.not_after()?);
    match known {
        Some(known) if known.id == id => Some(known),
        known => {
            let previous = known.map(|known| (known.id.clone(), now));
            Some(Arc::new(Served { id, not_after, since: now, previous }))
        }
    }
}
