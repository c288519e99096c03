//! A private key, parsed once (an RSA key takes 0.2 ms to parse, two thirds of a signature) and shared by all threads.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::{Alg, EncodedHeader, Header, PublicJwk, PublicKey};
use crate::secret::Secret;

/// Fits exactly one algorithm: an RSA key of ours signs RS256 or PS256, never both.
pub struct KeyPair {
    alg: Alg,
    private: Private,
}

pub(super) enum Private {
    Rsa(RsaKeyPair),
    /// P-256 with signatures as r || s (RFC 7518 §3.4), not ASN.1.
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a PKCS#8 private key for {alg}: {reason}; {alg} needs {}", wanted(*.alg))]
pub struct KeyPairError {
    pub alg: Alg,
    pub reason: String,
}

fn wanted(alg: Alg) -> &'static str {
    match alg {
        Alg::RS256 | Alg::PS256 => "an RSA key of 2048 to 8192 bits",
        Alg::ES256 => "an EC key on P-256",
        Alg::EdDsa => "an Ed25519 key",
    }
}

impl KeyPair {
    /// A new key pair and its PKCS#8 DER for storage. RSA has 2048 bits and takes some 0.2 s: never call this inside a
    /// transaction, nor on a thread that serves requests. The randomness is aws-lc's own, as in [`crate::rng`].
    pub fn generate(alg: Alg) -> (Self, Secret<Vec<u8>>) {
        Self::try_generate(alg).expect("aws-lc makes keys as long as the operating system gives randomness")
    }

    fn try_generate(alg: Alg) -> Result<(Self, Secret<Vec<u8>>), aws_lc_rs::error::Unspecified> {
        let (private, pkcs8) = match alg {
            Alg::RS256 | Alg::PS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
                let der: Pkcs8V1Der = pair.as_der()?;
                let pkcs8 = der.as_ref().to_vec();
                (Private::Rsa(pair), pkcs8)
            }
            Alg::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                let pkcs8 = pair.to_pkcs8v1()?.as_ref().to_vec();
                (Private::Ec(pair), pkcs8)
            }
            Alg::EdDsa => {
                let pair = Ed25519KeyPair::generate()?;
                let pkcs8 = pair.to_pkcs8()?.as_ref().to_vec();
                (Private::Ed25519(pair), pkcs8)
            }
        };
        Ok((Self { alg, private }, Secret::new(pkcs8)))
    }

    /// # Errors
    /// [`KeyPairError`] when the bytes are no PKCS#8 or another kind of key; it never quotes them.
    pub fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self, KeyPairError> {
        let private = match alg {
            Alg::RS256 | Alg::PS256 => RsaKeyPair::from_pkcs8(der).map(Private::Rsa),
            Alg::ES256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Private::Ec),
            Alg::EdDsa => Ed25519KeyPair::from_pkcs8(der).map(Private::Ed25519),
        };
        match private {
            Ok(private) => Ok(Self { alg, private }),
            Err(rejected) => Err(KeyPairError { alg, reason: rejected.to_string() }),
        }
    }

    pub fn alg(&self) -> Alg {
        self.alg
    }

    pub(super) fn private(&self) -> &Private {
        &self.private
    }

    /// The public half, with its thumbprint as `kid`.
    pub fn public_jwk(&self) -> PublicJwk {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = match &self.private {
            Private::Rsa(pair) => {
                let public = pair.public_key();
                PublicKey::Rsa {
                    n: encode(public.modulus().big_endian_without_leading_zero()),
                    e: encode(public.exponent().big_endian_without_leading_zero()),
                }
            }
            Private::Ec(pair) => {
                // an uncompressed point: 0x04, 32 bytes of x, 32 bytes of y (SEC 1 §2.3.3)
                let point = pair.public_key().as_ref();
                PublicKey::Ec { crv: "P-256".into(), x: encode(&point[1..33]), y: encode(&point[33..]) }
            }
            Private::Ed25519(pair) => PublicKey::Okp { crv: "Ed25519".into(), x: encode(pair.public_key().as_ref()) },
        };
        PublicJwk::new(self.alg, key)
    }

    /// The signature as JOSE writes it: 256 bytes for RSA-2048, 64 for ES256 and EdDSA.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.private {
            Private::Rsa(pair) if self.alg == Alg::PS256 => rsa(pair, &RSA_PSS_SHA256, message),
            Private::Rsa(pair) => rsa(pair, &RSA_PKCS1_SHA256, message),
            Private::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("a parsed P-256 key signs").as_ref().to_vec()
            }
            Private::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A JWS in compact form (RFC 7515 §7.1).
    pub fn sign_jwt(&self, header: &Header, claims: &impl Serialize) -> String {
        self.sign_with(&header.encode(), claims)
    }

    /// The same with a header that was encoded before.
    pub fn sign_with(&self, header: &EncodedHeader, claims: &impl Serialize) -> String {
        debug_assert_eq!(header.alg, self.alg, "the header names another algorithm than the key's");
        let claims = serde_json::to_vec(claims).expect("claims are plain JSON");
        let mut jwt = String::with_capacity(header.text.len() + claims.len() * 4 / 3 + 352);
        jwt.push_str(&header.text);
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut jwt);
        let signature = self.sign(jwt.as_bytes());
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        jwt
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPair({})", self.alg)
    }
}

pub(super) fn rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("a parsed RSA key signs");
    signature
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken as other;

    fn other_alg(alg: Alg) -> other::Algorithm {
        match alg {
            Alg::RS256 => other::Algorithm::RS256,
            Alg::PS256 => other::Algorithm::PS256,
            Alg::ES256 => other::Algorithm::ES256,
            Alg::EdDsa => other::Algorithm::EdDSA,
        }
    }

    #[test]
    fn another_library_accepts_what_we_sign_and_our_jwk_as_the_key() {
        for alg in Alg::ALL {
            let (pair, pkcs8) = KeyPair::generate(alg);
            let pair_again = KeyPair::from_pkcs8(alg, pkcs8.expose()).unwrap();
            let jwk = pair_again.public_jwk();
            assert_eq!(jwk, pair.public_jwk());
            let header = Header::new(alg, "at+jwt").with_kid(&jwk.kid);
            let jwt = pair_again.sign_jwt(&header, &serde_json::json!({"sub": "usr_1", "exp": 4_000_000_000u64}));

            let theirs: other::jwk::Jwk = serde_json::from_value(serde_json::to_value(&jwk).unwrap()).unwrap();
            let key = other::DecodingKey::from_jwk(&theirs).unwrap();
            let mut rules = other::Validation::new(other_alg(alg));
            rules.validate_aud = false;
            let token = other::decode::<serde_json::Value>(&jwt, &key, &rules).unwrap();
            assert_eq!(token.claims["sub"], "usr_1");
            assert_eq!((token.header.typ.as_deref(), token.header.kid.as_deref()), (Some("at+jwt"), Some(&*jwk.kid)));
            // RFC 7638 as somebody else computes it
            assert_eq!(theirs.thumbprint(other::jwk::ThumbprintHash::SHA256).unwrap(), jwk.kid);
        }
    }

    #[test]
    fn a_key_of_another_kind_is_refused_with_what_is_needed() {
        let (_, pkcs8) = KeyPair::generate(Alg::ES256);
        let error = KeyPair::from_pkcs8(Alg::RS256, pkcs8.expose()).unwrap_err();
        assert!(error.to_string().ends_with("RS256 needs an RSA key of 2048 to 8192 bits"), "{error}");
        assert!(KeyPair::from_pkcs8(Alg::EdDsa, b"").is_err());
    }
}
