//! A private key of ours with its certificate: signs what we send, opens what is encrypted to us.

use std::sync::atomic::{AtomicBool, Ordering};

use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

/// RSA of 2048 bits or more: the one key that every identity provider can verify and encrypt to.
pub struct SpKey {
    private: PKey<Private>,
    certificate_der: Vec<u8>,
    opened: AtomicBool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a SAML key must be an RSA private key of at least 2048 bits in PKCS#8 DER")]
pub struct SpKeyError;

impl SpKey {
    /// `pkcs8` is DER, as [`crate::jose::KeyPair::generate`] makes it; the certificate is one around it.
    ///
    /// # Errors
    /// [`SpKeyError`]; it never quotes the key.
    pub fn from_pkcs8(pkcs8: &[u8], certificate_der: &[u8]) -> Result<Self, SpKeyError> {
        let private = PKey::private_key_from_pkcs8(pkcs8).map_err(|_| SpKeyError)?;
        if private.id() != Id::RSA || private.bits() < 2048 {
            return Err(SpKeyError);
        }
        Ok(Self { private, certificate_der: certificate_der.to_vec(), opened: AtomicBool::new(false) })
    }

    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// Whether it has opened anything since it was read.
    pub fn has_opened(&self) -> bool {
        self.opened.load(Ordering::Relaxed)
    }

    pub(super) fn note_opened(&self) {
        self.opened.store(true, Ordering::Relaxed);
    }

    pub(super) fn private(&self) -> &PKey<Private> {
        &self.private
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256: `rsa-sha256` of RFC 6931.
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let sign = || Signer::new(MessageDigest::sha256(), &self.private)?.sign_oneshot_to_vec(message);
        sign().expect("an RSA key that was read can sign")
    }
}

impl std::fmt::Debug for SpKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SpKey([redacted], {} bits)", self.private.bits())
    }
}
