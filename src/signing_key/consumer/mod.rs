//! Who reads our JWKS, and how long each may go on with what it read. Owns what is known of a consumer and the gate that
//! holds a next key back until everybody who was seen lately has it. A consumer is an address and a program, as far as a
//! User-Agent tells.

pub mod fetches;
pub mod store;

use std::fmt;

use time::{Duration, OffsetDateTime};

use super::SigningKey;
use crate::db::Conn;

/// A promotion waits for those who were seen so lately.
pub const LATELY: Duration = Duration::days(7);
/// Who has not come for so long is forgotten.
pub const FORGOTTEN: Duration = Duration::days(30);
/// How long a consumer may keep a JWKS of which we know nothing else: Confluent Cloud's default.
pub const LONGEST_CACHE: Duration = Duration::hours(24);

/// The User-Agent of our own look at the JWKS, which waits for no key.
pub const OURSELVES: &str = concat!("avouch-doctor/", env!("CARGO_PKG_VERSION"));

/// What caches a JWKS for how long, at most, by default. Looked for in the whole User-Agent, in this order.
struct Known {
    mark: &'static str,
    name: &'static str,
    cache: Duration,
    /// It asks again at once for a key that it does not know.
    asks_again: bool,
}

const fn known(mark: &'static str, name: &'static str, cache: Duration, asks_again: bool) -> Known {
    Known { mark, name, cache, asks_again }
}

const KNOWN: [Known; 15] = [
    known("mod_auth_openidc", "mod_auth_openidc", Duration::hours(1), true),
    known("confluent", "Confluent", LONGEST_CACHE, false),
    known("kafka", "Kafka", Duration::hours(1), true),
    known("nimbus", "Nimbus", Duration::minutes(5), true),
    known("envoy", "Envoy", Duration::minutes(10), false),
    known("istio", "Istio", Duration::minutes(20), false),
    known("pilot", "Istio", Duration::minutes(20), false),
    known("grafana", "Grafana", Duration::hours(1), false),
    known("go-oidc", "go-oidc", Duration::minutes(15), true),
    known("jose/", "jose", Duration::minutes(10), true),
    // a language's own client says nothing of the library above it: the longest of those that use it. Keycloak is one of
    // Apache's, Kafka and Nimbus of Java's, Grafana, Istio and go-oidc of Go's
    known("apache-httpclient", "Apache-HttpClient", LONGEST_CACHE, true),
    known("java", "Java", Duration::hours(1), true),
    known("go-http-client", "Go-http-client", Duration::hours(1), false),
    // people who look
    known("mozilla", "Browser", Duration::minutes(15), true),
    known("curl", "curl", Duration::minutes(15), true),
];

fn find(agent: &str) -> Option<&'static Known> {
    let agent = agent.to_ascii_lowercase();
    // what is stored is a name
    KNOWN.iter().find(|known| agent.contains(known.mark) || agent.eq_ignore_ascii_case(known.name))
}

/// What a User-Agent calls itself, without the version: an upgraded consumer is the same one.
pub fn product(agent: &str) -> String {
    if let Some(known) = find(agent) {
        return known.name.into();
    }
    let word = |c: &char| c.is_ascii_alphanumeric() || "-_.+".contains(*c);
    let name: String = agent.trim_start().chars().take_while(word).take(40).collect();
    if name.is_empty() { "unnamed".into() } else { name }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// An IPv6 network of 64 bits counts as one.
    pub address: String,
    pub product: String,
    pub first_at: OffsetDateTime,
    pub last_at: OffsetDateTime,
    pub fetches: i64,
    /// The newest key that it was given, by [`SigningKey::number`].
    pub saw: i64,
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.product, self.address)
    }
}

impl Consumer {
    pub fn has(&self, key: &SigningKey) -> bool {
        self.saw >= key.number
    }

    /// On average, between one fetch and the next; nothing is known of one that came once.
    pub fn interval(&self) -> Option<Duration> {
        let times = i32::try_from(self.fetches - 1).unwrap_or(i32::MAX);
        (times > 0).then(|| (self.last_at - self.first_at) / times)
    }

    /// Nothing that it read lives longer with it.
    pub fn cache(&self) -> Duration {
        find(&self.product).map_or(LONGEST_CACHE, |known| known.cache)
    }

    /// Whether it asks again at once for a key that it does not know.
    pub fn asks_again(&self) -> bool {
        find(&self.product).is_some_and(|known| known.asks_again)
    }
}

