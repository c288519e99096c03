//! Sets of other people's public keys: a JWK set (RFC 7517 §5), and certificates in PEM.

use aws_lc_rs::signature::RsaSubjectPublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ParsedCertificate;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::{PublicKey, VerificationKey};

/// More is not what anybody registers or publishes, and each may have to be tried.
const MOST: usize = 100;

/// As registered by an operator: every key in it must be good, and stays as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwkSet {
    keys: Vec<VerificationKey>,
    written: Vec<Value>,
}

impl JwkSet {
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// As published by somebody: what we do not understand is passed over (RFC 7517 §5).
    pub fn published(keys: &[Value]) -> Self {
        let keys = keys.iter().take(MOST).filter_map(|jwk| VerificationKey::from_jwk(jwk).ok()).collect();
        Self { keys, written: Vec::new() }
    }
}

impl Serialize for JwkSet {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        json!({ "keys": self.written }).serialize(s)
    }
}

impl<'de> Deserialize<'de> for JwkSet {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            keys: Vec<Value>,
        }
        use serde::de::Error;
        let Written { keys: written } = Written::deserialize(d)?;
        if written.is_empty() || written.len() > MOST {
            return Err(D::Error::custom("a JWK set holds 1 to 100 keys"));
        }
        let keys = written.iter().enumerate().map(|(index, jwk)| {
            VerificationKey::from_jwk(jwk)
                .map_err(|error| D::Error::custom(format!("key {} of the JWK set: {error}", index + 1)))
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()?, written })
    }
}

/// A certificate that stands for the key in it. Nothing is inferred from its issuer or dates: an operator put it here,
/// and takes it away again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatePem {
    pem: String,
    key: VerificationKey,
}

impl CertificatePem {
    /// # Errors
    /// a sentence for whoever registers it.
    pub fn parse(pem: &str) -> Result<Self, &'static str> {
        let mut blocks = CertificateDer::pem_slice_iter(pem.as_bytes());
        let (Some(Ok(der)), None) = (blocks.next(), blocks.next()) else {
            return Err("it is not one certificate in PEM (-----BEGIN CERTIFICATE-----)");
        };
        let parsed = ParsedCertificate::try_from(&der).map_err(|_| "it is not an X.509 v3 certificate")?;
        let key = public_key(&parsed.subject_public_key_info()).ok_or(
            "its key cannot be used: RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, or Ed25519 is needed",
        )?;
        Ok(Self { pem: pem.to_owned(), key: VerificationKey::of_certificate(key, &der) })
    }

    pub fn key(&self) -> &VerificationKey {
        &self.key
    }

    pub fn der(&self) -> Option<Vec<u8>> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).ok().map(|der| der.to_vec())
    }
}

impl Serialize for CertificatePem {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.pem)
    }
}

impl<'de> Deserialize<'de> for CertificatePem {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?)
            .map_err(|reason| serde::de::Error::custom(format!("certificate: {reason}")))
    }
}

/// The heads of SubjectPublicKeyInfo (RFC 5480, RFC 8410) up to the key's bytes, which have one length each.
const EC_HEADS: [(&str, &[u8], usize); 3] = [
    (
        "P-256",
        &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1,
            7, 3, 0x42, 0, 4,
        ],
        32,
    ),
    (
        "P-384",
        &[
            0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22, 3, 0x62, 0,
            4,
        ],
        48,
    ),
    (
        "P-521",
        &[
            0x30, 0x81, 0x9b, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23, 3,
            0x81, 0x86, 0, 4,
        ],
        66,
    ),
];
const ED25519_HEAD: &[u8] = &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

