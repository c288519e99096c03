//! What came of trying a credential at its provider before it takes over. Owns the words and for how long a good result
//! counts; `upstream` does the trying.

pub mod store;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// A result is believed for so long: afterwards somebody may have removed the secret at the provider.
pub const COUNTS_FOR: Duration = Duration::hours(1);

macro_rules! words {
    ($(#[$doc:meta])* $kind:ident { $($(#[$what:meta])* $name:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $kind { $($(#[$what])* #[serde(rename = $word)] $name,)* }

        impl $kind {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

words! {
    /// How it was found out.
    Method {
        /// A code that the provider never gave was redeemed.
        AuthorizationCode = "authorization_code",
        /// A token of our own was asked for.
        ClientCredentials = "client_credentials",
        Introspection = "introspection",
        Revocation = "revocation",
        /// An operator signed in with it.
        TestLogin = "test_login",
    }
}

words! {
    Verdict {
        Proven = "proven",
        Refused = "refused",
        /// The answers do not tell a right credential from a wrong one.
        Unclear = "unclear",
        Unreachable = "unreachable",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearsal {
    pub verdict: Verdict,
    pub method: Method,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// As in audit.
    pub by: String,
    /// Status and error word of what was answered; never a value.
    pub evidence: serde_json::Value,
}

impl Rehearsal {
    /// Whether a credential may take over for it.
    pub fn is_green(&self, now: OffsetDateTime) -> bool {
        self.verdict == Verdict::Proven && now - self.at < COUNTS_FOR
    }
}
