//! Why a SAML message was not believed. The words stand in the table at the head of [`super`].

use super::certificate::TrustedCertificate;

/// One cause, one word that never changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The audit word: see the table at the head of the module.
    pub reason: &'static str,
    /// One sentence for the operator: what was found, what was wanted. Never for the person, never the XML.
    pub detail: String,
    /// SHA-256 (lower-case hex) of the certificate the message itself carries, when that one is not trusted: the
    /// identity provider has probably changed its certificate.
    pub signer_sha256: Option<String>,
    /// That certificate, where the signature really holds under it.
    pub signer: Option<Box<TrustedCertificate>>,
}

impl Refusal {
    pub(in crate::upstream) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), signer_sha256: None, signer: None }
    }
}

/// `Err` with a [`Refusal`]: most checks end in one.
pub(super) fn refuse<T>(reason: &'static str, detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(reason, detail))
}
