//! The answer to an authentication request (SAML core §3.3.3, SAML profiles §4.1.4.2): an assertion, or why there is none.

use time::{Duration, OffsetDateTime};

use super::encrypt::{EncryptError, encrypted};
use super::{ReceivedAuthnRequest, ServiceProvider};
use crate::rng::Rng;
use crate::upstream::saml::assertion::Attribute;
use crate::upstream::saml::enveloped::sign;
use crate::upstream::saml::instant;
use crate::upstream::saml::name_id::PERSISTENT;
use crate::upstream::saml::redirect::MessageKind;
use crate::upstream::saml::request::{PostForm, new_id, post_form};
use crate::upstream::saml::sp_key::SpKey;
use crate::upstream::saml::xml_writer::Element;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const AUTHN_FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const UNSPECIFIED_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
/// How long an answer may be on its way.
const LIFE: Duration = Duration::minutes(5);

/// Who answers whom. Every answer is signed.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The identity provider's entity id.
    pub issuer: &'a str,
    pub key: &'a SpKey,
    pub to: &'a ServiceProvider,
    pub request: &'a ReceivedAuthnRequest,
    pub now: OffsetDateTime,
    pub rng: &'a Rng,
}

/// Who signed in.
#[derive(Clone, Debug)]
pub struct Person<'a> {
    /// A persistent NameID.
    pub name_id: &'a str,
    pub attributes: Vec<Attribute>,
}

impl Answer<'_> {
    /// A signed assertion about the person, encrypted if the service provider has a certificate for that, in a signed
    /// response.
    ///
    /// # Errors
    /// [`EncryptError`].
    pub fn signed_in(&self, person: &Person<'_>) -> Result<PostForm, EncryptError> {
        let assertion = sign(self.assertion(person), 1, self.key);
        let assertion = match self.to.encryption_certificates.first() {
            Some(certificate) => encrypted(&assertion.write(), certificate, self.rng)?,
            None => assertion,
        };
        Ok(self.form(self.response(code(SUCCESS)).child(assertion)))
    }

    /// The person did not sign in.
    pub fn refused(&self) -> PostForm {
        self.form(self.response(code(RESPONDER).child(code(AUTHN_FAILED))))
    }

    fn form(&self, response: Element) -> PostForm {
        let relay_state = self.request.relay_state.as_deref();
        post_form(&self.request.acs_url, MessageKind::Response, response, relay_state, Some(self.key))
    }

    fn headed(&self, name: &'static str) -> Element {
        Element::new(name)
            .attribute("ID", new_id(self.rng))
            .attribute("Version", "2.0")
            .attribute("IssueInstant", instant::write(self.now))
            .child(Element::new("saml:Issuer").text(self.issuer))
    }

    fn response(&self, status: Element) -> Element {
        self.headed("samlp:Response")
            .attribute("Destination", &self.request.acs_url)
            .attribute("InResponseTo", &self.request.id)
            .child(Element::new("samlp:Status").child(status))
    }

    fn assertion(&self, person: &Person<'_>) -> Element {
        let until = instant::write(self.now + LIFE);
        let confirmation = Element::new("saml:SubjectConfirmationData")
            .attribute("InResponseTo", &self.request.id)
            .attribute("NotOnOrAfter", &until)
            .attribute("Recipient", &self.request.acs_url);
        let subject = Element::new("saml:Subject")
            .child(Element::new("saml:NameID").attribute("Format", PERSISTENT).text(person.name_id))
            .child(Element::new("saml:SubjectConfirmation").attribute("Method", BEARER).child(confirmation));
        let audience = Element::new("saml:Audience").text(&self.to.entity_id);
        let conditions = Element::new("saml:Conditions")
            .attribute("NotBefore", instant::write(self.now))
            .attribute("NotOnOrAfter", until)
            .child(Element::new("saml:AudienceRestriction").child(audience));
        let context =
            Element::new("saml:AuthnContext").child(Element::new("saml:AuthnContextClassRef").text(UNSPECIFIED_CLASS));
        let statement = Element::new("saml:AuthnStatement")
            .attribute("AuthnInstant", instant::write(self.now))
            .attribute("SessionIndex", new_id(self.rng))
            .child(context);
        let attributes = Element::new("saml:AttributeStatement").children(person.attributes.iter().map(attribute));
        self.headed("saml:Assertion").child(subject).child(conditions).child(statement).child(attributes)
    }
}

fn code(value: &str) -> Element {
    Element::new("samlp:StatusCode").attribute("Value", value)
}

/// SAML core §2.7.3.1. Names that are URIs say so (SAML core §8.2.2).
fn attribute(attribute: &Attribute) -> Element {
    let format = if attribute.name.contains(':') { "uri" } else { "basic" };
    let value = |value: &String| Element::new("saml:AttributeValue").text(value);
    Element::new("saml:Attribute")
        .attribute("Name", &attribute.name)
        .attribute("NameFormat", format!("urn:oasis:names:tc:SAML:2.0:attrname-format:{format}"))
        .attribute_if("FriendlyName", attribute.friendly_name.as_deref())
        .children(attribute.values.iter().map(value))
}
