//! The token endpoint: one grant, one file. Joins clients, codes, sessions and tokens; keeps nothing of its own.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod endpoint;
pub mod possession;
pub mod recheck;
pub mod refresh_token;
pub mod request;
pub mod signed_in;
pub mod today;
pub mod token_exchange;
mod told;

pub use request::TokenRequest;

use serde::Serialize;

use crate::oauth::error::{ErrorCode, OAuthError};

/// RFC 6749 §5.1. `scope` is always present.
#[derive(Debug, Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: u32,
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// Why there are no tokens: refused with a reason for audit, not yet, or we could not decide.
#[derive(Debug)]
pub enum GrantError {
    /// Nobody has decided yet (RFC 8628 §3.5). It comes every few seconds and is not audited.
    Waiting(OAuthError),
    Refused {
        reason: &'static str,
        error: OAuthError,
    },
    Database(sqlx::Error),
    Broken(OAuthError),
}

impl GrantError {
    pub fn invalid_grant(reason: &'static str, description: &'static str) -> Self {
        Self::Refused { reason, error: OAuthError::new(ErrorCode::InvalidGrant, description) }
    }
}

impl From<sqlx::Error> for GrantError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<OAuthError> for GrantError {
    fn from(error: OAuthError) -> Self {
        match error.code {
            ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => Self::Broken(error),
            _ => Self::Refused { reason: error.code.as_str(), error },
        }
    }
}
