//! Puts a decrypted assertion where its ciphertext stood. The text is edited, not a tree: namespaces that the plaintext
//! inherits stay in force, and a signature inside it still holds.

use roxmltree::Node;

use super::decrypt;
use super::prescan::{self, RESPONSE};
use super::refusal::Refusal;
use super::shape::{self, Body};
use super::sp_key::SpKey;
use super::xml::{DS, SAML, SAMLP, XENC, XS, XSI};

/// A prefix and what it stands for.
pub(super) type Namespace = (String, &'static str);

/// The well-known namespaces in scope of the ciphertext as it came, which the plaintext may count on. A signature over
/// canonical bytes does not cover declarations that the signed element itself has no use for, so these may only ever add
/// a known meaning, never replace one.
pub(super) fn known_namespaces(node: Node<'_, '_>) -> Vec<Namespace> {
    let known = [SAML, SAMLP, DS, XENC, XS, XSI];
    node.namespaces()
        .filter_map(|namespace| {
            let uri = known.into_iter().find(|uri| *uri == namespace.uri())?;
            Some((namespace.name()?.to_owned(), uri))
        })
        .collect()
}

/// `text` with the plaintext in place of `encrypted`, an element of it; of `inherited`, what is not declared there is
/// declared at the root. The result has the shape of a response with one assertion, which is the plaintext and nothing
/// else.
///
/// # Errors
/// Those of [`decrypt::assertion`].
pub(super) fn decrypted(
    text: &str,
    encrypted: Node<'_, '_>,
    inherited: &[Namespace],
    keys: &[&SpKey],
) -> Result<String, Refusal> {
    let plaintext = decrypt::assertion(encrypted, keys)?;
    let plaintext = plaintext.trim();
    let range = encrypted.range();
    let root = encrypted.document().root_element();
    let name_end = root.range().start
        + text[root.range().start..].find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or_default();
    let mut out = text[..name_end].to_owned();
    for (prefix, uri) in inherited {
        if root.lookup_namespace_uri(Some(prefix)).is_none() {
            out.push_str(&format!(" xmlns:{prefix}=\"{uri}\""));
        }
    }
    out.push_str(&text[name_end..range.start]);
    let start = out.len();
    out.push_str(plaintext);
    let end = out.len();
    out.push_str(&text[range.end..]);
    // Whatever is wrong with it from here on: the same answer (a padding oracle asks for differences).
    let document = prescan::parse(&out, &RESPONSE).map_err(|_| decrypt::failed())?;
    match shape::response(&document).map_err(|_| decrypt::failed())?.body {
        Body::Plain(assertion) if assertion.node.range() == (start..end) => {}
        _ => return Err(decrypt::failed()),
    }
    drop(document);
    Ok(out)
}