/// Whether everybody who was seen lately has a next key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Who has not, and until when it may go on with what it read before; the last one first.
    pub waiting: Vec<(Consumer, OffsetDateTime)>,
    pub of: usize,
}

impl Gate {
    pub fn of(key: &SigningKey, consumers: &[Consumer], now: OffsetDateTime) -> Self {
        let lately: Vec<_> = consumers.iter().filter(|consumer| consumer.last_at > now - LATELY).collect();
        let lacking = lately.iter().filter(|consumer| !consumer.has(key));
        let until = lacking.map(|consumer| ((*consumer).clone(), key.published_at + consumer.cache()));
        let mut waiting: Vec<_> = until.filter(|(_, until)| *until > now).collect();
        waiting.sort_by_key(|(_, until)| std::cmp::Reverse(*until));
        Self { waiting, of: lately.len() }
    }

    pub fn is_open(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When it opens, whoever comes or does not. `None`: it is open.
    pub fn at_the_latest(&self) -> Option<OffsetDateTime> {
        self.waiting.first().map(|(_, until)| *until)
    }

    /// Up to `most` of those it waits for: `Envoy at 10.0.0.7, Java at 10.0.0.8 and 3 others`.
    pub fn names(&self, most: usize) -> String {
        names(self.waiting.iter().map(|(consumer, _)| consumer), most)
    }
}

/// Up to `most` of them by name, the others by number.
pub fn names<'a>(consumers: impl Iterator<Item = &'a Consumer>, most: usize) -> String {
    let mut all: Vec<String> = consumers.map(ToString::to_string).collect();
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    let others = if more == 1 { "other" } else { "others" };
    if more == 0 { all.join(", ") } else { format!("{} and {more} {others}", all.join(", ")) }
}

/// Everybody who is remembered; who came last is first.
///
/// # Errors
/// the database's.
pub async fn list(conn: &mut Conn) -> Result<Vec<Consumer>, sqlx::Error> {
    store::list(conn).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Alg;
    use crate::signing_key::State;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn consumer(product: &str, saw: i64, last_at: OffsetDateTime) -> Consumer {
        let address = "192.0.2.7".into();
        Consumer { address, product: product.into(), first_at: last_at, last_at, fetches: 1, saw }
    }

    #[test]
    fn a_user_agent_is_known_by_its_name_and_not_by_its_version() {
        for (agent, name, cache) in [
            ("jose/v6.1.0", "jose", Duration::minutes(10)),
            ("Mozilla/5.0 (X11)", "Browser", Duration::minutes(15)),
            ("Java/17.0.2", "Java", Duration::hours(1)),
            ("[shop:443:12] mod_auth_openidc-2.4.15 libcurl-8.5", "mod_auth_openidc", Duration::hours(1)),
            ("Go-http-client/2.0", "Go-http-client", Duration::hours(1)),
            ("python-requests/2.32", "python-requests", LONGEST_CACHE),
            ("", "unnamed", LONGEST_CACHE),
            ("<script>", "unnamed", LONGEST_CACHE),
        ] {
            assert_eq!(product(agent), name, "{agent}");
            assert_eq!(consumer(name, 0, NOW).cache(), cache, "{agent}: what is stored is known again");
        }
        assert_eq!(product(&"x".repeat(500)).len(), 40);
    }

    #[test]
    fn the_gate_waits_for_those_seen_lately_and_no_longer_than_they_cache() {
        let key = SigningKey {
            kid: "k".into(),
            number: 5,
            alg: Alg::RS256,
            state: State::Next,
            published_at: NOW,
            activated_at: None,
            retiring_at: None,
            ended_at: None,
        };
        let hour = NOW + Duration::minutes(59);
        let all = [
            consumer("Envoy", 4, NOW),
            consumer("Java", 4, NOW),
            consumer("Java", 5, hour),
            consumer("unnamed", 4, NOW - LATELY),
        ];
        let gate = Gate::of(&key, &all, NOW);
        assert_eq!((gate.waiting.len(), gate.of), (2, 3));
        assert_eq!(gate.at_the_latest(), Some(NOW + Duration::hours(1)));
        assert_eq!(gate.names(1), "Java at 192.0.2.7 and 1 other");
        assert_eq!(Gate::of(&key, &all, hour).names(3), "Java at 192.0.2.7");
        assert!(Gate::of(&key, &all, NOW + Duration::hours(1)).is_open());
        assert!(Gate::of(&key, &[], NOW).is_open());
    }
}
