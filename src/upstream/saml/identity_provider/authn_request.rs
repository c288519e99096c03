//! The authentication request as its receiver checks it: HTTP-Redirect, signed, from a service provider that is known.

use time::{Duration, OffsetDateTime};

use super::ServiceProvider;
use crate::upstream::saml::redirect::{MessageKind, RedirectMessage};
use crate::upstream::saml::refusal::{Refusal, refuse};
use crate::upstream::saml::verify::unpanicked;
use crate::upstream::saml::xml::{self, SAML, SAMLP};
use crate::upstream::saml::{conditions, prescan, shape};

/// What there is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedAuthnRequest {
    pub id: String,
    /// One of the service provider's own.
    pub acs_url: String,
    pub relay_state: Option<String>,
}

/// `destination` is where the request was received, `raw_query` its query string as received.
///
/// # Errors
/// [`Refusal`]: those of the redirect binding and of the signature; `root`, `version`, `id_missing`, `issuer`,
/// `destination`, `issue_instant`, `endpoint_missing`.
pub fn verify_authn_request(
    raw_query: &str,
    from: &ServiceProvider,
    destination: &str,
    now: OffsetDateTime,
    skew: Duration,
) -> Result<ReceivedAuthnRequest, Refusal> {
    unpanicked(|| {
        let message = RedirectMessage::parse(raw_query, MessageKind::Request)?;
        message.verify(&from.signing_certificates)?;
        let bytes = message.xml()?;
        let document = prescan::parse(prescan::utf8(&bytes, &prescan::LOGOUT)?, &prescan::LOGOUT)?;
        let request = document.root_element();
        if !xml::is(request, SAMLP, "AuthnRequest") {
            return refuse("root", "the document is not a SAML 2.0 AuthnRequest");
        }
        shape::version(request)?;
        match xml::child(request, SAML, "Issuer") {
            Some(issuer) => conditions::issuer(issuer, &from.entity_id)?,
            None => return refuse("issuer", "the request does not name its issuer"),
        }
        // SAML bindings §3.4.5.2: a signed message must name it
        if request.attribute("Destination") != Some(destination) {
            let found = request.attribute("Destination");
            return conditions::mismatch("destination", "Destination", found, destination);
        }
        conditions::issue_instant(request, now, skew)?;
        let asked = request.attribute("AssertionConsumerServiceURL");
        let acs_url = from.acs_urls.iter().find(|url| asked.is_none_or(|asked| asked == *url));
        let Some(acs_url) = acs_url.cloned() else {
            return refuse("endpoint_missing", "the answer is to go to an address that the metadata does not have");
        };
        Ok(ReceivedAuthnRequest { id: shape::id(request)?.to_owned(), acs_url, relay_state: message.relay_state()? })
    })
}
