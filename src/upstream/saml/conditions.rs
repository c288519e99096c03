//! Whether a response and its assertion are meant for us, now, as the answer to this request (SAML core §2, SAML
//! profiles §4.1.4). The envelope's part is asked twice: of what came, to refuse early and with a good word, and of what
//! was verified.

use roxmltree::Node;
use time::{Duration, OffsetDateTime};

use super::instant;
use super::refusal::{Refusal, refuse};
use super::verify::ResponseInput;
use super::xml::{self, SAML, SAMLP};
use crate::upstream::quoted::quoted;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// An answer is used at once; an older one lay around somewhere.
const OLDEST: Duration = Duration::minutes(10);

/// What a response says around its assertion. `signed`: whether its own signature was (or will be) verified.
///
/// # Errors
/// `status`, `issuer`, `destination`, `in_response_to`, `issue_instant`, `instant_malformed`.
pub(super) fn envelope(response: Node<'_, '_>, signed: bool, input: &ResponseInput<'_>) -> Result<(), Refusal> {
    status(response)?;
    match xml::child(response, SAML, "Issuer") {
        Some(issuer) => self::issuer(issuer, input.idp_entity_id)?,
        None if signed => return refuse("issuer", "the signed response does not name its issuer"),
        None => {}
    }
    match response.attribute("Destination") {
        Some(found) if found == input.acs_url => {}
        // SAML bindings §3.5.5.2: a signed message must name it
        None if !signed => {}
        found => return mismatch("destination", "Destination", found, input.acs_url),
    }
    in_response_to(response, input.expected_request_id)?;
    issue_instant(response, input.now, input.skew)
}

/// SAML core §3.2.2.2: the nested code and the message say more, in the provider's words.
pub(super) fn status(response: Node<'_, '_>) -> Result<(), Refusal> {
    let codes: Vec<_> =
        xml::children(response, SAMLP, "Status").flat_map(|s| xml::children(s, SAMLP, "StatusCode")).collect();
    let [code] = codes[..] else {
        return refuse("status", "the response has no status");
    };
    let value = |node: Node<'_, '_>| node.attribute("Value").unwrap_or_default().to_owned();
    if value(code) == SUCCESS {
        return Ok(());
    }
    let nested = xml::child(code, SAMLP, "StatusCode").map(value).unwrap_or_default();
    let message = response
        .descendants()
        .find(|node| xml::is(*node, SAMLP, "StatusMessage"))
        .map(xml::trimmed)
        .unwrap_or_default();
    let short = |uri: &str| quoted(uri.rsplit(':').next().unwrap_or_default(), 64);
    let words = [short(&value(code)), short(&nested), quoted(&message, 200)];
    refuse("status", format!("the identity provider answered {}", words.join(" ").trim()))
}

pub(super) fn issuer(issuer: Node<'_, '_>, expected: &str) -> Result<(), Refusal> {
    let found = xml::trimmed(issuer);
    let entity =
        issuer.attribute("Format").is_none_or(|format| format == "urn:oasis:names:tc:SAML:2.0:nameid-format:entity");
    if found == expected && entity && xml::elements(issuer).next().is_none() {
        return Ok(());
    }
    mismatch("issuer", "Issuer", Some(&found), expected)
}

pub(super) fn mismatch<T>(reason: &'static str, what: &str, found: Option<&str>, expected: &str) -> Result<T, Refusal> {
    let found = found.map_or_else(|| "missing".to_owned(), |found| quoted(found, 200));
    refuse(reason, format!("{what} is {found}; it must be {expected}"))
}

fn in_response_to(node: Node<'_, '_>, expected: Option<&str>) -> Result<(), Refusal> {
    match (node.attribute("InResponseTo"), expected) {
        (found, expected) if found == expected => Ok(()),
        (found, Some(expected)) => mismatch("in_response_to", "InResponseTo", found, expected),
        (_, None) => refuse("in_response_to", "InResponseTo is present, but no request of ours was sent"),
    }
}

pub(super) fn issue_instant(node: Node<'_, '_>, now: OffsetDateTime, skew: Duration) -> Result<(), Refusal> {
    let Some(issued) = instant::attribute(node, "IssueInstant")? else {
        return refuse("issue_instant", format!("{} has no IssueInstant", xml::name(node)));
    };
    if issued > now + skew {
        return refuse("issue_instant", format!("issued at {issued}, which is in the future; compare the clocks"));
    }
    if issued < now - OLDEST - skew {
        return refuse("issue_instant", format!("issued at {issued}, more than ten minutes ago"));
    }
    Ok(())
}

/// What the assertion's statements say about the sign-in.
pub(super) struct Accepted<'a, 'i> {
    pub(super) subject: Node<'a, 'i>,
    pub(super) authn_statement: Node<'a, 'i>,
    /// After this (and the skew) the assertion will never be accepted again.
    pub(super) not_on_or_after: OffsetDateTime,
}

/// # Errors
/// `issuer`, `issue_instant`, `subject_count`, `subject_confirmation`, `recipient`, `in_response_to`, `expired`,
/// `not_yet_valid`, `conditions_count`, `audience`, `condition_unknown`, `authn_statement`, `session_expired`,
/// `authn_context`, `instant_malformed`.
pub(super) fn assertion<'a, 'i>(
    assertion: Node<'a, 'i>,
    input: &ResponseInput<'_>,
) -> Result<Accepted<'a, 'i>, Refusal> {
    let [issuer] = xml::children(assertion, SAML, "Issuer").collect::<Vec<_>>()[..] else {
        return refuse("issuer", "the assertion does not name one issuer");
    };
    self::issuer(issuer, input.idp_entity_id)?;
    issue_instant(assertion, input.now, input.skew)?;
    let [subject] = xml::children(assertion, SAML, "Subject").collect::<Vec<_>>()[..] else {
        return refuse("subject_count", "the assertion has no subject, or several");
    };
    let confirmed_until = confirmation(subject, input)?;
    let valid_until = conditions(assertion, input)?;
    let authn_statement = authn_statement(assertion, input)?;
    Ok(Accepted { subject, authn_statement, not_on_or_after: confirmed_until.min(valid_until) })
}

