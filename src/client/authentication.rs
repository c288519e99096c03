//! Client authentication (RFC 6749 §2.3): the check, and the evidence that it was passed.

use std::sync::Arc;

use time::OffsetDateTime;

use super::assertion::VerifiedAssertion;
use super::key::KeyName;
use super::settings::AuthMethod;
use super::{Client, ClientId};
use crate::secret::Secret;
use crate::vault::Vault;

/// Evidence: this client proved itself, or is public and cannot.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    secret_id: Option<crate::ids::ClientSecretId>,
    key: Option<KeyName>,
}

/// What a request brought. Candidates: the raw bytes, and percent-decoded ones, because clients disagree (RFC 6749 §2.3.1).
#[derive(Debug)]
pub struct Presented {
    pub client_id: ClientId,
    pub secrets: Vec<Secret<String>>,
    /// Where the secret stood.
    pub method: AuthMethod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    UnknownClient,
    /// Unknown, and no secret was sent: told in the same words as a confidential client that sent none.
    UnknownOrSecretMissing,
    Disabled,
    SecretMissing,
    SecretWrong,
    SecretExpired,
    /// The proof is right, and the client is registered for another kind.
    OtherMethod,
    /// Unknown, or none of its keys signed the assertion.
    AssertionUnsigned,
}

impl Refusal {
    /// The audit word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownClient | Self::UnknownOrSecretMissing => "client_unknown",
            Self::Disabled => "client_disabled",
            Self::SecretMissing => "client_secret_missing",
            Self::SecretWrong => "client_secret_wrong",
            Self::SecretExpired => "client_secret_expired",
            Self::OtherMethod => "client_authentication_method",
            Self::AssertionUnsigned => "assertion_signature",
        }
    }

    /// What the client is told. An unknown client and a wrong secret read alike.
    pub const fn description(self) -> &'static str {
        match self {
            Self::UnknownClient | Self::SecretWrong => "unknown client, or its secret is wrong",
            Self::Disabled => "this client is disabled",
            Self::SecretMissing | Self::UnknownOrSecretMissing => {
                "unknown client, or a confidential one that sent no secret: send it by HTTP Basic or as client_secret, or send a client_assertion"
            }
            Self::SecretExpired => "this client secret has expired; use the newer one",
            Self::OtherMethod => {
                "this client is registered for another way to prove itself; an operator finds it as token_endpoint_auth_method"
            }
            Self::AssertionUnsigned => "unknown client, or none of its registered keys signed the assertion",
        }
    }
}

impl AuthenticatedClient {
    /// A public client passes by its name; a secret that it sends all the same is ignored (libraries probe with one).
    pub fn check(
        client: Option<&Arc<Client>>,
        presented: &Presented,
        vault: &Vault,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        let silent = presented.secrets.iter().all(|s| s.expose().is_empty());
        let Some(client) = client else {
            return Err(if silent { Refusal::UnknownOrSecretMissing } else { Refusal::UnknownClient });
        };
        if !client.is_confidential() {
            return if client.enabled {
                Ok(Self { client: client.clone(), secret_id: None, key: None })
            } else {
                Err(Refusal::Disabled)
            };
        }
        if silent {
            return Err(Refusal::SecretMissing);
        }
        let digests: Vec<_> = presented.secrets.iter().map(|s| vault.digest(s.expose())).collect();
        let found = client.secrets.iter().find(|known| {
            digests.iter().any(|d| aws_lc_rs::constant_time::verify_slices_are_equal(d, &known.digest).is_ok())
        });
        match found {
            None => Err(Refusal::SecretWrong),
            Some(secret) if !secret.is_valid_at(now) => Err(Refusal::SecretExpired),
            // only who proved itself is told that it is disabled
            Some(_) if !client.enabled => Err(Refusal::Disabled),
            Some(_) if !allows(client, presented.method) => Err(Refusal::OtherMethod),
            Some(secret) => Ok(Self { client: client.clone(), secret_id: Some(secret.id.clone()), key: None }),
        }
    }

    /// By an assertion that was verified for this very client.
    ///
    /// # Errors
    /// [`Refusal::Disabled`], [`Refusal::OtherMethod`].
    pub fn by_assertion(client: &Arc<Client>, verified: &VerifiedAssertion) -> Result<Self, Refusal> {
        if !allows(client, AuthMethod::PrivateKeyJwt) {
            return Err(Refusal::OtherMethod);
        }
        Self::by_grant(client, verified)
    }

    /// By a JWT that is the grant itself (RFC 7523 §2.1, RFC 8693), whichever way to authenticate is registered.
    ///
    /// # Errors
    /// [`Refusal::Disabled`].
    pub fn by_grant(client: &Arc<Client>, verified: &VerifiedAssertion) -> Result<Self, Refusal> {
        let proven = || Self { client: client.clone(), secret_id: None, key: verified.key().cloned() };
        client.enabled.then(proven).ok_or(Refusal::Disabled)
    }

    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Which secret was used, for `last_used_at`.
    pub fn secret_id(&self) -> Option<&crate::ids::ClientSecretId> {
        self.secret_id.as_ref()
    }

    /// Which key of its own signed for it.
    pub fn key(&self) -> Option<&KeyName> {
        self.key.as_ref()
    }
}

fn allows(client: &Client, method: AuthMethod) -> bool {
    client.settings.token_endpoint_auth_method.is_none_or(|registered| registered == method)
}
