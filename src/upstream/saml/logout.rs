//! Single logout (SAML core §3.7): what we send, and the reading of what comes. A logout message without a signature is
//! nobody's.

use roxmltree::Document;
use time::{Duration, OffsetDateTime};

use super::certificate::TrustedCertificate;
use super::conditions;
use super::engine::XmlSignatureEngine;
use super::name_id::{self, NameId};
use super::prescan::{self, LOGOUT};
use super::redirect::{self, MessageKind, RedirectMessage};
use super::refusal::{Refusal, refuse};
use super::request::{PostForm, post_form};
use super::sp_key::SpKey;
use super::verify::unpanicked;
use super::xml::{self, SAML, SAMLP};
use super::xml_writer::Element;
use super::{instant, shape, signature_rules, trust};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const PARTIAL: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";

/// What both messages have.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// From [`super::new_id`].
    pub id: &'a str,
    pub issue_instant: OffsetDateTime,
    /// Our entity id.
    pub issuer: &'a str,
    /// The identity provider's SLO URL (for responses its response URL).
    pub destination: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub enum LogoutMessage<'a> {
    /// End this person's sessions. The name as it was received; after `not_on_or_after` it means nothing.
    Request { name_id: &'a NameId, session_indexes: &'a [String], not_on_or_after: OffsetDateTime },
    /// The answer to the request `in_response_to`: whether every session of ours ended.
    Response { in_response_to: &'a str, success: bool },
}

impl LogoutMessage<'_> {
    /// HTTP-Redirect, signed.
    pub fn redirect_url(&self, header: &Header<'_>, relay_state: Option<&str>, key: &SpKey) -> String {
        redirect::url(header.destination, self.kind(), &self.element(header).write(), relay_state, Some(key))
    }

    /// HTTP-POST, signed.
    pub fn post_form(&self, header: &Header<'_>, relay_state: Option<&str>, key: &SpKey) -> PostForm {
        post_form(header.destination, self.kind(), self.element(header), relay_state, Some(key))
    }

    fn kind(&self) -> MessageKind {
        match self {
            Self::Request { .. } => MessageKind::Request,
            Self::Response { .. } => MessageKind::Response,
        }
    }

    pub(super) fn element(&self, header: &Header<'_>) -> Element {
        let headed = |name| {
            Element::new(name)
                .attribute("ID", header.id)
                .attribute("Version", "2.0")
                .attribute("IssueInstant", instant::write(header.issue_instant))
                .attribute("Destination", header.destination)
                .child(Element::new("saml:Issuer").text(header.issuer))
        };
        match self {
            // the schema's order: NameID, then SessionIndex
            Self::Request { name_id, session_indexes, not_on_or_after } => headed("samlp:LogoutRequest")
                .attribute("NotOnOrAfter", instant::write(*not_on_or_after))
                .child(name_id_element(name_id))
                .children(session_indexes.iter().map(|index| Element::new("samlp:SessionIndex").text(index))),
            Self::Response { in_response_to, success } => {
                let code = |value: &str| Element::new("samlp:StatusCode").attribute("Value", value);
                let code = if *success { code(SUCCESS) } else { code(RESPONDER).child(code(PARTIAL)) };
                headed("samlp:LogoutResponse")
                    .attribute("InResponseTo", *in_response_to)
                    .child(Element::new("samlp:Status").child(code))
            }
        }
    }
}

fn name_id_element(name_id: &NameId) -> Element {
    Element::new("saml:NameID")
        .attribute_if("Format", name_id.format.as_deref())
        .attribute_if("NameQualifier", name_id.name_qualifier.as_deref())
        .attribute_if("SPNameQualifier", name_id.sp_name_qualifier.as_deref())
        .text(&name_id.value)
}

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub enum Carried<'a> {
    /// The form's field; RelayState is another field and not signed.
    Post { base64: &'a str },
    /// The query string as received, not decoded.
    Redirect { raw_query: &'a str },
}

#[derive(Clone, Copy)]
pub struct LogoutInput<'a> {
    pub carried: Carried<'a>,
    pub idp_entity_id: &'a str,
    pub certificates: &'a [TrustedCertificate],
    /// Where it was received.
    pub destination: &'a str,
    pub now: OffsetDateTime,
    pub skew: Duration,
}

/// A verified logout request. Its id goes to the replay table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedLogoutRequest {
    pub id: String,
    pub name_id: NameId,
    /// Empty: every session of that name.
    pub session_indexes: Vec<String>,
    /// Of the redirect binding, where the signature covers it.
    pub relay_state: Option<String>,
}

/// A verified answer to a logout request of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedLogoutResponse {
    pub id: String,
    /// Whether the identity provider says that every session ended.
    pub complete: bool,
    pub relay_state: Option<String>,
}

