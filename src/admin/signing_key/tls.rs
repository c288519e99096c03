//! The TLS certificate of the replica that answers, as the page tells of it.

use time::OffsetDateTime;

use crate::admin::when::When;
use crate::broker::expiry::Served;

pub struct TlsRow {
    pub sha256: String,
    pub since: When,
    pub ends: When,
    pub previous: Option<(String, When)>,
}

impl TlsRow {
    pub fn of(served: &Served, now: OffsetDateTime) -> Self {
        let previous = served.previous.as_ref().map(|(sha256, until)| (sha256.clone(), When::new(*until, now)));
        let (since, ends) = (When::new(served.since, now), When::new(served.not_after, now));
        Self { sha256: served.id.clone(), since, ends, previous }
    }
}
