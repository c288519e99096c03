//! The one shape a response may have: signature wrapping (XSW) lives on documents with two of something. Counting is by
//! local name in any namespace and over the whole tree, so that no other reading of the document can find a second one.

use std::collections::HashSet;

use roxmltree::{Document, Node};

use super::refusal::{Refusal, refuse};
use super::xml::{self, DS, SAML, SAMLP};
use crate::upstream::quoted::quoted;

/// A document of the right shape, not yet believed.
pub(super) struct Shape<'a, 'i> {
    pub(super) response: Node<'a, 'i>,
    pub(super) response_id: &'a str,
    pub(super) response_signature: Option<Node<'a, 'i>>,
    pub(super) body: Body<'a, 'i>,
}

pub(super) enum Body<'a, 'i> {
    Plain(Signed<'a, 'i>),
    Encrypted(Node<'a, 'i>),
    /// As in an answer whose status is an error.
    Nothing,
}

/// An element with an ID, and its signature if it has one.
pub(super) struct Signed<'a, 'i> {
    pub(super) node: Node<'a, 'i>,
    pub(super) id: &'a str,
    pub(super) signature: Option<Node<'a, 'i>>,
}

/// # Errors
/// `root`, `version`, `unexpected_element`, `assertion_count`, `duplicate_id`, `id_missing`, `signature_count`,
/// `signature_position`.
pub(super) fn response<'a, 'i>(document: &'a Document<'i>) -> Result<Shape<'a, 'i>, Refusal> {
    let root = document.root_element();
    if !xml::is(root, SAMLP, "Response") {
        let found = quoted(xml::name(root), 64);
        return refuse("root", format!("the document is a {found}, not a SAML 2.0 Response"));
    }
    version(root)?;
    unique_ids(document)?;
    let body = body(document, root)?;
    let allowed = ["Issuer", "Signature", "Extensions", "Status", "Assertion", "EncryptedAssertion"];
    children_once(root, &allowed)?;
    if let Some(extensions) = xml::child(root, SAMLP, "Extensions") {
        empty_of_saml(extensions)?;
    }
    if let Body::Plain(assertion) = &body {
        version(assertion.node)?;
    }
    let response_signature = signature_of(root);
    let assertion_signature = if let Body::Plain(assertion) = &body { assertion.signature } else { None };
    only_these_signatures(document, &[response_signature, assertion_signature])?;
    Ok(Shape { response: root, response_id: id(root)?, response_signature, body })
}

/// The verified bytes of an assertion: its root, and that there is no second one inside.
pub(super) fn assertion<'a, 'i>(document: &'a Document<'i>) -> Result<Signed<'a, 'i>, Refusal> {
    let root = document.root_element();
    if !xml::is(root, SAML, "Assertion") || count(document, &["Assertion", "EncryptedAssertion"]) != 1 {
        return refuse("verified_bytes", "what the signature covers is not one assertion");
    }
    version(root)?;
    unique_ids(document)?;
    Ok(Signed { node: root, id: id(root)?, signature: None })
}

fn body<'a, 'i>(document: &'a Document<'i>, root: Node<'a, 'i>) -> Result<Body<'a, 'i>, Refusal> {
    let candidates = count(document, &["Assertion", "EncryptedAssertion"]);
    let plain = xml::child(root, SAML, "Assertion");
    let encrypted = xml::child(root, SAML, "EncryptedAssertion");
    match (candidates, plain, encrypted) {
        (0, None, None) => Ok(Body::Nothing),
        (1, Some(node), None) => Ok(Body::Plain(Signed { node, id: id(node)?, signature: signature_of(node) })),
        (1, None, Some(node)) => Ok(Body::Encrypted(node)),
        _ => refuse(
            "assertion_count",
            format!("the document has {candidates} assertions; it must have one, directly in the response"),
        ),
    }
}

fn count(document: &Document<'_>, names: &[&str]) -> usize {
    document.descendants().filter(|node| node.is_element() && names.contains(&xml::name(*node))).count()
}

pub(super) fn version(node: Node<'_, '_>) -> Result<(), Refusal> {
    if node.attribute("Version") == Some("2.0") {
        return Ok(());
    }
    refuse("version", format!("the Version of {} is not 2.0", xml::name(node)))
}

pub(super) fn id<'a>(node: Node<'a, '_>) -> Result<&'a str, Refusal> {
    match node.attribute("ID") {
        // an NCName of sane length; it goes to the database and into the log
        Some(id) if (1..=256).contains(&id.len()) && id.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) => {
            Ok(id)
        }
        _ => refuse("id_missing", format!("{} has no usable ID", xml::name(node))),
    }
}

/// Whichever of the spellings some processor takes for an identifier.
pub(super) fn unique_ids(document: &Document<'_>) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for node in document.descendants().filter(Node::is_element) {
        for attribute in node.attributes().filter(|attribute| attribute.name().eq_ignore_ascii_case("id")) {
            if !seen.insert(attribute.value()) {
                return refuse("duplicate_id", "two elements have the same ID");
            }
        }
    }
    Ok(())
}

/// Each child at most once, of the names and namespaces that belong there.
fn children_once(root: Node<'_, '_>, allowed: &[&str]) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for child in xml::elements(root) {
        let name = xml::name(child);
        let namespace = match name {
            "Issuer" | "Assertion" | "EncryptedAssertion" => SAML,
            "Signature" => DS,
            _ => SAMLP,
        };
        if !allowed.contains(&name) || child.tag_name().namespace() != Some(namespace) {
            return refuse("unexpected_element", format!("the response has a child {}", quoted(name, 64)));
        }
        if !seen.insert(name) {
            let reason = if name == "Signature" { "signature_count" } else { "unexpected_element" };
            return refuse(reason, format!("the response has more than one {name}"));
        }
    }
    Ok(())
}

fn empty_of_saml(extensions: Node<'_, '_>) -> Result<(), Refusal> {
    let ours = |node: &Node<'_, '_>| {
        node.is_element() && node.tag_name().namespace().is_some_and(|ns| [SAML, SAMLP, DS].contains(&ns))
    };
    if extensions.descendants().skip(1).any(|node| ours(&node)) {
        return refuse("unexpected_element", "Extensions hold SAML or signature elements");
    }
    Ok(())
}

pub(super) fn signature_of<'a, 'i>(node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    xml::child(node, DS, "Signature")
}

/// Every element called Signature, in whatever namespace, is one of those that will be checked.
pub(super) fn only_these_signatures(
    document: &Document<'_>,
    expected: &[Option<Node<'_, '_>>],
) -> Result<(), Refusal> {
    for node in document.descendants().filter(|node| node.is_element() && xml::name(*node) == "Signature") {
        if expected.iter().flatten().any(|signature| signature.id() == node.id()) {
            continue;
        }
        let twin = node.parent().and_then(signature_of).is_some_and(|first| {
            first.id() != node.id() && expected.iter().flatten().any(|known| known.id() == first.id())
        });
        return if twin {
            refuse("signature_count", "an element has two signatures")
        } else {
            refuse("signature_position", "a signature stands elsewhere than directly in what it signs")
        };
    }
    Ok(())
}