/// # Errors
/// [`Refusal`].
pub fn verify_logout_request(
    input: &LogoutInput<'_>,
    engine: &dyn XmlSignatureEngine,
) -> Result<ReceivedLogoutRequest, Refusal> {
    unpanicked(|| {
        let (bytes, relay_state) = verified(input, "LogoutRequest", MessageKind::Request, engine)?;
        let document = prescan::parse(&bytes, &LOGOUT)?;
        let request = message(&document, "LogoutRequest", input)?;
        if let Some(until) = instant::attribute(request, "NotOnOrAfter")?
            && input.now >= until + input.skew
        {
            return refuse("expired", format!("the logout request was valid until {until}"));
        }
        Ok(ReceivedLogoutRequest {
            id: shape::id(request)?.to_owned(),
            name_id: name_id::read(request)?,
            session_indexes: xml::children(request, SAMLP, "SessionIndex").map(xml::trimmed).collect(),
            relay_state,
        })
    })
}

/// # Errors
/// [`Refusal`]; `status` only when there is none: a partial logout is an answer.
pub fn verify_logout_response(
    input: &LogoutInput<'_>,
    expected_request_id: &str,
    engine: &dyn XmlSignatureEngine,
) -> Result<ReceivedLogoutResponse, Refusal> {
    unpanicked(|| {
        let (bytes, relay_state) = verified(input, "LogoutResponse", MessageKind::Response, engine)?;
        let document = prescan::parse(&bytes, &LOGOUT)?;
        let response = message(&document, "LogoutResponse", input)?;
        if response.attribute("InResponseTo") != Some(expected_request_id) {
            let found = response.attribute("InResponseTo");
            return conditions::mismatch("in_response_to", "InResponseTo", found, expected_request_id);
        }
        let Some(status) = xml::child(response, SAMLP, "Status").and_then(|s| xml::child(s, SAMLP, "StatusCode"))
        else {
            return refuse("status", "the logout response has no status");
        };
        let partial = xml::child(status, SAMLP, "StatusCode").is_some_and(|c| c.attribute("Value") == Some(PARTIAL));
        let complete = status.attribute("Value") == Some(SUCCESS) && !partial;
        Ok(ReceivedLogoutResponse { id: shape::id(response)?.to_owned(), complete, relay_state })
    })
}

/// The bytes that a signature covers: by POST the engine's, by redirect all of them.
fn verified(
    input: &LogoutInput<'_>,
    name: &'static str,
    kind: MessageKind,
    engine: &dyn XmlSignatureEngine,
) -> Result<(String, Option<String>), Refusal> {
    match input.carried {
        Carried::Redirect { raw_query } => {
            let message = RedirectMessage::parse(raw_query, kind)?;
            message.verify(input.certificates)?;
            let xml = message.xml()?;
            let text = prescan::utf8(&xml, &LOGOUT)?;
            let document = prescan::parse(text, &LOGOUT)?;
            let root = root(&document, name)?;
            // §3.4.4.1: an XML signature has no place here; one by the sender's own library is not looked at
            shape::only_these_signatures(&document, &[shape::signature_of(root)])?;
            Ok((text.to_owned(), message.relay_state()?))
        }
        Carried::Post { base64 } => {
            let xml = prescan::decode(base64, &LOGOUT)?;
            let text = prescan::utf8(&xml, &LOGOUT)?;
            let document = prescan::parse(text, &LOGOUT)?;
            let root = root(&document, name)?;
            let id = shape::id(root)?;
            let Some(signature) = shape::signature_of(root) else {
                return refuse("not_signed", format!("the {name} is not signed"));
            };
            shape::only_these_signatures(&document, &[Some(signature)])?;
            let facts = signature_rules::check(signature, id)?;
            let bytes = trust::verify(engine, text, &[&facts], input.certificates)?.bytes;
            let document = prescan::parse(&bytes, &LOGOUT)?;
            if shape::id(self::root(&document, name)?)? != id {
                return refuse("verified_bytes", "what the signature covers is another message");
            }
            drop(document);
            Ok((bytes, None))
        }
    }
}

fn root<'a, 'i>(document: &'a Document<'i>, name: &'static str) -> Result<roxmltree::Node<'a, 'i>, Refusal> {
    let root = document.root_element();
    if !xml::is(root, SAMLP, name) {
        return refuse("root", format!("the document is not a SAML 2.0 {name}"));
    }
    shape::version(root)?;
    shape::unique_ids(document)?;
    Ok(root)
}

/// What every verified message must say about itself.
fn message<'a, 'i>(
    document: &'a Document<'i>,
    name: &'static str,
    input: &LogoutInput<'_>,
) -> Result<roxmltree::Node<'a, 'i>, Refusal> {
    let root = root(document, name)?;
    let [issuer] = xml::children(root, SAML, "Issuer").collect::<Vec<_>>()[..] else {
        return refuse("issuer", format!("the {name} does not name one issuer"));
    };
    conditions::issuer(issuer, input.idp_entity_id)?;
    if root.attribute("Destination") != Some(input.destination) {
        let found = root.attribute("Destination");
        return conditions::mismatch("destination", "Destination", found, input.destination);
    }
    conditions::issue_instant(root, input.now, input.skew)?;
    Ok(root)
}
