//! The one entry point for responses, and the order in which they are doubted: bytes, shape, envelope, signature rules,
//! signature, decryption, and then, on verified bytes alone, shape and envelope again and the assertion's conditions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use roxmltree::Node;
use time::{Duration, OffsetDateTime};

use super::assertion::{self, VerifiedAssertion};
use super::certificate::TrustedCertificate;
use super::engine::XmlSignatureEngine;
use super::prescan::{self, RESPONSE};
use super::refusal::{Refusal, refuse};
use super::shape::{self, Body, Shape};
use super::signature_rules;
use super::sp_key::SpKey;
use super::trust::{self, Verified};
use super::{conditions, splice};

/// A response as it came, and everything it must agree with. The connection was chosen by the URL it came to.
#[derive(Clone, Copy)]
pub struct ResponseInput<'a> {
    pub saml_response_base64: &'a str,
    pub idp_entity_id: &'a str,
    /// Pinned by an administrator or by trusted metadata. None means that nobody can sign in.
    pub certificates: &'a [TrustedCertificate],
    pub sp_entity_id: &'a str,
    /// Where it was received: Destination and Recipient.
    pub acs_url: &'a str,
    /// The request of ours that this browser brought back; none only where IdP-initiated login is switched on, and then
    /// the response must not claim to answer one.
    pub expected_request_id: Option<&'a str>,
    /// In the order in which they are tried.
    pub decryption_keys: &'a [&'a SpKey],
    pub policy: &'a Policy,
    pub now: OffsetDateTime,
    /// Between the clocks, usually two minutes.
    pub skew: Duration,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub want_signed: WantSigned,
    pub encryption: Encryption,
    /// AuthnContextClassRefs of which one must be met; empty: any.
    pub requested_authn_context: Vec<String>,
    /// Refuse certificates outside their dates. Off by default: SAML pins keys, and dates lapse unnoticed.
    pub enforce_certificate_dates: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WantSigned {
    Response,
    Assertion,
    #[default]
    Either,
    Both,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    Never,
    #[default]
    Allow,
    Require,
}

/// Takes a millisecond of processor time, up to some hundred for the largest documents: run it on a blocking thread, as
/// many at a time as there are cores.
///
/// # Errors
/// [`Refusal`], with one of the words in the table at the head of [`super`]. It does not panic.
pub fn verify_response(
    input: &ResponseInput<'_>,
    engine: &dyn XmlSignatureEngine,
) -> Result<VerifiedAssertion, Refusal> {
    unpanicked(|| verify(input, engine))
}

/// Whether what came is a response that claims to answer no request. Reads the envelope and believes nothing: good for
/// choosing how to doubt it.
pub fn is_unsolicited(saml_response_base64: &str) -> bool {
    let look = || {
        let bytes = prescan::decode(saml_response_base64, &RESPONSE)?;
        let document = prescan::parse(prescan::utf8(&bytes, &RESPONSE)?, &RESPONSE)?;
        Ok(shape::response(&document)?.response.attribute("InResponseTo").is_none())
    };
    unpanicked(look).unwrap_or(false)
}

/// A panic would be a bug of ours or of a library; it must not be a stranger's lever.
pub(super) fn unpanicked<T>(check: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(check))
        .unwrap_or_else(|_| refuse("internal", "the check of the message failed unexpectedly; please report this"))
}

fn verify(input: &ResponseInput<'_>, engine: &dyn XmlSignatureEngine) -> Result<VerifiedAssertion, Refusal> {
    let bytes = prescan::decode(input.saml_response_base64, &RESPONSE)?;
    let text = prescan::utf8(&bytes, &RESPONSE)?;
    let document = prescan::parse(text, &RESPONSE)?;
    let shape = shape::response(&document)?;
    conditions::envelope(shape.response, shape.response_signature.is_some(), input)?;
    let trusted = usable(input)?;
    match &shape.body {
        Body::Nothing => refuse("assertion_count", "the response has no assertion"),
        Body::Plain(_) => plain(text, &shape, &trusted, input, engine),
        Body::Encrypted(node) => encrypted(text, &shape, *node, &trusted, input, engine),
    }
}

fn usable(input: &ResponseInput<'_>) -> Result<Vec<TrustedCertificate>, Refusal> {
    let in_time = |one: &&TrustedCertificate| {
        !input.policy.enforce_certificate_dates || (one.not_before() <= input.now && input.now < one.not_after())
    };
    let usable: Vec<_> = input.certificates.iter().filter(in_time).cloned().collect();
    if usable.is_empty() {
        return refuse("no_certificate", "the connection has no usable certificate of its identity provider; add one");
    }
    Ok(usable)
}

fn plain(
    text: &str,
    shape: &Shape<'_, '_>,
    trusted: &[TrustedCertificate],
    input: &ResponseInput<'_>,
    engine: &dyn XmlSignatureEngine,
) -> Result<VerifiedAssertion, Refusal> {
    if input.policy.encryption == Encryption::Require {
        return refuse("encryption_missing", "the assertion is not encrypted, and this connection requires it");
    }
    let Body::Plain(assertion) = &shape.body else { return refuse("assertion_count", "no assertion") };
    let (by_response, by_assertion) = (shape.response_signature.is_some(), assertion.signature.is_some());
    signed_enough(by_response, by_assertion, input.policy.want_signed)?;
    let verified = verified(text, shape, trusted, engine)?;
    if by_response {
        from_response(&verified, shape.response_id, input)
    } else {
        from_assertion(&verified, (shape.response_id, assertion.id), input)
    }
}

