//! What ends by itself, of connections and of clients, in words that an operator acts on.

use time::{Duration, OffsetDateTime};

use crate::admin::frame::segment;
use crate::admin::when::When;
use crate::broker::catalog::Catalog;
use crate::broker::expiry::Expiry;
use crate::client::Client;
use crate::connection::Connection;

/// Long enough for a change that two organisations must agree on.
const SOON: Duration = Duration::days(30);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The connection's or the client's name.
    pub whose: String,
    /// Its page, below the issuer.
    pub path: String,
    /// `client secret`, `SAML certificate`.
    pub what: &'static str,
    pub at: When,
    /// What will be used then is there already.
    pub succeeded: bool,
    /// What happens, and what to do.
    pub advice: &'static str,
}

impl Ending {
    /// Somebody has to do something about it, and soon.
    pub fn is_pressing(&self) -> bool {
        !self.succeeded && self.at.is_within(SOON)
    }
}

/// Everything with an end, in no order.
pub fn all(catalog: &Catalog, now: OffsetDateTime) -> Vec<Ending> {
    let upstream = catalog.expiries().filter_map(|expiry| {
        let connection = catalog.connection(expiry.connection).filter(|connection| connection.enabled)?;
        Some(of_connection(&connection, &expiry, now))
    });
    let downstream = catalog.clients().filter(|client| client.enabled).filter_map(|client| of_client(client, now));
    upstream.chain(downstream).collect()
}

fn of_connection(connection: &Connection, expiry: &Expiry<'_>, now: OffsetDateTime) -> Ending {
    let certificates = || connection.certificates.iter().filter(|one| one.is_usable());
    let keys = || connection.credentials.iter().filter(|one| one.public.is_some() && one.state.is_published());
    let (what, succeeded, advice) = match expiry.kind {
        "saml_idp_certificate" => (
            "SAML certificate",
            certificates().any(|one| one.id.as_str() != expiry.id && one.not_after > expiry.at),
            "Ask the provider for its next certificate and add it before then; both are trusted side by side.",
        ),
        "saml_metadata" => (
            "SAML metadata",
            false,
            "The provider publishes a new document in time. If it does not, ask there why its metadata stands still.",
        ),
        kind => (
            if kind == "saml_sp_key" { "our SAML key" } else { "our key" },
            keys().any(|one| one.id.as_str() != expiry.id && one.expires_at.is_none_or(|end| end > expiry.at)),
            "Add the next key, let the provider read it, and then let it take over.",
        ),
    };
    Ending {
        whose: connection.display_name.clone(),
        path: format!("/admin/connections/{}", connection.slug),
        what,
        at: When::new(expiry.at, now),
        succeeded,
        advice,
    }
}

/// When the last of its secrets ends: before that another one works.
fn of_client(client: &Client, now: OffsetDateTime) -> Option<Ending> {
    let last = client.secrets.iter().map(|secret| secret.expires_at).reduce(|a, b| Some(a?.max(b?)))??;
    Some(Ending {
        whose: client.name.clone(),
        path: format!("/admin/clients/{}", segment(client.client_id.as_str())),
        what: "client secret",
        at: When::new(last, now),
        succeeded: false,
        advice: "Add a secret, put it into the application, and let the old one end. Without one the application gets no tokens.",
    })
}
