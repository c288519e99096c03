//! The pace of devices that poll (RFC 8628 §3.5). In memory, so that a device that waits writes no row; each replica
//! judges what it sees, which can only be more patient than the rule.

use std::collections::HashMap;
use std::sync::Mutex;

use time::{Duration, OffsetDateTime};

/// Two polls this close are one: Go's x/oauth2 tries each call with Basic and at once again in the body.
const TWIN: Duration = Duration::seconds(1);
/// What timers and networks make of an interval.
const LEEWAY: Duration = Duration::seconds(1);
/// By which each hasty poll lengthens the interval.
const STEP: Duration = Duration::seconds(5);
const LONGEST: Duration = Duration::minutes(1);
/// More devices than this are looked through for those whose time is over.
const CROWD: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Patient,
    /// The device asked too soon; from now on it is to wait this long.
    Hasty(Duration),
}

#[derive(Default)]
pub struct Polls(Mutex<HashMap<[u8; 32], Poll>>);

struct Poll {
    at: OffsetDateTime,
    interval: Duration,
    pace: Pace,
    ends: OffsetDateTime,
}

impl Polls {
    /// Judges a poll with the device code of this fingerprint, which ends at `ends`.
    pub fn judge(&self, code: [u8; 32], interval: Duration, ends: OffsetDateTime, now: OffsetDateTime) -> Pace {
        let mut polls = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(poll) = polls.get_mut(&code) else {
            if polls.len() > CROWD {
                polls.retain(|_, poll| poll.ends > now);
            }
            polls.insert(code, Poll { at: now, interval, pace: Pace::Patient, ends });
            return Pace::Patient;
        };
        let since = now - poll.at;
        // a twin is answered like the poll it belongs to, and does not begin a new wait
        if since < TWIN {
            return poll.pace;
        }
        poll.at = now;
        poll.pace = if since < poll.interval - LEEWAY {
            poll.interval = (poll.interval + STEP).min(LONGEST);
            Pace::Hasty(poll.interval)
        } else {
            Pace::Patient
        };
        poll.pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_one_poll_and_haste_costs_five_seconds_each_time() {
        let polls = Polls::default();
        let mut now = OffsetDateTime::UNIX_EPOCH;
        let (five, ends) = (Duration::seconds(5), now + Duration::minutes(10));
        let mut after = |millis| {
            now += Duration::milliseconds(millis);
            polls.judge([1; 32], five, ends, now)
        };
        let (patient, hasty) = (Pace::Patient, |seconds| Pace::Hasty(Duration::seconds(seconds)));
        assert_eq!([after(0), after(3), after(4990), after(2)], [patient; 4]);
        assert_eq!([after(2000), after(3)], [hasty(10); 2], "and its twin hears the same");
        assert_eq!([after(6000), after(14_500), after(30_000)], [hasty(15), patient, patient]);
        // whoever never stops is told once a second
        let answers: Vec<_> = (0..40).map(|_| after(100)).collect();
        assert_eq!(answers.iter().filter(|answer| **answer == patient).count(), 9);
    }
}
