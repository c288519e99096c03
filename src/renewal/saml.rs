//! What a SAML provider's administrator gives: metadata or a certificate. Of metadata only the certificates are taken, and
//! only if it is about the provider that the connection is bound to.

use time::OffsetDateTime;

use crate::connection::certificate::{Facts, Source};
use crate::connection::saml::IdpSource;
use crate::connection::{Connection, Protocol, SamlSettings};
use crate::ctx::Ctx;
use crate::upstream::saml::{IdpMetadata, Refusal, TrustedCertificate, read_idp_metadata};
use crate::upstream::saml_metadata::{FetchFailure, Fetched, fetch};

/// New ones that one link may bring: a roll-over has one, or one for each of a few servers.
const MOST_NEW: usize = 8;

/// The provider's name that the connection is bound to. `None`: nothing is known of the provider yet.
pub(super) fn entity_id(connection: &Connection) -> Option<String> {
    let Protocol::Saml(settings) = &connection.protocol else { return None };
    settings.entity_id.clone().or_else(|| match &settings.source {
        IdpSource::MetadataUrl { .. } => connection.metadata().map(|known| known.entity_id.clone()),
        IdpSource::Metadata { xml } => Some(read_idp_metadata(xml.as_bytes(), None, None).ok()?.entity_id),
        IdpSource::Manual { .. } => None,
    })
}

/// Certificates from metadata, or one certificate in PEM or base64.
///
/// # Errors
/// what is wrong, for whoever gave it.
pub(super) fn read(connection: &Connection, document: &str) -> Result<Vec<Facts>, String> {
    let document = document.trim_start_matches('\u{feff}').trim();
    if document.starts_with('<') {
        let Some(bound) = entity_id(connection) else {
            return Err("Your provider's name is not known here yet. Give the certificate alone.".into());
        };
        return listed(
            &read_idp_metadata(document.as_bytes(), Some(&bound), None).map_err(|refusal| said(&refusal, &bound))?,
            &bound,
        );
    }
    let certificate = TrustedCertificate::from_text(document)
        .map_err(|error| format!("This is neither metadata nor a certificate that can be used: {error}."))?;
    Ok(vec![Facts::from(&certificate)])
}

/// Certificates from the metadata at this address.
///
/// # Errors
/// as [`read`].
pub(super) async fn fetched(ctx: &Ctx, connection: &Connection, url: &str) -> Result<Vec<Facts>, String> {
    let Protocol::Saml(settings) = &connection.protocol else { return Err("This connection has no metadata.".into()) };
    let Some(bound) = entity_id(connection) else {
        return Err("Your provider's name is not known here yet. Give the certificate alone.".into());
    };
    let settings = SamlSettings { entity_id: Some(bound.clone()), ..settings.clone() };
    match fetch(ctx, &settings, url, None, None).await {
        Ok(Fetched::Document(document)) => listed(&document.metadata, &bound),
        Ok(Fetched::Unchanged) => Err("Nothing could be read there.".into()),
        Err(FetchFailure::Refused(refusal)) => Err(said(&refusal, &bound)),
        Err(FetchFailure::Unreachable(why)) => Err(format!("Nothing could be read there: {why}.")),
    }
}

fn listed(metadata: &IdpMetadata, bound: &str) -> Result<Vec<Facts>, String> {
    if metadata.entity_id != bound {
        return Err(foreign(bound));
    }
    Ok(metadata.certificate_facts())
}

fn foreign(bound: &str) -> String {
    format!(
        "This metadata is not about {bound}, which this connection is bound to. Give the metadata of that provider."
    )
}

fn said(refusal: &Refusal, bound: &str) -> String {
    match refusal.reason {
        "entity_missing" => foreign(bound),
        _ => format!("This metadata cannot be used: {}.", refusal.detail.trim_end_matches('.')),
    }
}

/// Those that are new and can verify an answer.
///
/// # Errors
/// why there is none, or why they are not taken, for whoever gave them.
pub(super) fn wanted(connection: &Connection, listed: Vec<Facts>, now: OffsetDateTime) -> Result<Vec<Facts>, String> {
    let known = |facts: &Facts| connection.certificates.iter().find(|one| one.sha256 == facts.sha256);
    // an operator's word on a certificate is not overruled by somebody without an account
    let ended = |facts: &Facts| known(facts).is_some_and(|one| one.retired.is_some_and(|(_, by)| by == Source::Manual));
    let (living, over): (Vec<_>, Vec<_>) = listed.into_iter().partition(|facts| now < facts.not_after);
    if living.is_empty() && !over.is_empty() {
        return Err("Every certificate in it has expired. Give the new one.".into());
    }
    if living.iter().any(ended) {
        return Err("It names a certificate that was taken out of use here on purpose. Talk to the people who sent you this link.".into());
    }
    let new: Vec<_> = living.into_iter().filter(|facts| !known(facts).is_some_and(|one| one.is_usable())).collect();
    match new.len() {
        0 => Err("Everything in it is trusted here already: there is nothing to renew yet. Come back when your provider has its new certificate.".into()),
        1..=MOST_NEW => Ok(new),
        more => Err(format!("It brings {more} new certificates at once, which no renewal needs. Give the one that comes next.")),
    }
}
