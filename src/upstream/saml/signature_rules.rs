//! What a signature may say before it is computed: one reference to its own parent, two transforms, SHA-2. XML Signature
//! can express far more, and each further word of it has been somebody's hole.

use aws_lc_rs::digest::{SHA256, digest};
use roxmltree::Node;

use super::certificate::{KeyKind, hex};
use super::refusal::{Refusal, refuse};
use super::xml::{self, DS, EXC_C14N};
use crate::upstream::quoted::quoted;

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// XML Signature 1.1 §6.4 and RFC 6931; also the `SigAlg` values of the redirect binding.
pub(super) const SIGNATURE_ALGORITHMS: [(&str, KeyKind, Hash); 6] = [
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", KeyKind::Rsa, Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", KeyKind::Rsa, Hash::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", KeyKind::Rsa, Hash::Sha512),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", KeyKind::Ec, Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", KeyKind::Ec, Hash::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", KeyKind::Ec, Hash::Sha512),
];
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// What trust needs to know of a signature that keeps the rules.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) key: KeyKind,
    /// SHA-256 of the certificate in its KeyInfo: a hint for the log, never a key.
    pub(super) embedded_sha256: Option<String>,
    /// The certificate itself, DER. As little a key.
    pub(super) embedded: Option<Vec<u8>>,
}

/// # Errors
/// `signature_child`, `canonicalization`, `signature_algorithm`, `reference_count`, `reference_uri`, `transforms`,
/// `digest_algorithm`.
pub(super) fn check(signature: Node<'_, '_>, parent_id: &str) -> Result<Facts, Refusal> {
    let children: Vec<_> = xml::elements(signature).collect();
    let known = |name| xml::children(signature, DS, name).count();
    let (infos, values, keys) = (known("SignedInfo"), known("SignatureValue"), known("KeyInfo"));
    if infos != 1 || values != 1 || keys > 1 || children.len() != infos + values + keys {
        return refuse("signature_child", "a signature holds other than SignedInfo, SignatureValue and KeyInfo");
    }
    let key = signed_info(children[0], parent_id)?;
    let embedded = embedded(signature);
    let sha256 = embedded.as_deref().map(|der| hex(digest(&SHA256, der).as_ref()));
    Ok(Facts { key, embedded_sha256: sha256, embedded })
}

fn signed_info(info: Node<'_, '_>, parent_id: &str) -> Result<KeyKind, Refusal> {
    let algorithm = |name| xml::child(info, DS, name).and_then(|node| node.attribute("Algorithm")).unwrap_or_default();
    let references: Vec<_> = xml::children(info, DS, "Reference").collect();
    let [reference] = references[..] else {
        return refuse("reference_count", format!("the signature has {} references; one is allowed", references.len()));
    };
    let names: Vec<_> = xml::elements(info).map(xml::name).collect();
    if !xml::is(info, DS, "SignedInfo") || names != ["CanonicalizationMethod", "SignatureMethod", "Reference"] {
        return refuse("signature_child", "SignedInfo does not hold what it should, in order");
    }
    let canonicalization = algorithm("CanonicalizationMethod");
    if canonicalization != EXC_C14N {
        let found = quoted(canonicalization, 128);
        return refuse("canonicalization", format!("canonicalization is {found}; exclusive C14N is allowed"));
    }
    only_prefix_lists(xml::elements(info).next(), "canonicalization")?;
    let method = algorithm("SignatureMethod");
    let Some((_, key, _)) = SIGNATURE_ALGORITHMS.iter().find(|(uri, ..)| *uri == method) else {
        let found = quoted(method, 128);
        return refuse("signature_algorithm", format!("signed with {found}; RSA or ECDSA with SHA-2 is allowed"));
    };
    only_prefix_lists(xml::child(info, DS, "SignatureMethod"), "signature_algorithm")?;
    self::reference(reference, parent_id)?;
    Ok(*key)
}

fn reference(reference: Node<'_, '_>, parent_id: &str) -> Result<(), Refusal> {
    if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(parent_id) {
        return refuse("reference_uri", "the signature does not refer to the element it stands in");
    }
    let names: Vec<_> = xml::elements(reference).map(xml::name).collect();
    if names != ["Transforms", "DigestMethod", "DigestValue"] {
        return refuse("transforms", "a reference does not hold Transforms, DigestMethod and DigestValue");
    }
    let transforms: Vec<_> = xml::child(reference, DS, "Transforms").into_iter().flat_map(xml::elements).collect();
    let algorithms: Vec<_> = transforms.iter().map(|transform| transform.attribute("Algorithm")).collect();
    if algorithms != [Some(ENVELOPED), Some(EXC_C14N)] || transforms.iter().any(|t| !xml::is(*t, DS, "Transform")) {
        return refuse("transforms", "the transforms are not exactly enveloped-signature and exclusive C14N");
    }
    for transform in transforms {
        only_prefix_lists(Some(transform), "transforms")?;
    }
    let digest = xml::child(reference, DS, "DigestMethod").and_then(|node| node.attribute("Algorithm"));
    if !digest.is_some_and(|uri| DIGESTS.contains(&uri)) {
        let found = quoted(digest.unwrap_or_default(), 128);
        return refuse("digest_algorithm", format!("the digest is {found}; SHA-256, -384 or -512 is allowed"));
    }
    Ok(())
}

/// Parameters of an algorithm: only exclusive C14N has one that is harmless.
fn only_prefix_lists(method: Option<Node<'_, '_>>, reason: &'static str) -> Result<(), Refusal> {
    let Some(method) = method else { return refuse(reason, "an algorithm is missing") };
    let harmless = |node: Node<'_, '_>| {
        xml::is(node, EXC_C14N, "InclusiveNamespaces")
            && !node.has_children()
            && method.attribute("Algorithm") == Some(EXC_C14N)
    };
    if xml::elements(method).all(harmless) {
        return Ok(());
    }
    refuse(reason, "an algorithm has parameters that are not allowed")
}

fn embedded(signature: Node<'_, '_>) -> Option<Vec<u8>> {
    let key_info = xml::child(signature, DS, "KeyInfo")?;
    let certificate = key_info.descendants().find(|node| xml::is(*node, DS, "X509Certificate"))?;
    xml::base64(&xml::text(certificate))
}
