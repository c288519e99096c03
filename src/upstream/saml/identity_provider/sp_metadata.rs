//! A service provider's metadata (SAML metadata §2.4.4), read by who answers it.

use roxmltree::Node;

use crate::upstream::saml::certificate::TrustedCertificate;
use crate::upstream::saml::prescan::{self, METADATA};
use crate::upstream::saml::refusal::{Refusal, refuse};
use crate::upstream::saml::verify::unpanicked;
use crate::upstream::saml::xml::{self, DS, MD};

/// Who asks, as its metadata has it.
#[derive(Clone, Debug)]
pub struct ServiceProvider {
    pub entity_id: String,
    /// Where answers may go; the default one first.
    pub acs_urls: Vec<String>,
    /// Of HTTP-Redirect.
    pub slo_url: Option<String>,
    pub signs_requests: bool,
    pub signing_certificates: Vec<TrustedCertificate>,
    pub encryption_certificates: Vec<TrustedCertificate>,
}

/// The caller has the document from an address that it trusts; its signature is not asked for.
///
/// # Errors
/// Those of the pre-scan; `entity_missing`, `endpoint_missing`.
pub fn read_sp_metadata(bytes: &[u8]) -> Result<ServiceProvider, Refusal> {
    unpanicked(|| {
        let text = prescan::utf8(bytes, &METADATA)?;
        let document = prescan::parse(text, &METADATA)?;
        let entity = document.root_element();
        let role = xml::child(entity, MD, "SPSSODescriptor").filter(|_| xml::is(entity, MD, "EntityDescriptor"));
        let (Some(entity_id), Some(role)) = (entity.attribute("entityID"), role) else {
            return refuse("entity_missing", "the document does not describe a service provider");
        };
        let mut acs_urls = locations(role, "AssertionConsumerService", "HTTP-POST");
        acs_urls.sort_by_key(|(_, default)| !default);
        if acs_urls.is_empty() {
            return refuse("endpoint_missing", "no AssertionConsumerService for HTTP-POST");
        }
        Ok(ServiceProvider {
            entity_id: entity_id.to_owned(),
            acs_urls: acs_urls.into_iter().map(|(url, _)| url).collect(),
            slo_url: locations(role, "SingleLogoutService", "HTTP-Redirect").into_iter().map(|(url, _)| url).next(),
            signs_requests: role.attribute("AuthnRequestsSigned") == Some("true"),
            signing_certificates: certificates(role, "encryption"),
            encryption_certificates: certificates(role, "signing"),
        })
    })
}

fn locations(role: Node<'_, '_>, name: &'static str, binding: &str) -> Vec<(String, bool)> {
    xml::children(role, MD, name)
        .filter(|node| node.attribute("Binding").is_some_and(|found| found.ends_with(binding)))
        .filter_map(|node| Some((node.attribute("Location")?.to_owned(), node.attribute("isDefault") == Some("true"))))
        .collect()
}

/// Of every key that is not for the `other` use alone.
fn certificates(role: Node<'_, '_>, other: &str) -> Vec<TrustedCertificate> {
    xml::children(role, MD, "KeyDescriptor")
        .filter(|key| key.attribute("use") != Some(other))
        .flat_map(|key| key.descendants())
        .filter(|node| xml::is(*node, DS, "X509Certificate"))
        .filter_map(|node| TrustedCertificate::from_text(&xml::text(node)).ok())
        .collect()
}
