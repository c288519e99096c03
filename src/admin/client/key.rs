//! The keys by which a client signs, as its page shows them.

use time::OffsetDateTime;

use crate::admin::moment::{Moment, uses};
use crate::client::key::KnownKey;
use crate::life::Verdict;

/// One line of the table.
pub struct KeyRow {
    pub kid: Option<String>,
    pub thumbprint: String,
    /// `data-state` and the word.
    pub state: (&'static str, &'static str),
    pub used: Option<Moment>,
    /// `12 times, last from 192.0.2.7`.
    pub uses: String,
    pub verdict: Option<Verdict>,
}

impl KeyRow {
    /// `all`: the client's keys, this one among them.
    pub fn of(key: &KnownKey, all: &[KnownKey], now: OffsetDateTime) -> Self {
        let verdict = key.safe_to_retire(all, now);
        let state = match (key.registered, &verdict) {
            (true, _) => ("active", "Registered"),
            (false, Some(_)) => ("active", "Published by it"),
            (false, None) => ("retired", "Not registered any more"),
        };
        Self {
            kid: key.kid.clone(),
            thumbprint: key.thumbprint.clone(),
            state,
            used: key.last_used_at.map(|at| Moment::new(at, now)),
            uses: uses(key.uses, key.last_used_addr.as_deref()),
            verdict,
        }
    }
}
