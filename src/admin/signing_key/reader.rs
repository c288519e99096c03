//! Those who read the JWKS, as the desk tells of them.

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::admin::Trouble;
use crate::admin::when::When;
use crate::broker::Broker;
use crate::signing_key::consumer::{self, Consumer, Gate, LATELY};
use crate::signing_key::{SigningKey, State};

/// Those who are told of by name; more would hide the rest of the page.
const NAMED: usize = 5;

/// Everybody, those of this moment included.
pub async fn all(broker: &Broker) -> Result<Vec<Consumer>, Trouble> {
    broker.write_fetches().await?;
    Ok(consumer::list(&mut *broker.ctx.db.acquire().await?).await?)
}

#[derive(Serialize)]
pub struct ConsumerView {
    address: String,
    product: String,
    #[serde(with = "time::serde::rfc3339")]
    first_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    fetches: i64,
    average_interval_seconds: Option<i64>,
    /// How long it goes on with what it read, at most.
    cache_seconds: i64,
    /// Next keys that it has not fetched yet.
    lacks: Vec<String>,
}

impl ConsumerView {
    pub fn of(consumer: Consumer, keys: &[SigningKey]) -> Self {
        Self {
            lacks: next(keys).filter(|key| !consumer.has(key)).map(|key| key.kid.clone()).collect(),
            average_interval_seconds: consumer.interval().map(Duration::whole_seconds),
            cache_seconds: consumer.cache().whole_seconds(),
            address: consumer.address,
            product: consumer.product,
            first_seen_at: consumer.first_at,
            last_seen_at: consumer.last_at,
            fetches: consumer.fetches,
        }
    }
}

#[derive(Serialize)]
pub struct GateView {
    open: bool,
    /// Consumers seen in the last 7 days.
    consumers: usize,
    waiting_for: Vec<Waiting>,
    #[serde(with = "time::serde::rfc3339::option")]
    at_the_latest: Option<OffsetDateTime>,
}

#[derive(Serialize)]
struct Waiting {
    address: String,
    product: String,
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
}

impl GateView {
    pub fn of(key: &SigningKey, consumers: &[Consumer], now: OffsetDateTime) -> Self {
        let gate = Gate::of(key, consumers, now);
        Self {
            open: gate.is_open() && key.ready_at() <= now,
            consumers: gate.of,
            at_the_latest: gate.at_the_latest(),
            waiting_for: gate
                .waiting
                .into_iter()
                .map(|(one, until)| Waiting { address: one.address, product: one.product, until })
                .collect(),
        }
    }
}

/// One line of the table.
pub struct ReaderRow {
    pub product: String,
    pub address: String,
    pub last: When,
    pub first: When,
    pub fetches: i64,
    pub interval: String,
    pub cache: String,
    /// `All`, or those whose next key it lacks.
    pub lacks: String,
}

impl ReaderRow {
    pub fn of(consumer: &Consumer, keys: &[SigningKey], now: OffsetDateTime) -> Self {
        let lacks: Vec<_> = next(keys).filter(|key| !consumer.has(key)).map(|key| key.alg.as_str()).collect();
        let span = |span: Duration| When::new(now + span, now).distance();
        Self {
            product: consumer.product.clone(),
            address: consumer.address.clone(),
            last: When::new(consumer.last_at, now),
            first: When::new(consumer.first_at, now),
            fetches: consumer.fetches,
            interval: consumer.interval().map_or_else(|| "Came once".into(), span),
            cache: span(consumer.cache()),
            lacks: if lacks.is_empty() { "All".into() } else { format!("Not {}", lacks.join(", ")) },
        }
    }
}

fn next(keys: &[SigningKey]) -> impl Iterator<Item = &SigningKey> {
    keys.iter().filter(|key| key.state == State::Next)
}

/// `Waiting for 2 of 14: Envoy at 10.0.0.7, ..., at the latest at ...`
pub fn gate_line(gate: &Gate, now: OffsetDateTime) -> String {
    match gate.at_the_latest() {
        Some(until) => format!(
            "Waiting for {} of {}: {}, at the latest until {}.",
            gate.waiting.len(),
            gate.of,
            gate.names(NAMED),
            When::new(until, now).minute()
        ),
        None if gate.of == 0 => "Nobody was seen to read the JWKS in the last 7 days.".into(),
        None => format!("Nobody of the {} who read the JWKS in the last 7 days can lack it.", gate.of),
    }
}

/// Who refuses tokens when the next key signs now, and until when at the latest.
pub fn refusing(gate: &Gate, now: OffsetDateTime) -> String {
    let deaf = gate.waiting.iter().filter(|(one, _)| !one.asks_again());
    let told = deaf.take(NAMED).map(|(one, until)| format!("{one} until {}", When::new(*until, now).minute()));
    let told: Vec<_> = told.collect();
    let asking: Vec<_> = gate.waiting.iter().map(|(one, _)| one).filter(|one| one.asks_again()).collect();
    let asking = match asking.len() {
        0 => String::new(),
        _ => format!("{} may refuse one token, then read it anew", consumer::names(asking.into_iter(), NAMED)),
    };
    match (told.is_empty(), asking.is_empty()) {
        (true, true) => "Nobody that we know of".into(),
        (false, true) => told.join(", "),
        (true, false) => asking,
        (false, false) => format!("{}; {asking}", told.join(", ")),
    }
}

/// Who goes on believing a key that left the JWKS now, and until when at the latest.
pub fn believing(consumers: &[Consumer], now: OffsetDateTime) -> String {
    let lately = consumers.iter().filter(|one| one.last_at > now - LATELY);
    let mut still: Vec<_> = lately.map(|one| (one, one.last_at + one.cache())).filter(|(_, end)| *end > now).collect();
    still.sort_by_key(|(_, end)| std::cmp::Reverse(*end));
    let more = still.len().saturating_sub(2 * NAMED);
    let told = still.iter().take(2 * NAMED).map(|(one, end)| format!("{one} until {}", When::new(*end, now).minute()));
    let told: Vec<_> = told.collect();
    match (told.is_empty(), more) {
        (true, _) => "Nobody that we know of".into(),
        (false, 0) => told.join(", "),
        (false, more) => format!("{} and {more} more", told.join(", ")),
    }
}
