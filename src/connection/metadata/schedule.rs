//! When metadata is asked for: pure functions of the time and of one random fraction.

use time::{Duration, OffsetDateTime};

use super::{Metadata, Refreshing};

/// At least once a day, whatever the provider allows.
const LONGEST: Duration = Duration::hours(24);
/// No provider is asked more often by the clock.
const SHORTEST: Duration = Duration::minutes(5);
const FIRST_RETRY: Duration = Duration::minutes(1);
const LAST_RETRY: Duration = Duration::hours(6);
/// Between two fetches because of certificates that are not known: answers come at anybody's will.
const ASKED_EVERY: Duration = Duration::seconds(60);
/// How long a failure is remembered where people wait for the first document.
const FAILED: Duration = Duration::seconds(5);
/// How long one fetch may hold the lease: longer than any fetch takes.
pub const LEASE: Duration = Duration::seconds(30);
/// Without a success for this long, operators are told.
const STALE: Duration = Duration::hours(48);
const ALERT_EVERY: Duration = Duration::hours(24);

/// Why somebody wants metadata now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The clock.
    Due,
    /// Somebody wants to sign in, and there is none yet.
    Needed,
    /// An answer was signed with a certificate that is not known.
    UnknownCertificate,
    /// An operator.
    Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Fetch,
    /// Somebody else fetches.
    Wait,
    /// It is there, or was tried a moment ago.
    Leave,
}

pub fn turn(row: &Refreshing, why: Why, now: OffsetDateTime) -> Turn {
    if row.leased_until.is_some_and(|until| now < until) {
        return if why == Why::Due { Turn::Leave } else { Turn::Wait };
    }
    let since = |at: Option<OffsetDateTime>, least| at.is_none_or(|at| now - at >= least);
    let fetch = match why {
        Why::Asked => true,
        Why::Due => row.next_refresh_at <= now,
        Why::Needed => row.metadata.is_none() && (row.last_error.is_none() || since(row.attempted_at, FAILED)),
        Why::UnknownCertificate => since(row.asked_at, ASKED_EVERY),
    };
    if fetch { Turn::Fetch } else { Turn::Leave }
}

/// The provider's own wish, but at least daily, give or take a tenth so that many brokers do not come at once; and in
/// the first half of what is left until `validUntil`. `jitter` is from 0 to 1.
pub fn after_success(
    now: OffsetDateTime,
    cache_duration: Option<Duration>,
    valid_until: Option<OffsetDateTime>,
    jitter: f64,
) -> OffsetDateTime {
    let period = jittered(cache_duration.unwrap_or(LONGEST).clamp(SHORTEST, LONGEST), jitter);
    let left = valid_until.map(|until| until - now).filter(|left| left.is_positive());
    now + left.map_or(period, |left| period.min(left / 2)).max(SHORTEST)
}

/// `failures` counts the one that just happened.
pub fn after_failure(now: OffsetDateTime, failures: u32, jitter: f64) -> OffsetDateTime {
    let doubled = FIRST_RETRY * (1_i32 << failures.saturating_sub(1).min(10));
    now + jittered(doubled.min(LAST_RETRY), jitter)
}

fn jittered(period: Duration, jitter: f64) -> Duration {
    period * (0.9 + 0.2 * jitter)
}

