//! `jkt`, the thumbprint of the key that a token is bound to (RFC 9449 §6.1, §10; RFC 7638).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{ErrorCode, OAuthError};

/// SHA-256 in base64url: 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Jkt(String);

impl Jkt {
    /// From the parameter `dpop_jkt`.
    ///
    /// # Errors
    /// `invalid_request` for another shape.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.into())),
            _ => Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                "dpop_jkt is not the base64url of a SHA-256 digest (RFC 7638)",
            )),
        }
    }

    /// One that was computed, or checked before it was stored.
    pub fn from_thumbprint(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
