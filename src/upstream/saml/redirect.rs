//! The HTTP-Redirect binding (SAML bindings §3.4): DEFLATE, base64 and a signature over the query string as it stands.
//! As it stands: identity providers differ in how they percent-encode, so nothing received is ever encoded anew.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;

use super::certificate::{KeyKind, TrustedCertificate};
use super::prescan::{LOGOUT, Limits};
use super::refusal::{Refusal, refuse};
use super::signature_rules::{Hash, SIGNATURE_ALGORITHMS};
use super::sp_key::SpKey;
use crate::upstream::quoted::quoted;

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Which of the two parameters carries the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Request,
    Response,
}

impl MessageKind {
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// Where to send the browser: `endpoint` with the message, signed if there is a key. The endpoint may have a query of its
/// own (Google's has), which is no part of what is signed.
pub(super) fn url(
    endpoint: &str,
    kind: MessageKind,
    xml: &str,
    relay_state: Option<&str>,
    key: Option<&SpKey>,
) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut query = format!("{}={}", kind.parameter(), encode(&STANDARD.encode(deflate(xml))));
    if let Some(relay_state) = relay_state {
        query.push_str(&format!("&RelayState={}", encode(relay_state)));
    }
    if let Some(key) = key {
        query.push_str(&format!("&SigAlg={}", encode(RSA_SHA256)));
        let signature = STANDARD.encode(key.sign(query.as_bytes()));
        query.push_str(&format!("&Signature={}", encode(&signature)));
    }
    let endpoint = endpoint.split('#').next().unwrap_or_default();
    let separator = match endpoint.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{endpoint}{separator}{query}")
}

fn deflate(xml: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish()).expect("memory does not fail to be written to")
}

/// A query string taken apart, its pieces still encoded as they came.
#[derive(Debug)]
pub(super) struct RedirectMessage<'a> {
    /// `SAMLRequest=..` or `SAMLResponse=..`
    message: &'a str,
    /// `RelayState=..`
    relay_state: Option<&'a str>,
    /// `SigAlg=..`
    algorithm: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> RedirectMessage<'a> {
    /// # Errors
    /// `parameter_missing`, `parameter_repeated`.
    pub(super) fn parse(raw_query: &'a str, kind: MessageKind) -> Result<Self, Refusal> {
        let mut found = [None; 5];
        let names = [kind.parameter(), "RelayState", "SigAlg", "Signature", "SAMLEncoding"];
        for piece in raw_query.split('&') {
            let name = piece.split('=').next().unwrap_or_default();
            // by its decoded name: %53igAlg is SigAlg to others
            let name = url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
            if let Some(at) = names.iter().position(|known| *known == name)
                && found[at].replace(piece).is_some()
            {
                return refuse("parameter_repeated", format!("the parameter {} came more than once", names[at]));
            }
        }
        let [message, relay_state, algorithm, signature, encoding] = found;
        let deflate = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
        if encoding.is_some_and(|piece| value(piece).as_deref() != Ok(deflate)) {
            return refuse("parameter_encoding", "SAMLEncoding names another encoding than DEFLATE");
        }
        let Some(message) = message else {
            return refuse("parameter_missing", format!("the parameter {} is missing", kind.parameter()));
        };
        Ok(Self { message, relay_state, algorithm, signature })
    }

    /// Decoded and inflated.
    ///
    /// # Errors
    /// `parameter_encoding`, `not_base64`, `deflate`, `too_large`.
    pub(super) fn xml(&self) -> Result<Vec<u8>, Refusal> {
        let base64 = value(self.message)?;
        inflate(&super::prescan::decode(&base64, &LOGOUT)?, &LOGOUT)
    }

    pub(super) fn relay_state(&self) -> Result<Option<String>, Refusal> {
        self.relay_state.map(value).transpose()
    }

    /// The SHA-256 of the certificate under which the signature holds.
    ///
    /// # Errors
    /// `not_signed`, `signature_algorithm`, `no_certificate`, `signature_invalid`.
    pub(super) fn verify(&self, certificates: &[TrustedCertificate]) -> Result<String, Refusal> {
        let (Some(algorithm), Some(signature)) = (self.algorithm, self.signature) else {
            return refuse("not_signed", "the message has no Signature or no SigAlg");
        };
        let name = value(algorithm)?;
        let Some((_, kind, hash)) = SIGNATURE_ALGORITHMS.into_iter().find(|(uri, ..)| *uri == name) else {
            let name = quoted(&name, 128);
            return refuse("signature_algorithm", format!("signed with {name}; RSA or ECDSA with SHA-2 is allowed"));
        };
        if certificates.is_empty() {
            return refuse("no_certificate", "the connection has no certificate of its identity provider; add one");
        }
        let signature = super::prescan::decode(&value(signature)?, &Limits { bytes: 4096, ..LOGOUT })?;
        // §3.4.4.1: in this order, whatever the order they came in
        let signed: Vec<&str> = [Some(self.message), self.relay_state, Some(algorithm)].into_iter().flatten().collect();
        let signed = signed.join("&");
        certificates
            .iter()
            .filter(|certificate| certificate.kind() == kind)
            .find(|certificate| holds(certificate, hash, signed.as_bytes(), &signature).unwrap_or(false))
            .map(|certificate| certificate.sha256().to_owned())
            .ok_or_else(|| {
                let text = "the signature does not hold under any certificate of the connection";
                Refusal::new("signature_invalid", text)
            })
    }
}

