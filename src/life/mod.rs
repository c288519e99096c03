//! The life of a credential, in one vocabulary for keys, secrets and certificates: what is new stands beside what is in
//! use before it takes over, and what was in use stays for a while.

pub mod retirement;

pub use retirement::{Use, Verdict};

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Known to the other side, not used yet.
    Next,
    /// In use.
    Active,
    /// Not used for anything new; what was made with it may still be valid.
    Retiring,
    /// Nothing that was made with it is valid any more.
    Retired,
    /// Withdrawn at once; whatever was made with it is refused.
    Revoked,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Next, Self::Active, Self::Retiring, Self::Retired, Self::Revoked];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the world is shown its public part, and whether we accept it ourselves: never the one without the other.
    pub const fn is_published(self) -> bool {
        match self {
            Self::Next | Self::Active | Self::Retiring => true,
            Self::Retired | Self::Revoked => false,
        }
    }
}
