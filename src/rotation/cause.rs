//! Why a rotation cannot go on, in a word that stays, and what somebody does about it. Texts never hold a value.

use std::time::Duration;

use crate::vault::OpenError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The provider does not take the driver's own credential.
    CredentialRefused,
    /// It takes it, and it may not do this.
    RightMissing,
    NotFound,
    /// Secrets of somebody else take all the room there is.
    NoRoom,
    /// A policy of the provider forbids client secrets.
    SecretsForbidden,
    /// A policy of the provider allows no lifetime that was tried.
    LifetimeForbidden,
    /// A secret waits here already that no rotation made.
    NextExists,
    /// The connection has no client secret in use.
    NoSecret,
    /// The new secret was not proven in time.
    NotProven,
    /// The provider left the secret as it was.
    NotRotated,
    /// The credential for the client's registration is gone.
    TokenLost,
    /// It is gone, and with it the secret that the provider takes by now.
    SecretLost,
    /// Somebody put another secret into use meanwhile.
    TurnedBack,
    /// Any other refusal.
    Refused,
    /// An address that we do not send to.
    Address,
    /// It failed too often.
    TookTooLong,
    /// What is sealed does not open.
    Unreadable,
    Stopped,
}

impl Cause {
    pub const ALL: [Self; 18] = [
        Self::CredentialRefused,
        Self::RightMissing,
        Self::NotFound,
        Self::NoRoom,
        Self::SecretsForbidden,
        Self::LifetimeForbidden,
        Self::NextExists,
        Self::NoSecret,
        Self::NotProven,
        Self::NotRotated,
        Self::TokenLost,
        Self::SecretLost,
        Self::TurnedBack,
        Self::Refused,
        Self::Address,
        Self::TookTooLong,
        Self::Unreadable,
        Self::Stopped,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CredentialRefused => "credential_refused",
            Self::RightMissing => "right_missing",
            Self::NotFound => "not_found",
            Self::NoRoom => "no_room",
            Self::SecretsForbidden => "secrets_forbidden",
            Self::LifetimeForbidden => "lifetime_forbidden",
            Self::NextExists => "next_exists",
            Self::NoSecret => "no_secret",
            Self::NotProven => "not_proven",
            Self::NotRotated => "not_rotated",
            Self::TokenLost => "token_lost",
            Self::SecretLost => "secret_lost",
            Self::TurnedBack => "turned_back",
            Self::Refused => "refused",
            Self::Address => "address",
            Self::TookTooLong => "took_too_long",
            Self::Unreadable => "unreadable",
            Self::Stopped => "stopped",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }

    pub const fn remedy(self) -> &'static str {
        match self {
            Self::CredentialRefused => {
                "Enter the driver's own credential anew; it may have ended, or belong to somebody else."
            }
            Self::RightMissing => {
                "Give the driver the right that this page names for it, and let its administrator consent."
            }
            Self::NotFound => "Check the ids and the address: there is no such application or client there.",
            Self::NoRoom => {
                "The provider holds as many secrets as it can. Remove one there that nobody uses; we remove only our own."
            }
            Self::SecretsForbidden => {
                "A policy of the provider forbids client secrets. Change the connection to a key (private_key_jwt), or ask for an exception."
            }
            Self::LifetimeForbidden => {
                "Ask the provider's administrator which lifetime its policy allows, and enter less."
            }
            Self::NextExists => "A secret waits here already. Promote it or remove it, and then rotate.",
            Self::NoSecret => "Put a client secret into use first, and let the connection prove itself by it.",
            Self::NotProven => {
                "The provider did not take the new secret in time. The old one is in use. Look at the provider's state and rotate again."
            }
            Self::NotRotated => {
                "This provider gives no new secret when a client's registration is updated. Renew the secret by hand."
            }
            Self::TokenLost => {
                "Ask the provider's administrator for a new registration access token and enter it; check the secret by a test sign-in."
            }
            Self::SecretLost => {
                "Sign-ins fail until this is mended: the provider has made another secret, and its answer was lost. Ask its administrator for a new registration access token, enter it and rotate again, which fetches that secret; or for the secret itself."
            }
            Self::TurnedBack => {
                "Somebody chose another secret meanwhile, so nothing was removed at the provider. Rotate again if that was not meant."
            }
            Self::Refused => "Read what the provider answered, mend it there, and rotate again.",
            Self::Address => "Correct the address of the provider's administration.",
            Self::TookTooLong => "The provider failed again and again. Look at its state, and rotate again.",
            Self::Unreadable => "The master key that sealed it is missing. Put it back, or enter the credential anew.",
            Self::Stopped => "Rotate again when it suits.",
        }
    }

    /// Whether it may pass by itself, so that it is tried again the day after.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::NotProven | Self::TookTooLong)
    }
}

/// Why a step did not succeed.
#[derive(Debug)]
pub enum Hitch {
    /// Somebody else has the rotation by now, or it is over.
    Lost,
    Database(sqlx::Error),
    /// Another attempt may succeed.
    Later {
        said: String,
        after: Option<Duration>,
    },
    /// None will.
    Never {
        cause: Cause,
        said: String,
    },
}

impl Hitch {
    pub fn later(said: impl Into<String>) -> Self {
        Self::Later { said: said.into(), after: None }
    }

    pub fn never(cause: Cause, said: impl Into<String>) -> Self {
        Self::Never { cause, said: said.into() }
    }
}

impl From<sqlx::Error> for Hitch {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<OpenError> for Hitch {
    fn from(error: OpenError) -> Self {
        Self::never(Cause::Unreadable, error.to_string())
    }
}