fn public_key(spki: &[u8]) -> Option<PublicKey> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    for (crv, head, size) in EC_HEADS {
        if let Some(point) = spki.strip_prefix(head).filter(|point| point.len() == 2 * size) {
            return Some(PublicKey::Ec { crv: crv.into(), x: encode(&point[..size]), y: encode(&point[size..]) });
        }
    }
    if let Some(x) = spki.strip_prefix(ED25519_HEAD).filter(|x| x.len() == 32) {
        return Some(PublicKey::Okp { crv: "Ed25519".into(), x: encode(x) });
    }
    let rsa = RsaSubjectPublicKey::from_der(spki).ok().filter(|key| (256..=1024).contains(&key.modulus_len()))?;
    Some(PublicKey::Rsa {
        n: encode(rsa.modulus().big_endian_without_leading_zero()),
        e: encode(rsa.exponent().big_endian_without_leading_zero()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Alg, Certificate, Header, Jwt, KeyPair, Signed};
    use base64::engine::general_purpose::STANDARD;
    use time::macros::datetime;

    fn jwt(pair: &KeyPair, header: &Header) -> Jwt {
        Jwt::parse(&pair.sign_jwt(header, &json!({"iss": "a"}))).unwrap()
    }

    fn set(keys: Value) -> Result<JwkSet, serde_json::Error> {
        serde_json::from_value(json!({ "keys": keys }))
    }

    #[test]
    fn a_key_is_found_by_its_names_or_by_trying_and_only_the_right_one_verifies() {
        for alg in Alg::ALL {
            let (pair, other) = (KeyPair::generate(alg).0, KeyPair::generate(alg).0);
            let (own, stranger) = (pair.public_jwk(), other.public_jwk());
            let both = set(json!([stranger, own])).unwrap();
            let named = jwt(&pair, &Header::new(alg, "JWT").with_kid(&own.kid));
            let unnamed = jwt(&pair, &Header::new(alg, "JWT"));
            let by_another_name = jwt(&pair, &Header::new(alg, "JWT").with_kid("new"));
            assert_eq!(named.signed_by(both.keys(), None), Signed::Yes, "{alg}");
            assert_eq!(unnamed.signed_by(both.keys(), None), Signed::Yes, "{alg}");
            assert_eq!(by_another_name.signed_by(both.keys(), None), Signed::UnknownKey, "{alg}");
            let forged = jwt(&other, &Header::new(alg, "JWT").with_kid(&own.kid));
            assert_eq!(forged.signed_by(both.keys(), None), Signed::No, "{alg}");
        }
    }

    #[test]
    fn the_key_decides_the_algorithm() {
        let pair = KeyPair::generate(Alg::RS256).0;
        let mut jwk = serde_json::to_value(pair.public_jwk()).unwrap();
        let unnamed = jwt(&pair, &Header::new(Alg::RS256, "JWT"));
        jwk["alg"] = "PS256".into();
        assert_eq!(unnamed.signed_by(set(json!([jwk])).unwrap().keys(), None), Signed::UnknownKey);
        jwk.as_object_mut().unwrap().remove("alg");
        assert_eq!(unnamed.signed_by(set(json!([jwk])).unwrap().keys(), None), Signed::Yes);
        let ec = KeyPair::generate(Alg::ES256).0.public_jwk();
        assert_eq!(unnamed.signed_by(set(json!([ec])).unwrap().keys(), None), Signed::UnknownKey);
    }

    #[test]
    fn certificates_are_found_by_thumbprint_and_stand_for_their_key() {
        let (from, to) = (datetime!(2026-01-01 0:00 UTC), datetime!(2028-01-01 0:00 UTC));
        for alg in Alg::ALL {
            let pair = KeyPair::generate(alg).0;
            let der = Certificate::self_signed(&pair, "zeebe", from, to).unwrap();
            let pem =
                format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der.der()));
            let certificate = CertificatePem::parse(&pem).unwrap();
            let by_thumbprint = jwt(&pair, &Header::new(alg, "JWT").with_x5t(der.der()));
            assert_eq!(by_thumbprint.signed_by([certificate.key()], None), Signed::Yes, "{alg}");
            let other = jwt(&pair, &Header::new(alg, "JWT").with_x5t(b"another certificate"));
            assert_eq!(other.signed_by([certificate.key()], None), Signed::UnknownKey, "{alg}");
            assert_eq!(serde_json::to_value(&certificate).unwrap(), json!(pem));
        }
        assert!(CertificatePem::parse("hello").is_err());
    }

    #[test]
    fn what_an_operator_registers_must_be_good_and_what_is_published_need_not() {
        let jwk = serde_json::to_value(KeyPair::generate(Alg::ES256).0.public_jwk()).unwrap();
        let with = |member: &str, value: Value| {
            let mut jwk = jwk.clone();
            jwk[member] = value;
            jwk
        };
        let bad = [
            (with("d", "x".into()), "private"),
            (json!({"kty": "oct", "k": "AAAA"}), "private"),
            (json!({"kty": "oct"}), "kty RSA, EC or OKP"),
            (with("use", "enc".into()), "not for signatures"),
            (with("alg", "HS256".into()), "HS256"),
            (with("alg", "RS256".into()), "numbers"),
            (with("x", "AAAA".into()), "numbers"),
            (json!({"kty": "RSA", "n": "AAAA", "e": "AQAB"}), "numbers"),
        ];
        for (bad, reason) in bad {
            let error = set(json!([jwk, bad])).unwrap_err().to_string();
            assert!(error.starts_with("key 2 of the JWK set") && error.contains(reason), "{error}");
            assert_eq!(JwkSet::published(&[bad, jwk.clone()]).keys().len(), 1);
        }
        assert!(set(json!([])).is_err());
        let good = set(json!([jwk])).unwrap();
        assert_eq!(serde_json::to_value(&good).unwrap(), json!({ "keys": [jwk] }));
    }
}
