//! The key that a token request proves by DPoP (RFC 9449 §5): asked for once, before any grant is looked at. Without a
//! proof it costs nothing.

use super::GrantError;
use crate::broker::Broker;
use crate::client::Client;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::jkt::Jkt;
use crate::token::dpop::{DpopError, DpopHeader};

/// # Errors
/// `invalid_dpop_proof` for a proof that does not count, and for none where the client is registered to send one.
pub async fn proven(broker: &Broker, client: &Client, header: &DpopHeader) -> Result<Option<Jkt>, GrantError> {
    let key = header.key(broker, "/oauth/token").await?;
    if key.is_none() && client.settings.dpop_bound_access_tokens {
        return Err(missing("this client gets no token without a DPoP proof (dpop_bound_access_tokens)"));
    }
    Ok(key)
}

/// That whoever asks holds the key to which a code or token was bound; if it was to none, anybody does.
///
/// # Errors
/// `invalid_dpop_proof` without a proof, `invalid_grant` for another key.
pub fn held(bound: Option<&Jkt>, key: Option<&Jkt>) -> Result<(), GrantError> {
    match (bound, key) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(missing("what you redeem is bound to a key; send a DPoP proof of it")),
        (Some(bound), Some(key)) if bound == key => Ok(()),
        (Some(_), Some(_)) => {
            Err(GrantError::invalid_grant("dpop_key_differs", "what you redeem is bound to another key than you prove"))
        }
    }
}

fn missing(text: &'static str) -> GrantError {
    GrantError::Refused { reason: "dpop_missing", error: OAuthError::new(ErrorCode::InvalidDpopProof, text) }
}

impl From<DpopError> for GrantError {
    fn from(error: DpopError) -> Self {
        match error {
            DpopError::Refused(refusal) => Self::Refused { reason: refusal.reason, error: refusal.into() },
            DpopError::Database(error) => Self::Database(error),
        }
    }
}
