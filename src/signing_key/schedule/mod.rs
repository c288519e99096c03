//! When keys change by themselves: how long each algorithm's key signs, and how long the next one is shown before. Owns the
//! rules and what follows from them for caches; the change itself is [`super::rotation`]'s.

pub mod store;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::SigningKey;
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::in_tx;
use crate::jose::Alg;

pub const LIFETIME_DAYS: RangeInclusive<i64> = 1..=730;
/// An hour is more than the longest `max-age` there is: no cache that keeps to it lacks a key when it begins to sign.
pub const PUBLISH_AHEAD_HOURS: RangeInclusive<i64> = 1..=720;

/// Confluent reads less than five minutes as five minutes; go-oidc 2 does not look again before it is over, however unknown
/// the `kid`, so that it must not be long.
const MAX_AGE: RangeInclusive<u64> = 300..=900;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `None`: keys change only by hand.
    pub lifetime_days: Option<i32>,
    pub publish_ahead_hours: i32,
}

impl Default for Plan {
    fn default() -> Self {
        Self { lifetime_days: Some(90), publish_ahead_hours: 24 }
    }
}

/// Of every algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(pub(super) BTreeMap<Alg, Plan>);

/// What an operator wrote.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub lifetime_days: Option<i64>,
    pub publish_ahead_hours: i64,
}

impl Wanted {
    /// # Errors
    /// every fault there is: the field, and what is wrong with it.
    pub fn check(self) -> Result<Plan, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let mut within = |field, given: i64, range: RangeInclusive<i64>, said: &str| {
            if !range.contains(&given) {
                faults.push((field, format!("Enter a number of {said} from {} to {}.", range.start(), range.end())));
            }
            i32::try_from(given).unwrap_or_default()
        };
        let lifetime_days = self.lifetime_days.map(|days| within("lifetime_days", days, LIFETIME_DAYS, "days"));
        let publish_ahead_hours = within("publish_ahead_hours", self.publish_ahead_hours, PUBLISH_AHEAD_HOURS, "hours");
        if lifetime_days.is_some_and(|days| i64::from(days) * 24 < i64::from(publish_ahead_hours)) {
            faults.push((
                "publish_ahead_hours",
                "A next key appears when the one before begins to sign: it cannot be shown for longer than that one signs.".into(),
            ));
        }
        if faults.is_empty() { Ok(Plan { lifetime_days, publish_ahead_hours }) } else { Err(faults) }
    }
}

impl Plan {
    /// How long a next key is shown before the schedule lets it sign.
    pub fn publish_ahead(self) -> Duration {
        Duration::hours(self.publish_ahead_hours.into())
    }

    /// From when on the schedule lets `next` sign in place of `active`.
    pub fn due_at(self, active: &SigningKey, next: &SigningKey) -> Option<OffsetDateTime> {
        let life = Duration::days(self.lifetime_days?.into());
        let old = active.activated_at.unwrap_or(active.published_at) + life;
        Some(old.max(next.published_at + self.publish_ahead()))
    }
}

impl Schedule {
    pub fn of(&self, alg: Alg) -> Plan {
        self.0.get(&alg).copied().unwrap_or_default()
    }

    /// How long consumers may cache the JWKS: the longer keys are shown ahead, the less often need anybody ask.
    pub fn max_age(&self) -> std::time::Duration {
        let hours = Alg::ALL.into_iter().map(|alg| self.of(alg).publish_ahead_hours).min().unwrap_or_default();
        // a day ahead: five minutes
        let seconds = u64::try_from(hours).unwrap_or_default() * 300 / 24;
        std::time::Duration::from_secs(seconds.clamp(*MAX_AGE.start(), *MAX_AGE.end()))
    }
}

/// Another plan for one algorithm.
///
/// # Errors
/// the database's.
pub async fn change(ctx: &Ctx, author: &Author, alg: Alg, plan: Plan) -> Result<(), sqlx::Error> {
    in_tx(&ctx.db, async |conn| {
        super::store::lock(conn).await?;
        let before = store::load(conn).await?.of(alg);
        if before == plan {
            return Ok(());
        }
        store::set(conn, alg, plan).await?;
        let mut changes = serde_json::Map::new();
        if before.lifetime_days != plan.lifetime_days {
            changes.insert("lifetime_days".into(), json!([before.lifetime_days, plan.lifetime_days]));
        }
        if before.publish_ahead_hours != plan.publish_ahead_hours {
            changes.insert("publish_ahead_hours".into(), json!([before.publish_ahead_hours, plan.publish_ahead_hours]));
        }
        let detail = json!({ "alg": alg.as_str(), "changes": changes });
        audit::record(ctx, conn, author.did("signing_key.schedule_changed").detail(detail)).await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_may_keep_longer_what_is_shown_longer_ahead() {
        let schedule =
            |hours| Schedule(Alg::ALL.map(|alg| (alg, Plan { publish_ahead_hours: hours, ..Plan::default() })).into());
        for (hours, seconds) in [(1, 300), (24, 300), (48, 600), (720, 900)] {
            assert_eq!(schedule(hours).max_age().as_secs(), seconds, "{hours}");
        }
        assert!(*MAX_AGE.end() < 3600 * PUBLISH_AHEAD_HOURS.start().unsigned_abs(), "no key signs before caches end");
    }

    #[test]
    fn a_plan_is_refused_that_cannot_be_kept() {
        let check = |lifetime_days, publish_ahead_hours| Wanted { lifetime_days, publish_ahead_hours }.check();
        assert_eq!(check(Some(90), 24), Ok(Plan::default()));
        assert!(check(None, 720).is_ok());
        for (days, hours) in [(Some(0), 24), (Some(1), 25), (Some(90), 0), (None, 721), (Some(-1), 1)] {
            assert!(check(days, hours).is_err(), "{days:?} {hours}");
        }
    }
}
