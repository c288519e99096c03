//! What an operator looks at first: what needs somebody, in the order of the harm that it does; how many people sign in;
//! and what ends in the next ninety days.

pub mod api;
mod ending;
mod need;
pub mod pages;

use std::collections::HashMap;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

pub use ending::Ending;
pub use need::Need;

use crate::audit::tally::{self, ByConnection, Day};
use crate::broker::Broker;
use crate::broker::catalog::Catalog;
use crate::connection::credential::handover;
use crate::connection::{renewal_link, version};

/// Days in the chart, today included.
const DAYS: u16 = 14;
/// How far the agenda looks.
const AHEAD: Duration = Duration::days(90);

/// Everything that the page is made of, at one moment.
pub struct Picture {
    pub now: OffsetDateTime,
    pub catalog: Arc<Catalog>,
    /// [`DAYS`] of them, oldest first, those without a sign-in as well.
    pub days: Vec<Day>,
    /// Of the last 24 hours, by slug.
    pub lately: HashMap<String, ByConnection>,
    /// Connections whose secret in use is refused while another one stands in, by slug, and since when.
    pub standing_in: HashMap<String, OffsetDateTime>,
    /// Connections whose provider says something else than was approved, by slug, and since when.
    pub drifting: HashMap<String, version::Drift>,
    /// Renewal links that nobody used yet, by the slug of the connection, and when they were made.
    pub links: HashMap<String, OffsetDateTime>,
    /// Everything with an end, the next first.
    endings: Vec<Ending>,
}

impl Picture {
    /// # Errors
    /// the database's.
    pub async fn take(broker: &Broker) -> Result<Self, sqlx::Error> {
        let now = broker.ctx.now();
        let mut conn = broker.ctx.db.acquire().await?;
        let days = broker.finished_days.last(&mut conn, DAYS, now).await?;
        let lately = tally::store::by_connection(&mut conn, now - Duration::DAY).await?;
        let standing_in = handover::store::standing_in(&mut conn, now - Duration::DAY).await?;
        let links = renewal_link::store::waiting(&mut conn, now).await?;
        let drifting = version::all_drifts(&mut conn).await?;
        Ok(Self {
            now,
            standing_in,
            drifting,
            links: links.into_iter().collect(),
            catalog: broker.catalog.load_full(),
            days,
            endings: ending::all(broker),
            lately: lately.into_iter().map(|of| (of.connection.clone(), of)).collect(),
        })
    }

    /// What needs somebody, the worst first.
    pub fn needs(&self) -> Vec<Need> {
        need::all(self)
    }

    /// What ends within [`AHEAD`], the next first; what has ended already is among the needs.
    pub fn agenda(&self) -> Vec<Ending> {
        let until = self.now + AHEAD;
        self.endings.iter().filter(|one| one.at.at <= until).cloned().collect()
    }
}

/// `3 735`: thousands apart by a narrow space, which does not break.
pub fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
