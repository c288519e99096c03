//! The XML signature engine: canonicalisation, digest, signature value. The only file that names `samael`, of which it
//! uses one function (libxml2 and xmlsec below it). What may be given to it, and what its answer means, is decided around
//! it: it would happily accept what `prescan`, `shape` and `signature_rules` refuse.

use std::sync::OnceLock;

use samael::crypto::{AllowedSignatureAlgorithm as Allowed, CertificateDer, Crypto, CryptoProvider, ReduceMode};

/// Computes signatures. A trait, so that another engine can stand beside this one or replace it.
pub trait XmlSignatureEngine: Send + Sync {
    /// Verifies every signature in `xml` with one of the certificates (DER, all of the key type that the signatures name)
    /// and returns the canonical bytes that were digested: of the one signed element, or of the `Response` when it and
    /// its assertion are both signed.
    ///
    /// # Errors
    /// [`SignatureInvalid`]; also when there is no signature or no certificate.
    fn verified_bytes(&self, xml: &str, certificates: &[&[u8]]) -> Result<String, SignatureInvalid>;
}

/// It does not hold. Which step failed is the attacker's business only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not hold")]
pub struct SignatureInvalid;

const ALGORITHMS: [Allowed; 6] = [
    Allowed::RsaSha256,
    Allowed::RsaSha384,
    Allowed::RsaSha512,
    Allowed::EcdsaSha256,
    Allowed::EcdsaSha384,
    Allowed::EcdsaSha512,
];

/// libxml2 and xmlsec through samael.
#[derive(Clone, Copy, Debug)]
pub struct XmlSec(());

unsafe extern "C" {
    /// xmlsec/errors.h: whether the default callback prints to stderr.
    fn xmlSecErrorsDefaultCallbackEnableOutput(enabled: std::ffi::c_int);
}

impl XmlSec {
    /// The libraries are initialised by the first call: make it at start-up, on the main thread.
    pub fn new() -> Self {
        static STARTED: OnceLock<()> = OnceLock::new();
        STARTED.get_or_init(|| {
            // A signature that cannot hold; the way there initialises both libraries.
            let probe = r##"<a ID="a"><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><Reference URI="#a"><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/></Reference></SignedInfo></Signature></a>"##;
            silence();
            let _ = reduce(probe, &[&[]]);
            // again, should initialisation have turned it on
            silence();
        });
        Self(())
    }
}

impl Default for XmlSec {
    fn default() -> Self {
        Self::new()
    }
}

/// xmlsec prints what it thinks of a signature to stderr, line after line at an attacker's will.
#[allow(unsafe_code)]
fn silence() {
    // SAFETY: it stores an int in a static of the library, which samael links.
    unsafe { xmlSecErrorsDefaultCallbackEnableOutput(0) }
}

impl XmlSignatureEngine for XmlSec {
    fn verified_bytes(&self, xml: &str, certificates: &[&[u8]]) -> Result<String, SignatureInvalid> {
        // samael takes a document without certificates as not in need of a signature
        if certificates.is_empty() {
            return Err(SignatureInvalid);
        }
        match reduce(xml, certificates) {
            // a canonicalisation that failed to the empty string has a perfectly good digest (CVE-2025-66568)
            Ok(bytes) if !bytes.is_empty() => Ok(bytes),
            _ => Err(SignatureInvalid),
        }
    }
}

fn reduce(xml: &str, certificates: &[&[u8]]) -> Result<String, samael::crypto::CryptoError> {
    let certificates: Vec<CertificateDer> = certificates.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    // PreDigest: the digested bytes themselves. The other modes match them against the tree again, which recurses per
    // sibling (a large response overflows the stack), leaks, and can let unsigned ancestors survive.
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(xml, &certificates, ReduceMode::PreDigest, Some(&ALGORITHMS))
}
