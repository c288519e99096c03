//! The signature algorithms of others that we take (RFC 7518 §3.1, RFC 8037): more than [`super::Alg`], which are those we
//! make. Asymmetric ones only: HS* and `none` have no place here.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, VerificationAlgorithm,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum SignatureAlg {
    RS256,
    PS256,
    ES256,
    #[serde(rename = "EdDSA")]
    EdDsa,
    RS384,
    RS512,
    PS384,
    PS512,
    ES384,
    ES512,
}

/// The kind of key that an algorithm needs, and how it is then verified.
pub(super) enum Scheme {
    Rsa(&'static RsaParameters),
    /// With this `crv`.
    Ec(&'static str, &'static dyn VerificationAlgorithm),
    Okp(&'static str, &'static dyn VerificationAlgorithm),
}

impl SignatureAlg {
    pub const ALL: [Self; 10] = [
        Self::RS256,
        Self::PS256,
        Self::ES256,
        Self::EdDsa,
        Self::RS384,
        Self::RS512,
        Self::PS384,
        Self::PS512,
        Self::ES384,
        Self::ES512,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        // RFC 9864 names the curve, and means the same
        if text == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|alg| alg.as_str() == text)
    }

    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::RS256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
            Self::RS384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            Self::RS512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
            Self::PS256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
            Self::PS384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
            Self::PS512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
            Self::ES256 => Scheme::Ec("P-256", &ECDSA_P256_SHA256_FIXED),
            Self::ES384 => Scheme::Ec("P-384", &ECDSA_P384_SHA384_FIXED),
            Self::ES512 => Scheme::Ec("P-521", &ECDSA_P521_SHA512_FIXED),
            Self::EdDsa => Scheme::Okp("Ed25519", &ED25519),
        }
    }
}

impl std::fmt::Display for SignatureAlg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
