//! The certificates of an identity provider, as far as a signature needs them: a key with a name. Nothing is inferred
//! from who issued them; an administrator or trusted metadata put them here.

use aws_lc_rs::digest::{SHA256, digest};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::X509;
use time::{Duration, OffsetDateTime};

/// RSA below this is refused, in signatures and when a certificate is added.
const SMALLEST_RSA: u32 = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Rsa,
    Ec,
}

/// A certificate whose key may vouch for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCertificate {
    der: Vec<u8>,
    sha256: String,
    kind: KeyKind,
    bits: u32,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

/// Why a certificate cannot be used, in a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateError(String);

impl TrustedCertificate {
    /// # Errors
    /// [`CertificateError`] when it is no X.509, or its key is neither RSA of 2048 bits or more nor EC on a NIST curve.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let wrong = |text: &str| CertificateError(text.into());
        let certificate = X509::from_der(der).map_err(|_| wrong("it is not an X.509 certificate"))?;
        let key = certificate.public_key().map_err(|_| wrong("its public key cannot be read"))?;
        let kind = match key.id() {
            Id::RSA if key.bits() >= SMALLEST_RSA => KeyKind::Rsa,
            Id::RSA => {
                return Err(CertificateError(format!("its RSA key has {} bits; at least 2048 are needed", key.bits())));
            }
            Id::EC if on_nist_curve(&key) => KeyKind::Ec,
            _ => return Err(wrong("its key is neither RSA nor EC on P-256, P-384 or P-521")),
        };
        let date = |time| instant(time).ok_or_else(|| wrong("its dates cannot be read"));
        // what follows the certificate in the bytes is no part of it
        let der = certificate.to_der().map_err(|_| wrong("it cannot be written again"))?;
        Ok(Self {
            sha256: hex(digest(&SHA256, &der).as_ref()),
            der,
            kind,
            bits: key.bits(),
            not_before: date(certificate.not_before())?,
            not_after: date(certificate.not_after())?,
        })
    }

    /// PEM, or the bare base64 that metadata holds and administrators paste.
    ///
    /// # Errors
    /// As [`Self::from_der`].
    pub fn from_text(text: &str) -> Result<Self, CertificateError> {
        let body: String = text.lines().filter(|line| !line.trim_start().starts_with("-----")).collect();
        let der = super::xml::base64(&body).ok_or_else(|| CertificateError("it is neither PEM nor base64".into()))?;
        Self::from_der(&der)
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// Lower-case hex, without colons.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
    pub fn kind(&self) -> KeyKind {
        self.kind
    }
    pub fn bits(&self) -> u32 {
        self.bits
    }
    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }
    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    /// Its subject as OpenSSL writes names, of 200 characters at most and none that controls anything. Whoever made the
    /// certificate chose it.
    pub fn subject(&self) -> String {
        let Ok(certificate) = X509::from_der(&self.der) else { return String::new() };
        let entries = certificate.subject_name().entries().map(|entry| {
            let value = entry.data().to_string().unwrap_or_default();
            format!("{}={value}", entry.object().nid().short_name().unwrap_or("?"))
        });
        let text = entries.collect::<Vec<_>>().join(", ");
        text.chars().filter(|c| !c.is_control()).take(200).collect()
    }

    pub(super) fn public_key(&self) -> Option<PKey<Public>> {
        X509::from_der(&self.der).ok()?.public_key().ok()
    }
}

fn on_nist_curve(key: &PKey<Public>) -> bool {
    let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
    curve.is_some_and(|nid| [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1].contains(&nid))
}

fn instant(time: &Asn1TimeRef) -> Option<OffsetDateTime> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    OffsetDateTime::UNIX_EPOCH
        .checked_add(Duration::days(since.days.into()).checked_add(Duration::seconds(since.secs.into()))?)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
