//! What operators should hear of before somebody else tells them: credentials that end soon, sign-ins that are refused more
//! than usual. Each is written once to the audit log, from where webhooks carry it on. Looked for by the janitor, on every
//! replica; the one that holds the lock writes.

pub mod store;

use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::broker::expiry::{Expiry, Kind, People, Successor};
use crate::db;

/// Days before the end at which one is reminded; zero: it has ended.
const REMINDERS: [i64; 7] = [0, 1, 3, 7, 14, 30, 60];

/// The reminder that is due now: the nearest to the end that has come.
fn reminder(at: OffsetDateTime, now: OffsetDateTime) -> Option<i64> {
    REMINDERS.into_iter().find(|days| at - now <= Duration::days(*days))
}

/// At least so many refused sign-ins in an hour: below, one person who mistyped all morning is an alarm.
const ENOUGH: i64 = 10;
/// And so many times as many as in an hour of the week before.
const TIMES: i64 = 3;
const HOUR: Duration = Duration::hours(1);
const WEEK: Duration = Duration::weeks(1);
/// It is said once in so long.
const QUIET: Duration = Duration::hours(6);

/// `before`: refused in the week before the last hour.
fn is_rising(last_hour: i64, before: i64) -> bool {
    last_hour >= ENOUGH && last_hour * (WEEK.whole_hours() - 1) >= TIMES * before
}

/// Looks, and writes what nobody was told of yet.
///
/// # Errors
/// the database's.
pub async fn look(broker: &Broker) -> Result<(), sqlx::Error> {
    let now = broker.ctx.now();
    db::in_tx(&broker.ctx.db, async |conn| {
        if !store::lock(conn).await? {
            return Ok(());
        }
        for event in expiring(broker, conn, now).await?.into_iter().chain(rising(conn, now).await?) {
            audit::record(&broker.ctx, conn, event).await?;
        }
        Ok(())
    })
    .await
}

/// Each mark once for each credential and its end. What comes after it and works, or that it is gone, ends the matter.
async fn expiring(broker: &Broker, conn: &mut db::Conn, now: OffsetDateTime) -> Result<Vec<Event>, sqlx::Error> {
    let expiries = broker.expiries();
    let worrying: Vec<(&Expiry, i64)> = expiries
        .iter()
        .filter(|one| one.successor != Successor::Working)
        .filter_map(|one| reminder(one.at, now).map(|days| (one, days)))
        .collect();
    let mut events = Vec::new();
    for told in store::open(conn).await? {
        // each replica knows of its own listener's only, which may be another one or none
        let is_tls = told.kind == Kind::TlsCertificate.as_str();
        if is_tls && told.ends_at > now || worrying.iter().any(|(one, _)| told.is_of(one)) {
            continue;
        }
        store::close(conn, &told, now).await?;
        if is_tls {
            continue;
        }
        let detail =
            json!({ "kind": told.kind, "owner": told.owner, "id": told.id, "ends": told.ends_at.unix_timestamp() });
        events.push(Event::success("credential.renewed", "system").detail(detail));
    }
    let mut people = None;
    for (one, days) in worrying {
        if !store::remind(conn, one, days).await? {
            continue;
        }
        if people.is_none() {
            people = Some(People::count(conn, now).await?);
        }
        events.push(ending(one, days, &one.consequence(people.as_ref().unwrap_or(&People::default()))));
    }
    Ok(events)
}

fn ending(one: &Expiry, days: i64, consequence: &str) -> Event {
    let (kind, owner, id) = (one.kind.as_str(), &one.owner, &one.id);
    tracing::warn!(kind, owner, id, days, "a credential ends soon or has ended");
    let event = Event::success("credential.expiring", "system").detail(json!({
        "kind": kind,
        "owner": owner,
        "id": id,
        "expires_at": one.at.format(&Rfc3339).unwrap_or_default(),
        "ends": one.at.unix_timestamp(),
        "days": days,
        "consequence": consequence,
        "remedy": one.advice(),
        "page": one.path,
    }));
    match one.kind {
        kind if kind.is_of_connection() => event.connection(owner),
        kind if kind.is_of_client() => event.client(owner),
        _ => event,
    }
}

async fn rising(conn: &mut db::Conn, now: OffsetDateTime) -> Result<Vec<Event>, sqlx::Error> {
    let mut events = Vec::new();
    for (connection, last_hour) in store::refused_since(conn, now - HOUR, ENOUGH).await? {
        let before = store::refused_between(conn, &connection, now - WEEK, now - HOUR).await?;
        if !is_rising(last_hour, before) || store::said_rising_since(conn, &connection, now - QUIET).await? {
            continue;
        }
        tracing::warn!(connection, last_hour, before, "more sign-ins are refused than usual");
        let detail = json!({ "refused_last_hour": last_hour, "refused_week_before": before });
        events.push(Event::success("logins.refused_rising", "system").connection(&connection).detail(detail));
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_reminded_at_each_mark_and_once_it_is_over() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let in_days = |days: f64| reminder(now + Duration::seconds_f64(days * 86_400.0), now);
        let table = [
            (-5.0, Some(0)),
            (0.5, Some(1)),
            (2.0, Some(3)),
            (14.0, Some(14)),
            (29.9, Some(30)),
            (31.0, Some(60)),
            (61.0, None),
        ];
        for (days, due) in table {
            assert_eq!(in_days(days), due, "{days}");
        }
    }

    #[test]
    fn rising_is_more_than_a_handful_and_more_than_usual() {
        for (last_hour, before, rising) in
            [(9, 0, false), (10, 0, true), (10, 167, true), (10, 1670, false), (60, 1670, true), (29, 1670, false)]
        {
            assert_eq!(is_rising(last_hour, before), rising, "{last_hour} after {before}");
        }
    }
}
