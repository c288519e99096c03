//! What ends by itself, in words that an operator acts on.

use time::OffsetDateTime;

use crate::admin::when::When;
use crate::broker::Broker;
use crate::broker::expiry::{Expiry, Kind, Successor};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The name of what it belongs to.
    pub whose: String,
    /// The slug, where it is something that somebody there can renew by a link.
    pub connection: Option<String>,
    /// Where something is done about it, below the issuer.
    pub path: String,
    /// `client secret`, `SAML certificate`.
    pub what: &'static str,
    pub at: When,
    /// What will be used then is there already.
    pub succeeded: bool,
    pressing: bool,
    /// What to do.
    pub advice: &'static str,
}

impl Ending {
    pub fn of(expiry: &Expiry, now: OffsetDateTime) -> Self {
        Self {
            whose: expiry.name.clone(),
            connection: matches!(expiry.kind, Kind::ConnectionSecret | Kind::SamlIdpCertificate)
                .then(|| expiry.owner.clone()),
            path: expiry.path.clone(),
            what: expiry.kind.words(),
            at: When::new(expiry.at, now),
            succeeded: expiry.successor != Successor::Missing,
            pressing: expiry.is_pressing(now),
            advice: expiry.advice(),
        }
    }

    /// Somebody has to do something about it, and soon.
    pub fn is_pressing(&self) -> bool {
        self.pressing
    }
}

/// Everything with an end, the next first.
pub fn all(broker: &Broker) -> Vec<Ending> {
    let now = broker.ctx.now();
    broker.expiries().iter().map(|one| Ending::of(one, now)).collect()
}
