//! Signs what we send: an enveloped XML signature with RSA-SHA256, for the POST binding and for metadata.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::sp_key::SpKey;
use super::xml::EXC_C14N;
use super::xml_writer::Element;

/// [`sign`], written.
pub(super) fn signed(element: Element, at: usize, key: &SpKey) -> String {
    sign(element, at, key).write()
}

/// `element` with its signature as the `at`th child (SAML wants it right after the Issuer, metadata first). It must have
/// an `ID`. What stands around it later changes nothing: the canonical form is exclusive.
pub(super) fn sign(mut element: Element, at: usize, key: &SpKey) -> Element {
    // the writer's output is canonical already
    let digested = STANDARD.encode(digest(&SHA256, element.write().as_bytes()));
    let algorithm = |name, uri: &str| Element::new(name).attribute("Algorithm", uri);
    let transforms = Element::new("ds:Transforms")
        .child(algorithm("ds:Transform", "http://www.w3.org/2000/09/xmldsig#enveloped-signature"))
        .child(algorithm("ds:Transform", EXC_C14N));
    let reference = Element::new("ds:Reference")
        .attribute("URI", format!("#{}", element.get("ID").unwrap_or_default()))
        .child(transforms)
        .child(algorithm("ds:DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256"))
        .child(Element::new("ds:DigestValue").text(digested));
    let signed_info = Element::new("ds:SignedInfo")
        .child(algorithm("ds:CanonicalizationMethod", EXC_C14N))
        .child(algorithm("ds:SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"))
        .child(reference);
    let value = STANDARD.encode(key.sign(signed_info.write().as_bytes()));
    let signature = Element::new("ds:Signature")
        .child(signed_info)
        .child(Element::new("ds:SignatureValue").text(value))
        .child(key_info(key.certificate_der()));
    element.insert(at, signature);
    element
}

pub(super) fn key_info(certificate_der: &[u8]) -> Element {
    let certificate = Element::new("ds:X509Certificate").text(STANDARD.encode(certificate_der));
    Element::new("ds:KeyInfo").child(Element::new("ds:X509Data").child(certificate))
}
