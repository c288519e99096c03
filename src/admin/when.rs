//! Times as pages say them: in UTC, which is what logs and certificates say, and how far away.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    pub at: OffsetDateTime,
    now: OffsetDateTime,
}

impl When {
    pub fn new(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { at, now }
    }

    /// For `datetime=`: `2026-11-23T09:41:00Z`.
    pub fn machine(&self) -> String {
        let second = self.at.replace_nanosecond(0).unwrap_or(self.at);
        second.format(&Rfc3339).unwrap_or_default()
    }

    /// `23 November 2026`.
    pub fn day(&self) -> String {
        self.at.format(format_description!("[day padding:none] [month repr:long] [year]")).unwrap_or_default()
    }

    /// `23 November 2026, 09:41 UTC`.
    pub fn minute(&self) -> String {
        self.at
            .format(format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC"))
            .unwrap_or_default()
    }

    /// `Monday 23 November 2026, 09:41 UTC`.
    pub fn weekday_and_minute(&self) -> String {
        format!("{} {}", self.at.weekday(), self.minute())
    }

    pub fn day_of_month(&self) -> u8 {
        self.at.day()
    }

    /// `Nov`.
    pub fn short_month(&self) -> String {
        self.at.format(format_description!("[month repr:short]")).unwrap_or_default()
    }

    /// `23 Nov`.
    pub fn short_day(&self) -> String {
        format!("{} {}", self.day_of_month(), self.short_month())
    }

    pub fn is_over(&self) -> bool {
        self.at <= self.now
    }

    /// Over, or not further away than that.
    pub fn is_within(&self, ahead: Duration) -> bool {
        self.at - self.now < ahead
    }

    /// How far away, either way: `6 days`, `5 hours`, `12 seconds`.
    pub fn distance(&self) -> String {
        let seconds = (self.at - self.now).whole_seconds().unsigned_abs();
        let (count, unit) = match seconds {
            0..60 => (seconds, "second"),
            60..3600 => (seconds / 60, "minute"),
            3600..172_800 => (seconds / 3600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }

    /// `5 hours ago`, or `in 6 days`.
    pub fn relative(&self) -> String {
        if self.is_over() { format!("{} ago", self.distance()) } else { format!("in {}", self.distance()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_when_and_how_far_away() {
        let now = OffsetDateTime::from_unix_timestamp(1_795_426_868).unwrap();
        let when = |seconds| When::new(now + Duration::seconds(seconds), now);
        assert_eq!(when(0).machine(), "2026-11-23T09:41:08Z");
        assert_eq!(when(0).weekday_and_minute(), "Monday 23 November 2026, 09:41 UTC");
        assert_eq!(when(0).short_day(), "23 Nov");
        for (seconds, words) in [
            (0, "0 seconds ago"),
            (-1, "1 second ago"),
            (90, "in 1 minute"),
            (7200, "in 2 hours"),
            (86_400, "in 24 hours"),
            (6 * 86_400 + 5, "in 6 days"),
            (-400 * 86_400, "400 days ago"),
        ] {
            assert_eq!(when(seconds).relative(), words);
        }
    }
}