fn value(piece: &str) -> Result<String, Refusal> {
    let value = piece.split_once('=').map(|(_, value)| value).unwrap_or_default();
    let decoded: Vec<u8> = percent(value);
    String::from_utf8(decoded).or_else(|_| refuse("parameter_encoding", "a parameter is not UTF-8"))
}

/// `%XX` and, as forms write it, `+` for a space. What is not so encoded stands for itself.
fn percent(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%')
            .then(|| text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()))
            .flatten();
        match (escaped, byte) {
            (Some(decoded), _) => out.push(decoded),
            (None, b'+') => out.push(b' '),
            (None, byte) => out.push(*byte),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

/// RFC 1951 up to the limit, and not a byte further: a kilobyte can inflate to a megabyte.
fn inflate(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::new();
    let most = limits.bytes as u64 + 1;
    match DeflateDecoder::new(bytes).take(most).read_to_end(&mut out) {
        Ok(_) if out.len() > limits.bytes => {
            refuse("deflate", format!("the message inflates to more than {} KiB", limits.bytes >> 10))
        }
        Ok(_) => Ok(out),
        Err(_) => refuse("deflate", "the message is not DEFLATE"),
    }
}

fn holds(certificate: &TrustedCertificate, hash: Hash, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let key = certificate.public_key()?;
    let hash = match hash {
        Hash::Sha256 => MessageDigest::sha256(),
        Hash::Sha384 => MessageDigest::sha384(),
        Hash::Sha512 => MessageDigest::sha512(),
    };
    let verify = |signature: &[u8]| Verifier::new(hash, &key).and_then(|mut verifier| verifier.verify_oneshot(signature, signed));
    // XML Signature writes ECDSA as r || s; some products send the ASN.1 of their library
    let half = usize::try_from(certificate.bits().div_ceil(8)).ok()?;
    if certificate.kind() == KeyKind::Ec && signature.len() == 2 * half {
        let (r, s) = signature.split_at(half);
        let asn1 = EcdsaSig::from_private_components(BigNum::from_slice(r).ok()?, BigNum::from_slice(s).ok()?).ok()?;
        return verify(&asn1.to_der().ok()?).ok();
    }
    verify(signature).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T>(result: Result<T, Refusal>) -> &'static str {
        result.map_or_else(|refusal| refusal.reason, |_| "ok")
    }

    #[test]
    fn the_endpoints_own_query_stays_and_is_not_signed() {
        let url = |endpoint| url(endpoint, MessageKind::Request, "<a/>", Some("r s&"), None);
        assert!(url("https://idp.test/sso").starts_with("https://idp.test/sso?SAMLRequest="));
        assert!(url("https://idp.test/sso?idpid=C1").starts_with("https://idp.test/sso?idpid=C1&SAMLRequest="));
        assert!(url("https://idp.test/sso?#x").starts_with("https://idp.test/sso?SAMLRequest="));
        assert!(url("https://idp.test/sso").ends_with("&RelayState=r+s%26"));
    }

    #[test]
    fn repeated_and_missing_parameters_are_refused() {
        let parse = |query| reason(RedirectMessage::parse(query, MessageKind::Request));
        assert_eq!(parse("SAMLRequest=x&RelayState=y&other=1&other=2"), "ok");
        assert_eq!(parse("SAMLRequest=x&SAMLRequest=y"), "parameter_repeated");
        assert_eq!(parse("SAMLRequest=x&SigAlg=y&%53igAlg=z"), "parameter_repeated");
        assert_eq!(parse("SAMLResponse=x"), "parameter_missing");
        assert_eq!(parse("SAMLRequest=x&SAMLEncoding=zip"), "parameter_encoding");
    }

    #[test]
    fn messages_inflate_up_to_the_limit() {
        let read = |xml: &str| {
            let query = url("", MessageKind::Request, xml, None, None);
            RedirectMessage::parse(&query[1..], MessageKind::Request).unwrap().xml()
        };
        assert_eq!(read("<a>é</a>").unwrap(), "<a>é</a>".as_bytes());
        assert_eq!(reason(read(&"x".repeat(10 << 20))), "deflate");
        let parse = |query| RedirectMessage::parse(query, MessageKind::Request).unwrap().xml();
        assert_eq!(reason(parse("SAMLRequest=%2F%2F%2F%2F")), "deflate");
        assert_eq!(reason(parse("SAMLRequest=%")), "not_base64");
        assert_eq!(reason(parse("SAMLRequest=%ff")), "parameter_encoding");
    }
}
