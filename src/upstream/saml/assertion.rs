//! The evidence: an assertion that was verified, and what it says. Read from verified bytes only; nothing but
//! [`super::verify`] makes one.

use std::collections::HashSet;
use std::ops::Deref;

use roxmltree::Node;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::conditions::{self, Accepted};
use super::instant;
use super::name_id::{self, NameId};
use super::refusal::{Refusal, refuse};
use super::xml::{self, SAML, XSI};

/// Evidence of a verified sign-in at a SAML identity provider. It reads like its [`AssertionFacts`] and cannot be made or changed
/// elsewhere.
#[derive(Clone, Debug)]
pub struct VerifiedAssertion(AssertionFacts);

#[derive(Clone, Debug)]
pub struct AssertionFacts {
    /// With the connection, what the replay table remembers.
    pub assertion_id: String,
    pub response_id: String,
    pub issuer: String,
    pub name_id: NameId,
    /// Names of our session at the identity provider, for logout; the one of [`Self::authn_instant`] first.
    pub session_indexes: Vec<String>,
    pub attributes: Vec<Attribute>,
    pub authn_instant: OffsetDateTime,
    pub authn_context_class_ref: Option<String>,
    /// Never accepted again after this and the skew: until then the replay table remembers it.
    pub not_on_or_after: OffsetDateTime,
    pub session_not_on_or_after: Option<OffsetDateTime>,
    /// Lower-case hex of the pinned certificate that vouches.
    pub signed_by_sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub friendly_name: Option<String>,
    pub values: Vec<String>,
}

impl Deref for VerifiedAssertion {
    type Target = AssertionFacts;
    fn deref(&self) -> &AssertionFacts {
        &self.0
    }
}

impl VerifiedAssertion {
    /// The claims that mappings read: attributes by Name and by FriendlyName, always lists, and `name_id`,
    /// `name_id_format`, `session_index` beside them, which no attribute can take the place of. A FriendlyName is a
    /// courtesy: where another attribute bears that word as its Name, the Name counts.
    pub fn claims(&self) -> Value {
        let mut claims = Map::new();
        for attribute in &self.attributes {
            append(&mut claims, &attribute.name, &attribute.values);
        }
        let names: HashSet<&str> = self.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        for attribute in &self.attributes {
            if let Some(friendly) = attribute.friendly_name.as_deref()
                && !names.contains(friendly)
            {
                append(&mut claims, friendly, &attribute.values);
            }
        }
        claims.remove("session_index");
        claims.insert("name_id".into(), self.name_id.value.clone().into());
        claims.insert("name_id_format".into(), self.name_id.format().into());
        if let Some(index) = self.session_indexes.first() {
            claims.insert("session_index".into(), index.clone().into());
        }
        Value::Object(claims)
    }
}

fn append(claims: &mut Map<String, Value>, name: &str, values: &[String]) {
    let list = claims.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.extend(values.iter().cloned().map(Value::String));
    }
}

/// `node` is the assertion in verified bytes, `accepted` what its conditions said.
pub(super) fn read(
    node: Node<'_, '_>,
    accepted: &Accepted<'_, '_>,
    ids: (&str, &str),
    issuer: &str,
    signed_by_sha256: String,
) -> Result<VerifiedAssertion, Refusal> {
    let statement = accepted.authn_statement;
    let Some(authn_instant) = instant::attribute(statement, "AuthnInstant")? else {
        return refuse("authn_statement", "AuthnInstant is missing");
    };
    Ok(VerifiedAssertion(AssertionFacts {
        response_id: ids.0.to_owned(),
        assertion_id: ids.1.to_owned(),
        issuer: issuer.to_owned(),
        name_id: name_id::read(accepted.subject)?,
        session_indexes: session_indexes(node)?,
        attributes: attributes(node)?,
        authn_instant,
        authn_context_class_ref: conditions::context_class(statement),
        not_on_or_after: accepted.not_on_or_after,
        session_not_on_or_after: instant::attribute(statement, "SessionNotOnOrAfter")?,
        signed_by_sha256,
    }))
}

/// They go to the database and come back to the provider at logout.
fn session_indexes(assertion: Node<'_, '_>) -> Result<Vec<String>, Refusal> {
    let statements = xml::children(assertion, SAML, "AuthnStatement");
    let indexes: Vec<_> = statements.filter_map(|statement| statement.attribute("SessionIndex")).collect();
    if indexes.len() > 16 || indexes.iter().any(|index| index.len() > 1024) {
        return refuse("authn_statement", "SessionIndex has more than 1024 bytes, or there are more than 16");
    }
    Ok(indexes.into_iter().map(str::to_owned).collect())
}

/// # Errors
/// `attribute_malformed`.
fn attributes(assertion: Node<'_, '_>) -> Result<Vec<Attribute>, Refusal> {
    let mut out = Vec::new();
    for node in xml::children(assertion, SAML, "AttributeStatement").flat_map(xml::elements) {
        if !xml::is(node, SAML, "Attribute") {
            let hint = "the identity provider encrypts single attributes; let it encrypt the whole assertion";
            return refuse(
                "attribute_malformed",
                format!("an attribute statement holds other than attributes: {hint}"),
            );
        }
        let Some(name) = node.attribute("Name").filter(|name| !name.is_empty()) else {
            return refuse("attribute_malformed", "an attribute has no Name");
        };
        let values = xml::children(node, SAML, "AttributeValue").filter(|value| !nil(*value)).map(value).collect();
        let friendly_name = node.attribute("FriendlyName").filter(|name| !name.is_empty()).map(str::to_owned);
        out.push(Attribute { name: name.to_owned(), friendly_name, values });
    }
    Ok(out)
}

fn nil(value: Node<'_, '_>) -> bool {
    value.attribute((XSI, "nil")).is_some_and(|nil| matches!(nil.trim(), "true" | "1"))
}

/// The text as it stands; of nested elements (eduPersonTargetedID holds a NameID) their text, without the whitespace
/// that only makes them pretty.
fn value(node: Node<'_, '_>) -> String {
    if xml::elements(node).next().is_some() { xml::trimmed(node) } else { xml::text(node) }
}