/// The audit word, when operators must be told that the stored document is old. It goes on being used.
pub fn alert(row: &Refreshing, metadata: &Metadata, now: OffsetDateTime) -> Option<&'static str> {
    if row.alerted_at.is_some_and(|at| now - at < ALERT_EVERY) {
        return None;
    }
    if metadata.valid_until.is_some_and(|until| until <= now) {
        return Some("expired");
    }
    (row.failures > 0 && now - metadata.fetched_at >= STALE).then_some("unreachable")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn after(cache: Option<Duration>, valid: Option<Duration>, jitter: f64) -> Duration {
        after_success(NOW, cache, valid.map(|left| NOW + left), jitter) - NOW
    }

    #[test]
    fn successes_are_followed_by_the_providers_wish_within_bounds() {
        let (hour, day) = (Duration::hours(1), Duration::days(1));
        let table = [
            (None, None, 0.5, day),
            (None, None, 0.0, day * 0.9),
            (None, None, 1.0, day * 1.1),
            (Some(hour), None, 0.5, hour),
            (Some(Duration::days(7)), None, 0.5, day),
            (Some(Duration::ZERO), None, 0.5, SHORTEST),
            (Some(Duration::ZERO), None, 0.0, SHORTEST),
            (None, Some(hour * 8), 1.0, hour * 4),
            (None, Some(Duration::minutes(2)), 0.5, SHORTEST),
            (None, Some(-day), 0.5, day),
            (Some(hour), Some(day * 30), 0.5, hour),
        ];
        for (cache, valid, jitter, expected) in table {
            assert_eq!(after(cache, valid, jitter), expected, "{cache:?} {valid:?} {jitter}");
        }
    }

    #[test]
    fn failures_back_off_to_six_hours() {
        let minutes = |failures| (after_failure(NOW, failures, 0.5) - NOW).whole_minutes();
        assert_eq!([1, 2, 3, 9, 10, u32::MAX].map(minutes), [1, 2, 4, 256, 360, 360]);
        assert!(after_failure(NOW, 1, 0.0) - NOW < Duration::minutes(1));
    }

    fn row() -> Refreshing {
        Refreshing {
            url: String::new(),
            metadata: None,
            etag: None,
            last_modified: None,
            next_refresh_at: NOW,
            attempted_at: None,
            leased_until: None,
            asked_at: None,
            failures: 0,
            last_error: None,
            alerted_at: None,
            told: Vec::new(),
        }
    }

    fn metadata() -> Metadata {
        Metadata {
            entity_id: String::new(),
            single_sign_on: Vec::new(),
            single_logout: Vec::new(),
            fetched_at: NOW,
            valid_until: None,
            cache_duration: None,
        }
    }

    #[test]
    fn each_reason_has_its_own_patience() {
        let at = |seconds| NOW + Duration::seconds(seconds);
        let turns = |row: &Refreshing, seconds| {
            [Why::Due, Why::Needed, Why::UnknownCertificate, Why::Asked].map(|why| turn(row, why, at(seconds)))
        };
        use Turn::{Fetch, Leave, Wait};
        assert_eq!(turns(&row(), 0), [Fetch; 4]);
        let leased = Refreshing { leased_until: Some(at(30)), ..row() };
        assert_eq!(turns(&leased, 29), [Leave, Wait, Wait, Wait]);
        assert_eq!(turns(&leased, 30), [Fetch; 4]);
        let failed =
            Refreshing { attempted_at: Some(at(0)), last_error: Some("down".into()), next_refresh_at: at(60), ..row() };
        assert_eq!(turns(&failed, 4), [Leave, Leave, Fetch, Fetch]);
        assert_eq!(turns(&failed, 5), [Leave, Fetch, Fetch, Fetch]);
        let asked = Refreshing { metadata: Some(metadata()), asked_at: Some(at(0)), next_refresh_at: at(900), ..row() };
        assert_eq!(turns(&asked, 59), [Leave, Leave, Leave, Fetch]);
        assert_eq!(turns(&asked, 60), [Leave, Leave, Fetch, Fetch]);
    }

    #[test]
    fn operators_hear_of_old_documents_once_a_day() {
        let hour = |hours| NOW + Duration::hours(hours);
        let failing = Refreshing { failures: 3, ..row() };
        assert_eq!(alert(&failing, &metadata(), hour(47)), None);
        assert_eq!(alert(&failing, &metadata(), hour(48)), Some("unreachable"));
        assert_eq!(alert(&row(), &metadata(), hour(48)), None);
        let expired = Metadata { valid_until: Some(hour(1)), ..metadata() };
        assert_eq!(alert(&row(), &expired, hour(1)), Some("expired"));
        let told = Refreshing { alerted_at: Some(hour(1)), ..row() };
        assert_eq!((alert(&told, &expired, hour(24)), alert(&told, &expired, hour(25))), (None, Some("expired")));
    }
}
