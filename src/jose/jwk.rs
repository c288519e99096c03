//! Public keys as JWK (RFC 7517), with the RFC 7638 thumbprint as `kid`. The type has no field that a private part
//! could stand in, so none can get out.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{Alg, header};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    #[serde(flatten)]
    pub key: PublicKey,
    #[serde(rename = "use")]
    pub usage: Usage,
    pub alg: Alg,
    pub kid: String,
    /// Certificates in base64 (not base64url, RFC 7517 §4.7), the key's own one first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
    #[serde(default, rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// The numbers, each in base64url (RFC 7518 §6.2 and §6.3, RFC 8037 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKey {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "OKP")]
    Okp { crv: String, x: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usage {
    #[serde(rename = "sig")]
    Signature,
}

impl PublicJwk {
    pub fn new(alg: Alg, key: PublicKey) -> Self {
        let kid = key.thumbprint();
        Self { key, usage: Usage::Signature, alg, kid, x5c: None, x5t: None, x5t_s256: None }
    }

    /// Adds `x5c` and both thumbprints.
    pub fn with_certificate(mut self, der: &[u8]) -> Self {
        self.x5c = Some(vec![STANDARD.encode(der)]);
        self.x5t = Some(header::x5t(der));
        self.x5t_s256 = Some(header::x5t_s256(der));
        self
    }

    /// Whether `signature` is this key's over `message`. The algorithm is the key's and never the message's word.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.try_verify(message, signature).is_some()
    }

    fn try_verify(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        match (self.alg, &self.key) {
            (Alg::RS256 | Alg::PS256, PublicKey::Rsa { n, e }) => {
                let key = RsaPublicKeyComponents { n: decode(n)?, e: decode(e)? };
                let scheme =
                    if self.alg == Alg::PS256 { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
                key.verify(scheme, message, signature).ok()
            }
            (Alg::ES256, PublicKey::Ec { crv, x, y }) if crv == "P-256" => {
                let point = [vec![4], decode(x)?, decode(y)?].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).ok()
            }
            (Alg::EdDsa, PublicKey::Okp { crv, x }) if crv == "Ed25519" => {
                UnparsedPublicKey::new(&ED25519, decode(x)?).verify(message, signature).ok()
            }
            _ => None,
        }
    }
}

impl PublicKey {
    /// RFC 7638 §3: SHA-256 over the required members in alphabetical order without white space.
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ec { crv, x, y } => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Okp { crv, x } => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::KeyPair;

    /// The example of RFC 7638 §3.1.
    #[test]
    fn the_thumbprint_is_the_one_of_the_rfc() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB\
                 ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZ\
                 gnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIq\
                 bw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = PublicKey::Rsa { n: n.into(), e: "AQAB".into() };
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn verifies_its_own_signatures_only() {
        for alg in Alg::ALL {
            let (pair, _) = KeyPair::generate(alg);
            let jwk = pair.public_jwk();
            let signature = pair.sign(b"message");
            assert!(jwk.verify(b"message", &signature), "{alg}");
            assert!(!jwk.verify(b"massage", &signature), "{alg}");
            assert!(!jwk.verify(b"message", &[]), "{alg}");
            let (stranger, _) = KeyPair::generate(alg);
            assert!(!stranger.public_jwk().verify(b"message", &signature), "{alg}");
        }
    }

    #[test]
    fn one_rsa_key_is_not_two_algorithms() {
        let (pair, _) = KeyPair::generate(Alg::RS256);
        let jwk = PublicJwk { alg: Alg::PS256, ..pair.public_jwk() };
        assert!(!jwk.verify(b"message", &pair.sign(b"message")));
    }

    #[test]
    fn a_private_part_is_dropped_on_the_way_in() {
        let (pair, _) = KeyPair::generate(Alg::EdDsa);
        let mut json = serde_json::to_value(pair.public_jwk()).unwrap();
        json["d"] = "private".into();
        let jwk: PublicJwk = serde_json::from_value(json).unwrap();
        assert_eq!(jwk, pair.public_jwk());
        let members: Vec<_> = serde_json::to_value(&jwk).unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["kty", "crv", "x", "use", "alg", "kid"]);
    }
}
