//! The authentication request (SAML core §3.4.1) and the two ways to send a message through a browser.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::enveloped;
use super::instant;
use super::redirect::{self, MessageKind};
use super::sp_key::SpKey;
use super::xml_writer::Element;
use crate::rng::Rng;

pub(super) const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// A message id: an XML NCName with 160 random bits, which nobody can guess.
pub fn new_id(rng: &Rng) -> String {
    format!("_{}", super::certificate::hex(&rng.bytes::<20>()))
}

#[derive(Clone, Debug)]
pub struct AuthnRequest<'a> {
    /// From [`new_id`]; the response must answer it.
    pub id: &'a str,
    pub issue_instant: OffsetDateTime,
    /// Our entity id.
    pub issuer: &'a str,
    /// The identity provider's SSO URL.
    pub destination: &'a str,
    pub acs_url: &'a str,
    /// Ask the person anew, even in a session.
    pub force_authn: bool,
    /// Ask nothing: answer from a session or not at all.
    pub is_passive: bool,
    pub name_id_format: Option<&'a str>,
    /// AuthnContextClassRefs, of which one must be met exactly; empty: no demand.
    pub requested_authn_context: &'a [String],
}

/// A form that the browser posts: to `action`, with these hidden fields. The caller's template escapes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostForm {
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
}

impl AuthnRequest<'_> {
    /// HTTP-Redirect, signed in the query if there is a key.
    pub fn redirect_url(&self, relay_state: Option<&str>, key: Option<&SpKey>) -> String {
        redirect::url(self.destination, MessageKind::Request, &self.element().write(), relay_state, key)
    }

    /// HTTP-POST, signed in the XML if there is a key.
    pub fn post_form(&self, relay_state: Option<&str>, key: Option<&SpKey>) -> PostForm {
        post_form(self.destination, MessageKind::Request, self.element(), relay_state, key)
    }

    pub(super) fn element(&self) -> Element {
        let flag = |set: bool| set.then_some("true");
        let context = (!self.requested_authn_context.is_empty()).then(|| {
            let class = |uri: &String| Element::new("saml:AuthnContextClassRef").text(uri);
            Element::new("samlp:RequestedAuthnContext")
                .attribute("Comparison", "exact")
                .children(self.requested_authn_context.iter().map(class))
        });
        let policy = Element::new("samlp:NameIDPolicy")
            .attribute("AllowCreate", "true")
            .attribute_if("Format", self.name_id_format);
        Element::new("samlp:AuthnRequest")
            .attribute("ID", self.id)
            .attribute("Version", "2.0")
            .attribute("IssueInstant", instant::write(self.issue_instant))
            .attribute("Destination", self.destination)
            .attribute("AssertionConsumerServiceURL", self.acs_url)
            .attribute("ProtocolBinding", POST_BINDING)
            .attribute_if("ForceAuthn", flag(self.force_authn))
            .attribute_if("IsPassive", flag(self.is_passive))
            .child(Element::new("saml:Issuer").text(self.issuer))
            .child(policy)
            .children(context)
    }
}

/// For every message: its first child is the Issuer, after which the signature stands.
pub(super) fn post_form(
    action: &str,
    kind: MessageKind,
    message: Element,
    relay_state: Option<&str>,
    key: Option<&SpKey>,
) -> PostForm {
    let xml = match key {
        Some(key) => enveloped::signed(message, 1, key),
        None => message.write(),
    };
    let mut fields = vec![(kind.parameter(), STANDARD.encode(xml))];
    fields.extend(relay_state.map(|relay_state| ("RelayState", relay_state.to_owned())));
    PostForm { action: action.to_owned(), fields }
}
