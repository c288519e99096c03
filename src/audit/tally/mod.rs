//! How many sign-ins there were: by day, and by connection. Counted from the events, so that no second truth can differ.

pub mod store;

use time::{Date, OffsetDateTime};

/// One day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub day: Date,
    pub signed_in: i64,
    pub refused: i64,
    /// An upstream, the network, or we ourselves.
    pub failed: i64,
}

/// What became of the sign-ins by one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByConnection {
    /// Its slug.
    pub connection: String,
    pub signed_in: i64,
    pub refused: i64,
    pub failed: i64,
    pub last_signed_in: Option<OffsetDateTime>,
    /// The last one that was refused or failed.
    pub last_trouble: Option<LastTrouble>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastTrouble {
    pub at: OffsetDateTime,
    pub reason: String,
    pub trace_id: Option<String>,
}

impl ByConnection {
    /// Nobody got in since the last failure.
    pub fn is_failing(&self) -> bool {
        let trouble = self.last_trouble.as_ref().filter(|_| self.failed > 0);
        trouble.is_some_and(|trouble| self.last_signed_in.is_none_or(|signed_in| signed_in < trouble.at))
    }
}
