//! Our metadata (SAML metadata §2.4.4), as an identity provider reads it.

use time::OffsetDateTime;

use super::enveloped::{key_info, signed};
use super::instant;
use super::request::POST_BINDING as POST;
use super::sp_key::SpKey;
use super::xml::SAMLP as PROTOCOL;
use super::xml_writer::Element;

pub(super) const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// Who follows our metadata reads it again after so long (SAML metadata §2.3.2). Keycloak goes by a key that it knows until then.
const CACHE_DURATION: &str = "PT1H";

/// In order of preference: authenticated encryption first.
const ENCRYPTION_METHODS: [&str; 5] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

#[derive(Clone, Debug)]
pub struct SpMetadata<'a> {
    pub entity_id: &'a str,
    pub acs_url: &'a str,
    pub slo_url: Option<&'a str>,
    /// Certificates in DER, active first, then next, which providers learn before it signs, then those that may be put back.
    pub signing_certificates: &'a [&'a [u8]],
    /// Empty: nothing can be encrypted to us.
    pub encryption_certificates: &'a [&'a [u8]],
    pub authn_requests_signed: bool,
    pub want_assertions_signed: bool,
    pub name_id_formats: &'a [&'a str],
    pub valid_until: OffsetDateTime,
}

impl SpMetadata<'_> {
    /// With `sign`, an id from [`super::new_id`] and a key, the document is signed.
    pub fn write(&self, sign: Option<(&str, &SpKey)>) -> String {
        let entity = |id: Option<&str>| {
            Element::new("md:EntityDescriptor")
                .attribute_if("ID", id)
                .attribute("entityID", self.entity_id)
                .attribute("validUntil", instant::write(self.valid_until))
                .attribute("cacheDuration", CACHE_DURATION)
                .child(self.role())
        };
        match sign {
            Some((id, key)) => signed(entity(Some(id)), 0, key),
            None => entity(None).write(),
        }
    }

    fn role(&self) -> Element {
        let key = |usage, der: &&[u8]| Element::new("md:KeyDescriptor").attribute("use", usage).child(key_info(der));
        let encryption = |der| {
            let methods = ENCRYPTION_METHODS.map(|uri| Element::new("md:EncryptionMethod").attribute("Algorithm", uri));
            key("encryption", der).children(methods)
        };
        let service = |name, binding: &str, url: &str| {
            Element::new(name).attribute("Binding", binding).attribute("Location", url)
        };
        let logout = self
            .slo_url
            .into_iter()
            .flat_map(|url| [REDIRECT, POST].map(|binding| service("md:SingleLogoutService", binding, url)));
        // the schema's order: keys, logout, formats, consumers
        Element::new("md:SPSSODescriptor")
            .attribute("AuthnRequestsSigned", self.authn_requests_signed.to_string())
            .attribute("WantAssertionsSigned", self.want_assertions_signed.to_string())
            .attribute("protocolSupportEnumeration", PROTOCOL)
            .children(self.signing_certificates.iter().map(|der| key("signing", der)))
            .children(self.encryption_certificates.iter().map(encryption))
            .children(logout)
            .children(self.name_id_formats.iter().map(|format| Element::new("md:NameIDFormat").text(*format)))
            .child(
                service("md:AssertionConsumerService", POST, self.acs_url)
                    .attribute("index", "0")
                    .attribute("isDefault", "true"),
            )
    }
}