/// One bearer confirmation must hold; if none does, the last one's failing is told. Where several do, the assertion can be
/// used until the last of them ends.
fn confirmation(subject: Node<'_, '_>, input: &ResponseInput<'_>) -> Result<OffsetDateTime, Refusal> {
    let bearers = xml::children(subject, SAML, "SubjectConfirmation").filter(|c| c.attribute("Method") == Some(BEARER));
    let mut last = Refusal::new("subject_confirmation", "the subject has no bearer confirmation");
    let mut holds_until = None;
    for bearer in bearers {
        match bearer_holds(bearer, input) {
            Ok(until) => holds_until = holds_until.max(Some(until)),
            Err(refusal) => last = refusal,
        }
    }
    holds_until.ok_or(last)
}

/// SAML profiles §4.1.4.2.
fn bearer_holds(bearer: Node<'_, '_>, input: &ResponseInput<'_>) -> Result<OffsetDateTime, Refusal> {
    let [data] = xml::children(bearer, SAML, "SubjectConfirmationData").collect::<Vec<_>>()[..] else {
        return refuse("subject_confirmation", "the bearer confirmation has no data");
    };
    if data.attribute("Recipient") != Some(input.acs_url) {
        return mismatch("recipient", "Recipient", data.attribute("Recipient"), input.acs_url);
    }
    if data.attribute("NotBefore").is_some() {
        return refuse("subject_confirmation", "a bearer confirmation must not have NotBefore");
    }
    in_response_to(data, input.expected_request_id)?;
    not_past(data, "SubjectConfirmationData", input)
}

fn not_past(node: Node<'_, '_>, what: &str, input: &ResponseInput<'_>) -> Result<OffsetDateTime, Refusal> {
    match instant::attribute(node, "NotOnOrAfter")? {
        Some(until) if input.now < until + input.skew => Ok(until),
        Some(until) => refuse("expired", format!("{what} was valid until {until}")),
        None => refuse("expired", format!("{what} has no NotOnOrAfter")),
    }
}

fn conditions(assertion: Node<'_, '_>, input: &ResponseInput<'_>) -> Result<OffsetDateTime, Refusal> {
    let [conditions] = xml::children(assertion, SAML, "Conditions").collect::<Vec<_>>()[..] else {
        return refuse("conditions_count", "the assertion has no Conditions, or several");
    };
    if let Some(from) = instant::attribute(conditions, "NotBefore")?
        && from > input.now + input.skew
    {
        return refuse("not_yet_valid", format!("the assertion is valid from {from}; compare the clocks"));
    }
    let until = not_past(conditions, "the assertion", input)?;
    let mut restricted = false;
    for condition in xml::elements(conditions) {
        if xml::is(condition, SAML, "AudienceRestriction") {
            audience(condition, input.sp_entity_id)?;
            restricted = true;
        } else if !xml::is(condition, SAML, "OneTimeUse") && !xml::is(condition, SAML, "ProxyRestriction") {
            // SAML core §2.5.1.1: what is not understood makes the assertion's validity indeterminate
            let name = quoted(xml::name(condition), 64);
            return refuse("condition_unknown", format!("the condition {name} is not understood"));
        }
    }
    if restricted { Ok(until) } else { refuse("audience", "the assertion is not restricted to an audience") }
}

fn audience(restriction: Node<'_, '_>, sp_entity_id: &str) -> Result<(), Refusal> {
    let audiences: Vec<_> = xml::children(restriction, SAML, "Audience").map(xml::trimmed).collect();
    if audiences.iter().any(|audience| audience == sp_entity_id) {
        return Ok(());
    }
    mismatch("audience", "Audience", Some(&audiences.join(", ")), sp_entity_id)
}

fn authn_statement<'a, 'i: 'a>(assertion: Node<'a, 'i>, input: &ResponseInput<'_>) -> Result<Node<'a, 'i>, Refusal> {
    let mut first = None;
    for statement in xml::children(assertion, SAML, "AuthnStatement") {
        if let Some(until) = instant::attribute(statement, "SessionNotOnOrAfter")?
            && input.now >= until + input.skew
        {
            return refuse("session_expired", format!("the session at the identity provider ended at {until}"));
        }
        match instant::attribute(statement, "AuthnInstant")? {
            Some(instant) if instant <= input.now + input.skew => {}
            _ => return refuse("authn_statement", "AuthnInstant is missing or in the future"),
        }
        first = first.or(Some(statement));
    }
    let Some(statement) = first else {
        return refuse("authn_statement", "the assertion does not say that anybody signed in");
    };
    let wanted = &input.policy.requested_authn_context;
    let found = context_class(statement);
    if !wanted.is_empty() && !found.as_ref().is_some_and(|found| wanted.contains(found)) {
        return mismatch("authn_context", "AuthnContextClassRef", found.as_deref(), &wanted.join(" or "));
    }
    Ok(statement)
}

pub(super) fn context_class(statement: Node<'_, '_>) -> Option<String> {
    xml::child(xml::child(statement, SAML, "AuthnContext")?, SAML, "AuthnContextClassRef").map(xml::trimmed)
}
