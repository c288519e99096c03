//! Fabrikam's SAML identity provider: three people, one service provider (the broker), no passwords. Strict where a real
//! one is: requests must be signed with a key of the broker's metadata, answers go to an address from there; response and
//! assertion are signed, and the assertion is encrypted to the broker. It has no session, so every visit asks who one is.
//! Its key is kept, for a broker remembers the certificate.

mod endpoint;
mod key;
mod pages;
pub(super) mod people;

use std::time::Duration as Patience;

use actix_web::web::Data;
use time::{Duration, OffsetDateTime};

use super::company::Company;
use super::part::Part;
use super::places::Places;
use super::secrets::Secrets;
use crate::clock::{Clock, SystemClock};
use crate::rng::Rng;
use crate::upstream::saml::identity_provider::{IdpDescription, ServiceProvider, read_sp_metadata};
use crate::upstream::saml::{SpKey, new_id};

/// The broker's connection, as in `resources.yaml`.
pub(super) const SLUG: &str = "fabrikam";
/// Between the broker's clock and ours.
const SKEW: Duration = Duration::minutes(2);

struct Idp {
    company: Company,
    /// Also where its metadata is.
    entity_id: String,
    metadata: String,
    sso_url: String,
    slo_url: String,
    key: SpKey,
    /// Where the broker describes itself.
    broker_metadata: String,
    http: reqwest::Client,
    rng: Rng,
}

impl Idp {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now()
    }

    /// The broker, as it describes itself now: it may have changed its keys.
    ///
    /// # Errors
    /// a sentence for the page.
    async fn broker(&self) -> Result<ServiceProvider, String> {
        let fetch = async || self.http.get(&self.broker_metadata).send().await?.error_for_status()?.bytes().await;
        let bytes = fetch().await.map_err(|error| format!("Avouch's metadata cannot be fetched: {error}"))?;
        read_sp_metadata(&bytes).map_err(|refusal| format!("Avouch's metadata cannot be read: {}", refusal.detail))
    }
}

pub(super) fn start(places: &Places, secrets: &Secrets) -> anyhow::Result<Part> {
    let key = key::open(secrets)?;
    let rng = Rng::default();
    let urls = places.saml_idp.clone();
    let (entity_id, sso_url, slo_url) = (urls.at("/metadata"), urls.at("/sso"), urls.at("/slo"));
    let description = IdpDescription { entity_id: &entity_id, sso_url: &sso_url, slo_url: &slo_url, key: &key };
    let metadata = description.write(&new_id(&rng));
    let idp = Data::new(Idp {
        company: Company {
            name: "Fabrikam",
            party: "fabrikam",
            mark: "M4 3h20v6H11v4h10v6H11v7H4z",
            protocol: "SAML 2.0",
            urls: urls.clone(),
        },
        entity_id,
        metadata,
        sso_url,
        slo_url,
        key,
        broker_metadata: places.broker.sp_metadata(SLUG),
        http: reqwest::Client::builder().timeout(Patience::from_secs(10)).no_proxy().build()?,
        rng,
    });
    let routes = move |app: &mut actix_web::web::ServiceConfig| {
        app.app_data(idp.clone()).configure(endpoint::routes).configure(pages::routes);
    };
    Part::start("the demo SAML identity provider", "--saml-idp-port", places.saml_idp_address(), urls, routes)
}
