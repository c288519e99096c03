//! An identity provider's metadata (SAML metadata §2): the few things of it that a connection needs, read from whatever
//! shape the product writes. Whether new certificates are believed is the caller's decision.

use roxmltree::{Document, Node};
use time::{Duration, OffsetDateTime};

use super::certificate::TrustedCertificate;
use super::engine::XmlSignatureEngine;
use super::prescan::{self, METADATA};
use super::refusal::{Refusal, refuse};
use super::verify::unpanicked;
use super::xml::{self, DS, MD};
use super::{instant, shape, signature_rules, trust};
use crate::upstream::quoted::quoted;

const SAML2: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    Redirect,
    Post,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub binding: Binding,
    pub location: String,
    /// Where answers go, if elsewhere.
    pub response_location: Option<String>,
}

#[derive(Clone, Debug)]
pub struct IdpMetadata {
    pub entity_id: String,
    /// At least one.
    pub single_sign_on: Vec<Endpoint>,
    pub single_logout: Vec<Endpoint>,
    /// Usable for signatures, at least one, in the document's order.
    pub signing_certificates: Vec<TrustedCertificate>,
    /// Why others were left out, a sentence each.
    pub unusable_certificates: Vec<String>,
    pub name_id_formats: Vec<String>,
    pub want_authn_requests_signed: bool,
    /// The earliest on the way from the root to the role. Past: the caller warns and goes on with what it has.
    pub valid_until: Option<OffsetDateTime>,
    /// The shortest one; how often the provider wants to be asked.
    pub cache_duration: Option<Duration>,
    /// The pinned certificate under which the document's signature holds, if one was asked for.
    pub signed_by_sha256: Option<String>,
}

/// Who must have signed the metadata.
#[derive(Clone, Copy)]
pub struct MetadataSigner<'a> {
    pub engine: &'a dyn XmlSignatureEngine,
    pub certificates: &'a [TrustedCertificate],
}

/// `entity_id` chooses among several; without it the document must describe one identity provider.
///
/// # Errors
/// Those of the pre-scan; `entity_missing`, `idp_role_missing`, `endpoint_missing`, `no_usable_certificate`; with a
/// signer also `not_signed` and everything about signatures.
pub fn read_idp_metadata(
    bytes: &[u8],
    entity_id: Option<&str>,
    signer: Option<MetadataSigner<'_>>,
) -> Result<IdpMetadata, Refusal> {
    unpanicked(|| {
        // editors and ADFS begin files with a byte order mark
        let text = prescan::utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), &METADATA)?;
        match signer {
            None => read(&prescan::parse(text, &METADATA)?, entity_id),
            Some(signer) => {
                let verified = verified(text, signer)?;
                let metadata = read(&prescan::parse(&verified.bytes, &METADATA)?, entity_id)?;
                Ok(IdpMetadata { signed_by_sha256: Some(verified.signed_by_sha256), ..metadata })
            }
        }
    })
}

fn verified(text: &str, signer: MetadataSigner<'_>) -> Result<trust::Verified, Refusal> {
    let document = prescan::parse(text, &METADATA)?;
    let root = document.root_element();
    shape::unique_ids(&document)?;
    let Some(signature) = shape::signature_of(root) else {
        return refuse("not_signed", "the metadata is not signed");
    };
    shape::only_these_signatures(&document, &[Some(signature)])?;
    let id = shape::id(root)?;
    let facts = signature_rules::check(signature, id)?;
    let verified = trust::verify(signer.engine, text, &[&facts], signer.certificates)?;
    if prescan::parse(&verified.bytes, &METADATA)?.root_element().attribute("ID") != Some(id) {
        return refuse("verified_bytes", "what the signature covers is not the metadata");
    }
    Ok(verified)
}

