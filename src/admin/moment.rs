//! A time, both ways: a date to act on, and how far away it is. Always UTC.

use std::fmt;

use time::macros::format_description;
use time::{Duration, OffsetDateTime};

#[derive(Clone, Copy, Debug)]
pub struct Moment {
    at: OffsetDateTime,
    now: OffsetDateTime,
}

impl Moment {
    pub const fn new(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { at, now }
    }

    /// For `datetime=`: `2026-11-29T14:00Z`.
    pub fn machine(&self) -> String {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
        self.at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
    }

    /// `29 Nov 2026, 14:00`.
    pub fn date(&self) -> String {
        let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
        self.at.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default()
    }

    /// `in 6 days`, `12 seconds ago`.
    pub fn distance(&self) -> String {
        let left = self.at - self.now;
        let span = span(left.abs());
        if left.is_negative() || left.is_zero() { format!("{span} ago") } else { format!("in {span}") }
    }

    pub fn is_past(&self) -> bool {
        self.at <= self.now
    }

    /// What of a year is left, in hundredths.
    pub fn share(&self) -> i64 {
        ((self.at - self.now).whole_days() * 100 / 365).clamp(0, 100)
    }

    /// Within a month: somebody should act.
    pub fn is_near(&self) -> bool {
        self.at - self.now < Duration::days(30)
    }
}

/// Both, for a sentence.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.date(), self.distance())
    }
}

fn span(left: Duration) -> String {
    let (count, unit) = match left {
        left if left.whole_days() >= 2 => (left.whole_days(), "day"),
        left if left.whole_hours() >= 2 => (left.whole_hours(), "hour"),
        left if left.whole_minutes() >= 2 => (left.whole_minutes(), "minute"),
        left => (left.whole_seconds(), "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// `12 times, last from 192.0.2.7`.
pub fn uses(times: i64, addr: Option<&str>) -> String {
    let from = addr.map(|addr| format!(", last from {addr}")).unwrap_or_default();
    format!("{times} {}{from}", if times == 1 { "time" } else { "times" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_both_ways() {
        let now = OffsetDateTime::UNIX_EPOCH;
        for (left, said) in [
            (Duration::days(6) + Duration::hours(3), "in 6 days"),
            (Duration::hours(47), "in 47 hours"),
            (Duration::seconds(1), "in 1 second"),
            (-Duration::minutes(12), "12 minutes ago"),
            (-Duration::seconds(119), "119 seconds ago"),
        ] {
            assert_eq!(Moment::new(now + left, now).distance(), said);
        }
        let moment = Moment::new(now + Duration::days(31), now);
        assert_eq!((moment.machine().as_str(), moment.date().as_str()), ("1970-02-01T00:00Z", "1 Feb 1970, 00:00"));
        assert!(!moment.is_near() && !moment.is_past());
    }
}
