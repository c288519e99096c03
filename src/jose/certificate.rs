//! A self-signed certificate around a key of ours, for IdPs that want one instead of a JWK (Entra, ADFS). It proves
//! nothing by itself: the IdP trusts it because an administrator uploaded it.

use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
    PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm, SigningKey,
};
use time::OffsetDateTime;

use super::KeyPair;
use super::key_pair::{Private, rsa};

/// An X.509 certificate in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(Vec<u8>);

#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate for {common_name:?}: {reason}")]
pub struct CertificateError {
    pub common_name: String,
    pub reason: String,
}

impl Certificate {
    /// Signed with SHA-256 by the key itself. A PS256 key signs its certificate with PKCS#1 v1.5, which every IdP reads.
    ///
    /// # Errors
    /// [`CertificateError`] when the name or the times cannot be written in X.509.
    pub fn self_signed(
        key: &KeyPair,
        common_name: &str,
        not_before: OffsetDateTime,
        not_after: OffsetDateTime,
    ) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, common_name);
        params.distinguished_name = subject;
        params.not_before = not_before;
        params.not_after = not_after;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params
            .self_signed(&Signer(key))
            .map(|certificate| Self(certificate.der().to_vec()))
            .map_err(|e| CertificateError { common_name: common_name.into(), reason: e.to_string() })
    }

    pub fn from_der(der: Vec<u8>) -> Self {
        Self(der)
    }

    pub fn der(&self) -> &[u8] {
        &self.0
    }
}

/// Our key as X.509 wants it, which is not how JOSE does.
struct Signer<'a>(&'a KeyPair);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        match self.0.private() {
            Private::Rsa(pair) => pair.public_key().as_ref(),
            Private::Ec(pair) => pair.public_key().as_ref(),
            Private::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.0.private() {
            Private::Rsa(_) => &PKCS_RSA_SHA256,
            Private::Ec(_) => &PKCS_ECDSA_P256_SHA256,
            Private::Ed25519(_) => &PKCS_ED25519,
        }
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(match self.0.private() {
            Private::Rsa(pair) => rsa(pair, &RSA_PKCS1_SHA256, message),
            Private::Ec(_) => ecdsa_sig_value(&self.0.sign(message)),
            Private::Ed25519(_) => self.0.sign(message),
        })
    }
}

/// `r || s` as `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 5480 appendix A).
fn ecdsa_sig_value(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

/// A positive DER INTEGER of at most 33 bytes: no needless zeros in front, one where the top bit is set.
fn integer(big_endian: &[u8]) -> Vec<u8> {
    let first = big_endian.iter().position(|b| *b != 0).unwrap_or(big_endian.len() - 1);
    let digits = &big_endian[first..];
    let sign: &[u8] = if digits[0] & 0x80 != 0 { &[0] } else { &[] };
    [&[0x02, (sign.len() + digits.len()) as u8], sign, digits].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Alg;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };
    use rustls::pki_types::CertificateDer;
    use rustls::server::ParsedCertificate;
    use time::macros::datetime;

    #[test]
    fn every_kind_of_key_makes_a_certificate_that_verifies_under_itself() {
        let (from, to) = (datetime!(2026-01-01 0:00 UTC), datetime!(2028-01-01 0:00 UTC));
        for alg in Alg::ALL {
            let (key, _) = KeyPair::generate(alg);
            let made = Certificate::self_signed(&key, "avouch contoso", from, to).unwrap();
            // webpki, which did not write it, can read it
            ParsedCertificate::try_from(&CertificateDer::from(made.der())).unwrap();
            let scheme: &dyn VerificationAlgorithm = match alg {
                Alg::RS256 | Alg::PS256 => &RSA_PKCS1_2048_8192_SHA256,
                Alg::ES256 => &ECDSA_P256_SHA256_ASN1,
                Alg::EdDsa => &ED25519,
            };
            let (message, signature) = message_and_signature(made.der());
            let signer = Signer(&key);
            let public = UnparsedPublicKey::new(scheme, signer.der_bytes());
            assert!(public.verify(message, signature).is_ok(), "{alg}");
        }
    }

    #[test]
    fn integers_are_written_as_der_wants_them() {
        assert_eq!(integer(&[0, 0, 0x7f, 1]), [2, 2, 0x7f, 1]);
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
    }

    /// `Certificate ::= SEQUENCE { tbs, algorithm, BIT STRING }`.
    fn message_and_signature(der: &[u8]) -> (&[u8], &[u8]) {
        /// The first element as a whole, its content, and what follows it.
        fn element(input: &[u8]) -> (&[u8], &[u8], &[u8]) {
            let (header, len) = match input[1] {
                n if n < 0x80 => (2, usize::from(n)),
                0x81 => (3, usize::from(input[2])),
                _ => (4, usize::from(input[2]) << 8 | usize::from(input[3])),
            };
            (&input[..header + len], &input[header..header + len], &input[header + len..])
        }
        let (_, certificate, _) = element(der);
        let (tbs, _, rest) = element(certificate);
        let (_, _, rest) = element(rest);
        let (_, bits, _) = element(rest);
        (tbs, &bits[1..])
    }
}
