//! Events that come by the thousand and say the same thing: a machine's tokens. The first of a kind is an event like any
//! other; those of the next seconds are counted and become one event together, so that a token costs no row.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Event;

#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<HashMap<String, HashMap<Option<IpAddr>, Tally>>>);

#[derive(Debug)]
struct Tally {
    event: Event,
    /// After the first, which was written by itself.
    count: u64,
    since: OffsetDateTime,
}

impl Repeats {
    /// What to write now: the event, if it is the first of its client and address.
    pub(super) fn first(
        &self,
        client_id: &str,
        addr: Option<IpAddr>,
        now: OffsetDateTime,
        event: impl FnOnce() -> Event,
    ) -> Option<Event> {
        let mut kinds = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(tally) = kinds.get_mut(client_id).and_then(|addresses| addresses.get_mut(&addr)) {
            tally.count += 1;
            return None;
        }
        let event = event();
        let tally = Tally { event: event.clone(), count: 0, since: now };
        kinds.entry(client_id.to_owned()).or_default().insert(addr, tally);
        Some(event)
    }

    /// Everything counted since the last time, one event a kind.
    pub(super) fn take(&self) -> Vec<Event> {
        let mut kinds = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tallies = kinds.drain().flat_map(|(_, addresses)| addresses.into_values());
        tallies.filter(|tally| tally.count > 0).map(Tally::into_event).collect()
    }
}

impl Tally {
    fn into_event(self) -> Event {
        let mut event = self.event;
        // many requests, many traces
        event.trace_id = None;
        event.detail["repeated"] = self.count.into();
        event.detail["since"] = self.since.format(&Rfc3339).unwrap_or_default().into();
        event
    }
}
