//! Which of the pinned certificates signed a document, if any. Certificates come from the connection alone; the one in
//! the message is only ever compared, to say that the identity provider has changed its own.

use super::certificate::TrustedCertificate;
use super::engine::XmlSignatureEngine;
use super::refusal::{Refusal, refuse};
use super::signature_rules::Facts;

/// A document's verified bytes and the SHA-256 of the certificate that they hold under.
pub(super) struct Verified {
    pub(super) bytes: String,
    pub(super) signed_by_sha256: String,
}

/// Every signature in `xml` has passed the rules; `facts` are theirs.
///
/// # Errors
/// `no_certificate`, `unknown_certificate`, `signature_invalid`.
pub(super) fn verify(
    engine: &dyn XmlSignatureEngine,
    xml: &str,
    facts: &[&Facts],
    certificates: &[TrustedCertificate],
) -> Result<Verified, Refusal> {
    if certificates.is_empty() {
        return refuse("no_certificate", "the connection has no certificate of its identity provider; add one");
    }
    let embedded = |certificate: &TrustedCertificate| {
        facts.iter().any(|fact| fact.embedded_sha256.as_deref() == Some(certificate.sha256()))
    };
    // A certificate of another key type makes the engine give up, so it must not be asked about those.
    let mut candidates: Vec<_> =
        certificates.iter().filter(|one| facts.iter().all(|fact| fact.key == one.kind())).collect();
    // the likely one first: only speed depends on this
    candidates.sort_by_key(|certificate| !embedded(certificate));
    for certificate in &candidates {
        if let Ok(bytes) = engine.verified_bytes(xml, &[certificate.der()]) {
            return Ok(Verified { bytes, signed_by_sha256: certificate.sha256().to_owned() });
        }
    }
    // response and assertion may be signed by different certificates of ours
    if facts.len() > 1
        && candidates.len() > 1
        && let all = candidates.iter().map(|certificate| certificate.der()).collect::<Vec<_>>()
        && let Ok(bytes) = engine.verified_bytes(xml, &all)
    {
        return Ok(Verified { bytes, signed_by_sha256: candidates[0].sha256().to_owned() });
    }
    let mut refusal = untrusted(facts, certificates);
    if refusal.signer_sha256.is_some() {
        refusal.signer = signer(engine, xml, facts, certificates).map(Box::new);
    }
    Err(refusal)
}

/// The certificate in the message that is not trusted and that the signature holds under all the same: its sender has the
/// key. It is told, and vouches for nothing.
fn signer(
    engine: &dyn XmlSignatureEngine,
    xml: &str,
    facts: &[&Facts],
    certificates: &[TrustedCertificate],
) -> Option<TrustedCertificate> {
    let embedded = facts.iter().filter_map(|fact| fact.embedded.as_deref());
    let mut unknown = embedded
        .filter_map(|der| TrustedCertificate::from_der(der).ok())
        .filter(|one| !certificates.iter().any(|trusted| trusted.sha256() == one.sha256()))
        .filter(|one| facts.iter().all(|fact| fact.key == one.kind()));
    unknown.next().filter(|one| engine.verified_bytes(xml, &[one.der()]).is_ok())
}

/// The best support feature there is: telling a changed certificate from a broken signature.
pub(super) fn untrusted(facts: &[&Facts], certificates: &[TrustedCertificate]) -> Refusal {
    let unknown = facts
        .iter()
        .filter_map(|fact| fact.embedded_sha256.as_ref())
        .find(|sha256| !certificates.iter().any(|certificate| certificate.sha256() == *sha256));
    match unknown {
        Some(sha256) => Refusal {
            reason: "unknown_certificate",
            detail: format!(
                "the identity provider signed with certificate SHA-256 {sha256}, which is not trusted; if that is its \
                 new certificate, add it to the connection"
            ),
            signer_sha256: Some(sha256.clone()),
            signer: None,
        },
        None => {
            Refusal::new("signature_invalid", "the signature does not hold under any certificate of the connection")
        }
    }
}
