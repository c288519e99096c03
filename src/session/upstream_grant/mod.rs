//! What a provider gave us to ask it again with, after the person has left: one per sign-in, and used by one request at a
//! time, because many providers take back every refresh token that comes twice. It outlives the session where refresh
//! tokens of applications do. When the provider is asked, and what follows from its answer, is decided elsewhere.

pub mod store;

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::ctx::Ctx;
use crate::ids::{ConnectionId, IdentityId, SessionId};
use crate::secret::Secret;
use crate::vault::{Place, Sealed};

/// The provider's own refresh token, and what its last ID token said: the next one must be about the same person.
#[derive(Clone, Debug, Deserialize)]
pub struct Kept {
    pub refresh_token: Secret<String>,
    pub claims: Value,
}

/// Why the provider's word is as old as it is. The words are stored, audited and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It gave no refresh token.
    Missing,
    /// It does not take its refresh token any more: expired or revoked there, or the person is gone.
    Refused,
    /// It cannot be reached, or what it says cannot be verified.
    Unavailable,
    /// Its token endpoint does not accept us.
    Misconfigured,
    /// The connection's rule does not let the person in any more.
    NotAllowed,
    /// It vouched for somebody else.
    OtherPerson,
    /// The connection leads to another provider, or the person's tenant is not on its list any more.
    OtherIssuer,
}

/// A grant as it stands in storage.
#[derive(Debug)]
pub struct Grant {
    /// `None`: there is nothing to ask with, and `failure` says why.
    pub sealed: Option<Sealed>,
    pub checked_at: OffsetDateTime,
    /// Without a failure: somebody is asking. With one: it just failed.
    pub busy_until: Option<OffsetDateTime>,
    pub failure: Option<Failure>,
}

/// Whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub session: &'a SessionId,
    pub connection: &'a ConnectionId,
    pub identity: &'a IdentityId,
}

impl Kept {
    pub fn seal(&self, ctx: &Ctx, session: &SessionId) -> Sealed {
        let json = json!({ "refresh_token": self.refresh_token.expose(), "claims": self.claims });
        ctx.vault.seal(place(session), Secret::new(json.to_string()).expose().as_bytes(), &ctx.rng)
    }

    /// # Errors
    /// what an operator should know; never what was sealed.
    pub fn open(ctx: &Ctx, session: &SessionId, sealed: &Sealed) -> Result<Self, String> {
        let text = ctx.vault.open(place(session), sealed).map_err(|error| error.to_string())?;
        serde_json::from_slice(text.expose()).map_err(|_| "another version sealed it".into())
    }
}

fn place(session: &SessionId) -> Place<'_> {
    Place { table: "upstream_grants", column: "sealed", row: session.as_str() }
}

impl Failure {
    const ALL: [Self; 7] = [
        Self::Missing,
        Self::Refused,
        Self::Unavailable,
        Self::Misconfigured,
        Self::NotAllowed,
        Self::OtherPerson,
        Self::OtherIssuer,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "upstream_refresh_token_missing",
            Self::Refused => "upstream_refused",
            Self::Unavailable => "upstream_unavailable",
            Self::Misconfigured => "upstream_misconfigured",
            Self::NotAllowed => "not_allowed",
            Self::OtherPerson => "upstream_other_person",
            Self::OtherIssuer => "upstream_other_issuer",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == text)
    }

    /// Whether the same question may be answered in a minute.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Unavailable | Self::Misconfigured)
    }

    /// Whether it ends what the sign-in led to, however little the connection asks for.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::NotAllowed | Self::OtherPerson | Self::OtherIssuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for failure in Failure::ALL {
            assert_eq!(Failure::parse(failure.as_str()), Some(failure));
        }
    }
}
