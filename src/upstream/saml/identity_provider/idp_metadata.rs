//! An identity provider's own metadata (SAML metadata §2.4.3).

use crate::upstream::saml::enveloped::{key_info, signed};
use crate::upstream::saml::name_id::PERSISTENT;
use crate::upstream::saml::sp_key::SpKey;
use crate::upstream::saml::sp_metadata::REDIRECT;
use crate::upstream::saml::xml::SAMLP;
use crate::upstream::saml::xml_writer::Element;

/// One key, persistent NameIDs, HTTP-Redirect.
#[derive(Clone, Copy, Debug)]
pub struct IdpDescription<'a> {
    pub entity_id: &'a str,
    pub sso_url: &'a str,
    pub slo_url: &'a str,
    pub key: &'a SpKey,
}

impl IdpDescription<'_> {
    /// Signed. `id` is from [`crate::upstream::saml::new_id`].
    pub fn write(&self, id: &str) -> String {
        let service = |name, url: &str| Element::new(name).attribute("Binding", REDIRECT).attribute("Location", url);
        let role = Element::new("md:IDPSSODescriptor")
            .attribute("WantAuthnRequestsSigned", "true")
            .attribute("protocolSupportEnumeration", SAMLP)
            .child(
                Element::new("md:KeyDescriptor")
                    .attribute("use", "signing")
                    .child(key_info(self.key.certificate_der())),
            )
            .child(service("md:SingleLogoutService", self.slo_url))
            .child(Element::new("md:NameIDFormat").text(PERSISTENT))
            .child(service("md:SingleSignOnService", self.sso_url));
        let entity =
            Element::new("md:EntityDescriptor").attribute("ID", id).attribute("entityID", self.entity_id).child(role);
        signed(entity, 0, self.key)
    }
}
