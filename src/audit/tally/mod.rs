//! How many sign-ins there were: by day, and by connection. Counted from the events, so that no second truth can differ.

pub mod store;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use time::{Date, Duration, OffsetDateTime};

use crate::db::Conn;

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

/// Days that are over, counted once: nothing is added to them any more, and they are kept longer than they are shown.
#[derive(Debug, Default)]
pub struct FinishedDays(Mutex<BTreeMap<Date, Day>>);

impl FinishedDays {
    /// What may still be written of a day when it is over: events come in batches, and clocks differ.
    const LATE: Duration = Duration::hours(1);
    /// How many are kept at most.
    const KEPT: usize = 40;

    /// `count` days, the last of them today; oldest first.
    ///
    /// # Errors
    /// the database's.
    pub async fn last(&self, conn: &mut Conn, count: u16, now: OffsetDateTime) -> Result<Vec<Day>, sqlx::Error> {
        let first = now.date() - Duration::days(i64::from(count) - 1);
        let mut days = self.known_from(first, now.date());
        let missing = days.last().map_or(first, |day| day.day + Duration::DAY);
        let counted = store::days(conn, missing, now.date()).await?;
        self.remember(&counted, now);
        days.extend(counted);
        Ok(days)
    }

    /// As many days in a row as are known, today left out.
    fn known_from(&self, first: Date, today: Date) -> Vec<Day> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let days = (0..).map(|nth| first + Duration::days(nth)).take_while(|day| *day < today);
        days.map_while(|day| known.get(&day).copied()).collect()
    }

    fn remember(&self, days: &[Day], now: OffsetDateTime) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = (now - Self::LATE).date();
        known.extend(days.iter().filter(|day| day.day < over).map(|day| (day.day, *day)));
        while known.len() > Self::KEPT {
            known.pop_first();
        }
    }
}

impl ByConnection {
    /// Nobody got in since the last failure.
    pub fn is_failing(&self) -> bool {
        let trouble = self.last_trouble.as_ref().filter(|_| self.failed > 0);
        trouble.is_some_and(|trouble| self.last_signed_in.is_none_or(|signed_in| signed_in < trouble.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime};

    #[test]
    fn only_days_that_are_over_are_known_and_only_without_a_gap() {
        let finished = FinishedDays::default();
        let day = |day| Day { day, signed_in: 1, refused: 0, failed: 0 };
        let days = [day(date!(2026 - 11 - 20)), day(date!(2026 - 11 - 21)), day(date!(2026 - 11 - 22))];
        finished.remember(&days, datetime!(2026-11-22 00:30 UTC));
        let known = finished.known_from(date!(2026 - 11 - 20), date!(2026 - 11 - 23));
        assert_eq!(known, days[..1], "the 21st was over half an hour ago, the 22nd is not");
        assert!(finished.known_from(date!(2026 - 11 - 19), date!(2026 - 11 - 23)).is_empty());
        finished.remember(&days, datetime!(2026-11-23 12:00 UTC));
        assert_eq!(finished.known_from(date!(2026 - 11 - 20), date!(2026 - 11 - 23)), days);
        assert_eq!(
            finished.known_from(date!(2026 - 11 - 20), date!(2026 - 11 - 21)),
            days[..1],
            "today is counted anew"
        );
    }
}