fn encrypted(
    text: &str,
    shape: &Shape<'_, '_>,
    node: Node<'_, '_>,
    trusted: &[TrustedCertificate],
    input: &ResponseInput<'_>,
    engine: &dyn XmlSignatureEngine,
) -> Result<VerifiedAssertion, Refusal> {
    if input.policy.encryption == Encryption::Never {
        return refuse("encryption_not_allowed", "the assertion is encrypted, and this connection does not allow it");
    }
    let inherited = splice::known_namespaces(node);
    if shape.response_signature.is_none() {
        if matches!(input.policy.want_signed, WantSigned::Response | WantSigned::Both) {
            return refuse("response_not_signed", "the response is not signed");
        }
        let decrypted = splice::decrypted(text, node, &inherited, input.decryption_keys)?;
        return inner(&decrypted, None, trusted, input, engine);
    }
    // a signed response first: nothing of ours is decrypted for a stranger
    let outer = verified(text, shape, trusted, engine)?;
    let document = prescan::parse(&outer.bytes, &RESPONSE)?;
    let signed = verified_shape(&document, shape.response_id)?;
    conditions::envelope(signed.response, true, input)?;
    let Body::Encrypted(encrypted) = signed.body else {
        return refuse("verified_bytes", "what the signature covers has no encrypted assertion");
    };
    let decrypted = splice::decrypted(&outer.bytes, encrypted, &inherited, input.decryption_keys)?;
    inner(&decrypted, Some(&outer), trusted, input, engine)
}

/// The response with its assertion in the clear; `outer` is the proof of the response's own signature, which is gone.
fn inner(
    decrypted: &str,
    outer: Option<&Verified>,
    trusted: &[TrustedCertificate],
    input: &ResponseInput<'_>,
    engine: &dyn XmlSignatureEngine,
) -> Result<VerifiedAssertion, Refusal> {
    let document = prescan::parse(decrypted, &RESPONSE)?;
    let shape = shape::response(&document)?;
    let Body::Plain(assertion) = &shape.body else { return Err(super::decrypt::failed()) };
    signed_enough(outer.is_some(), assertion.signature.is_some(), input.policy.want_signed)?;
    if assertion.signature.is_some() {
        let verified = verified(decrypted, &shape, trusted, engine)?;
        return from_assertion(&verified, (shape.response_id, assertion.id), input);
    }
    let Some(outer) = outer else { return refuse("not_signed", "neither response nor assertion is signed") };
    // the ciphertext stood in verified bytes
    let verified = Verified { bytes: decrypted.to_owned(), signed_by_sha256: outer.signed_by_sha256.clone() };
    from_response(&verified, shape.response_id, input)
}

fn signed_enough(response: bool, assertion: bool, wanted: WantSigned) -> Result<(), Refusal> {
    let refused = |reason, what| refuse(reason, format!("{what} is not signed"));
    match wanted {
        _ if !response && !assertion => refused("not_signed", "neither response nor assertion"),
        WantSigned::Response | WantSigned::Both if !response => refused("response_not_signed", "the response"),
        WantSigned::Assertion | WantSigned::Both if !assertion => refused("assertion_not_signed", "the assertion"),
        _ => Ok(()),
    }
}

/// Every signature of the document, by the rules and then by the engine.
fn verified(
    text: &str,
    shape: &Shape<'_, '_>,
    trusted: &[TrustedCertificate],
    engine: &dyn XmlSignatureEngine,
) -> Result<Verified, Refusal> {
    let mut facts = Vec::new();
    if let Some(signature) = shape.response_signature {
        facts.push(signature_rules::check(signature, shape.response_id)?);
    }
    if let Body::Plain(assertion) = &shape.body
        && let Some(signature) = assertion.signature
    {
        facts.push(signature_rules::check(signature, assertion.id)?);
    }
    trust::verify(engine, text, &facts.iter().collect::<Vec<_>>(), trusted)
}

fn verified_shape<'a, 'i>(document: &'a roxmltree::Document<'i>, response_id: &str) -> Result<Shape<'a, 'i>, Refusal> {
    let shape = shape::response(document)?;
    if shape.response_id != response_id || shape.response_signature.is_some() {
        return refuse("verified_bytes", "what the signature covers is not this response");
    }
    Ok(shape)
}

fn from_response(
    verified: &Verified,
    response_id: &str,
    input: &ResponseInput<'_>,
) -> Result<VerifiedAssertion, Refusal> {
    let document = prescan::parse(&verified.bytes, &RESPONSE)?;
    let shape = verified_shape(&document, response_id)?;
    conditions::envelope(shape.response, true, input)?;
    let Body::Plain(assertion) = shape.body else {
        return refuse("verified_bytes", "what the signature covers has no assertion");
    };
    finish(assertion.node, (shape.response_id, assertion.id), verified, input)
}

fn from_assertion(
    verified: &Verified,
    (response_id, assertion_id): (&str, &str),
    input: &ResponseInput<'_>,
) -> Result<VerifiedAssertion, Refusal> {
    let document = prescan::parse(&verified.bytes, &RESPONSE)?;
    let assertion = shape::assertion(&document)?;
    if assertion.id != assertion_id {
        return refuse("verified_bytes", "what the signature covers is not this assertion");
    }
    finish(assertion.node, (response_id, assertion.id), verified, input)
}

fn finish(
    assertion: Node<'_, '_>,
    ids: (&str, &str),
    verified: &Verified,
    input: &ResponseInput<'_>,
) -> Result<VerifiedAssertion, Refusal> {
    let accepted = conditions::assertion(assertion, input)?;
    assertion::read(assertion, &accepted, ids, input.idp_entity_id, verified.signed_by_sha256.clone())
}