fn read(document: &Document<'_>, entity_id: Option<&str>) -> Result<IdpMetadata, Refusal> {
    let entity = entity(document, entity_id)?;
    let name = entity.attribute("entityID").unwrap_or_default().to_owned();
    let Some(role) = role(entity) else {
        return refuse("idp_role_missing", format!("{} has no IDPSSODescriptor for SAML 2.0", quoted(&name, 200)));
    };
    let single_sign_on = endpoints(role, "SingleSignOnService");
    if single_sign_on.is_empty() {
        return refuse("endpoint_missing", "no SingleSignOnService for HTTP-Redirect or HTTP-POST at an http(s) URL");
    }
    let (signing_certificates, unusable_certificates) = certificates(role);
    if signing_certificates.is_empty() {
        let why =
            if unusable_certificates.is_empty() { "there is none".into() } else { unusable_certificates.join("; ") };
        return refuse("no_usable_certificate", format!("no certificate could verify a signature: {why}"));
    }
    let mut valid_until: Option<OffsetDateTime> = None;
    let mut cache_duration: Option<Duration> = None;
    for node in role.ancestors().filter(Node::is_element) {
        let until = instant::attribute(node, "validUntil")?;
        valid_until = valid_until.into_iter().chain(until).min();
        // an unreadable one is a wish not understood, no reason to lose the provider
        let cache = node.attribute("cacheDuration").and_then(instant::duration);
        cache_duration = cache_duration.into_iter().chain(cache).min();
    }
    Ok(IdpMetadata {
        entity_id: name,
        single_sign_on,
        single_logout: endpoints(role, "SingleLogoutService"),
        signing_certificates,
        unusable_certificates,
        name_id_formats: xml::children(role, MD, "NameIDFormat").map(xml::trimmed).collect(),
        want_authn_requests_signed: matches!(role.attribute("WantAuthnRequestsSigned"), Some("true" | "1")),
        valid_until,
        cache_duration,
        signed_by_sha256: None,
    })
}

fn role<'a, 'i: 'a>(entity: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    let speaks = |role: &Node<'_, '_>| {
        role.attribute("protocolSupportEnumeration").is_some_and(|list| list.split_whitespace().any(|uri| uri == SAML2))
    };
    xml::children(entity, MD, "IDPSSODescriptor").find(speaks)
}

fn entity<'a, 'i>(document: &'a Document<'i>, entity_id: Option<&str>) -> Result<Node<'a, 'i>, Refusal> {
    // where the schema has them: one that an entity carries in its Extensions describes nobody
    let in_place = |node: &Node<'_, '_>| {
        node.ancestors().skip(1).filter(Node::is_element).all(|parent| xml::is(parent, MD, "EntitiesDescriptor"))
    };
    let entities: Vec<_> = document
        .descendants()
        .filter(|node| xml::is(*node, MD, "EntityDescriptor") && in_place(node))
        .filter(|node| match entity_id {
            Some(wanted) => node.attribute("entityID") == Some(wanted),
            None => true,
        })
        .collect();
    // an aggregate may have the same entity twice, as provider and as consumer
    let providers: Vec<_> = entities.iter().copied().filter(|entity| role(*entity).is_some()).collect();
    match (&entities[..], &providers[..]) {
        (_, [one]) | ([one], []) => Ok(*one),
        ([], _) => match entity_id {
            Some(wanted) => refuse("entity_missing", format!("the metadata does not describe {}", quoted(wanted, 200))),
            None => refuse("entity_missing", "the document is not SAML metadata: it has no EntityDescriptor"),
        },
        (_, []) => refuse("idp_role_missing", "no entity of the metadata has an IDPSSODescriptor for SAML 2.0"),
        (_, several) => {
            let names = several.iter().take(5).filter_map(|entity| entity.attribute("entityID"));
            let names = names.map(|name| quoted(name, 100)).collect::<Vec<_>>().join(", ");
            let count = several.len();
            refuse("entity_missing", format!("the metadata describes {count} providers ({names} ..); name one"))
        }
    }
}

fn endpoints(role: Node<'_, '_>, name: &'static str) -> Vec<Endpoint> {
    let url = |value: Option<&str>| value.map(str::trim).filter(|url| is_http(url)).map(str::to_owned);
    xml::children(role, MD, name)
        .filter_map(|node| {
            let binding = match node.attribute("Binding")?.rsplit(':').next()? {
                "HTTP-Redirect" => Binding::Redirect,
                "HTTP-POST" => Binding::Post,
                _ => return None,
            };
            let response_location = url(node.attribute("ResponseLocation"));
            Some(Endpoint { binding, location: url(node.attribute("Location"))?, response_location })
        })
        .collect()
}

/// A browser will be sent there: never `javascript:`.
fn is_http(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

/// A KeyDescriptor without `use` is for both uses (SAML metadata §2.4.1.1). Several certificates in one are all read.
fn certificates(role: Node<'_, '_>) -> (Vec<TrustedCertificate>, Vec<String>) {
    let (mut usable, mut unusable) = (Vec::<TrustedCertificate>::new(), Vec::new());
    let signing = xml::children(role, MD, "KeyDescriptor").filter(|key| key.attribute("use") != Some("encryption"));
    for node in signing.flat_map(|key| key.descendants()).filter(|node| xml::is(*node, DS, "X509Certificate")) {
        match TrustedCertificate::from_text(&xml::text(node)) {
            Ok(certificate) if usable.iter().any(|known| known.sha256() == certificate.sha256()) => {}
            Ok(certificate) => usable.push(certificate),
            Err(error) => unusable.push(error.to_string()),
        }
    }
    (usable, unusable)
}
