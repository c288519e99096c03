//! The protected header of a JWS (RFC 7515 §4.1). It differs per key and `typ` only, so it can be encoded once.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::Alg;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    alg: Alg,
    typ: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    x5t_s256: Option<String>,
}

/// A header in base64url, ready to stand in front of claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedHeader {
    pub(super) alg: Alg,
    pub(super) text: String,
}

impl Header {
    /// `alg` must be that of the key that will sign.
    pub fn new(alg: Alg, typ: &str) -> Self {
        Self { alg, typ: typ.into(), kid: None, x5t: None, x5t_s256: None }
    }

    pub fn with_kid(mut self, kid: &str) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Both thumbprints of the certificate (RFC 7515 §4.1.7 and §4.1.8): Entra looks the key up by the SHA-1 one.
    pub fn with_x5t(mut self, certificate_der: &[u8]) -> Self {
        self.x5t = Some(x5t(certificate_der));
        self.x5t_s256 = Some(x5t_s256(certificate_der));
        self
    }

    pub fn encode(&self) -> EncodedHeader {
        let json = serde_json::to_vec(self).expect("a header is plain JSON");
        EncodedHeader { alg: self.alg, text: URL_SAFE_NO_PAD.encode(json) }
    }
}

pub(super) fn x5t(certificate_der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate_der))
}

pub(super) fn x5t_s256(certificate_der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate_der))
}
