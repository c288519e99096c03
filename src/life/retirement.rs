//! Whether a credential can go without anybody noticing, said in one way of every kind: yes, or not yet, and why. Which
//! question is asked belongs to each kind; the words around its uses are here.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use time::{Duration, OffsetDateTime};

/// What others come to us with and did not for so long, they do not come with any more, as far as one can tell: longer
/// than a job that runs once a week.
pub const QUIET: Duration = Duration::days(8);

/// Uses of one credential that were gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The last time.
    pub at: OffsetDateTime,
    pub times: i64,
    /// The last one that is known.
    pub addr: Option<IpAddr>,
}

/// Its text is `Yes: ...` or `Not yet: ...`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub safe: bool,
    /// A sentence.
    pub reason: String,
    /// When it may become safe, as far as that is a matter of time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub not_before: Option<OffsetDateTime>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.safe { "Yes" } else { "Not yet" }, self.reason)
    }
}

impl Verdict {
    pub fn safe(reason: impl Into<String>) -> Self {
        Self { safe: true, reason: reason.into(), not_before: None }
    }

    pub fn not_yet(reason: impl Into<String>) -> Self {
        Self { safe: false, reason: reason.into(), not_before: None }
    }

    #[must_use]
    pub fn before(self, at: OffsetDateTime) -> Self {
        Self { not_before: Some(at), ..self }
    }

    /// Of what others come with: somebody came within [`QUIET`], or may not have begun yet. None: neither keeps it.
    pub fn needed(
        last: Option<OffsetDateTime>,
        addr: Option<&str>,
        made: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Option<Self> {
        match last {
            Some(at) if now - at < QUIET => {
                let when = match (now - at).whole_days() {
                    0 => "today".into(),
                    1 => "yesterday".into(),
                    days => format!("{days} days ago"),
                };
                let from = addr.map(|addr| format!(" from {addr}")).unwrap_or_default();
                Some(Self::not_yet(format!("It was used {when}{from}.")).before(at + QUIET))
            }
            _ if now - made < QUIET => {
                Some(Self::not_yet("It is new: it may be on its way to the application.").before(made + QUIET))
            }
            _ => None,
        }
    }
}
