//! Fetches of the JWKS since they were last written: in memory, because the document is asked for without a limit and must
//! cost no row. Whoever was here this minute costs a read lock and a few atomic additions.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use time::OffsetDateTime;

use super::{Consumer, product};

const SHARDS: usize = 16;
/// Addresses of one shard. More come in a minute only when somebody wants to fill the memory; those are not noted.
const ADDRESSES: usize = 256;
/// Programs of one address; the others count as one.
const AGENTS: usize = 8;
/// Bytes of a User-Agent that are looked at.
const AGENT: usize = 200;
const OTHERS: &str = "others";
/// In microseconds: how exactly the last fetch is known.
const SECOND: i64 = 1_000_000;

#[derive(Default)]
pub struct Fetches([RwLock<HashMap<IpAddr, Vec<Noted>>>; SHARDS]);

struct Noted {
    agent: Box<str>,
    count: AtomicI64,
    first: OffsetDateTime,
    /// Unix time in microseconds, which is what the database keeps.
    last: AtomicI64,
    saw: AtomicI64,
}

impl Noted {
    fn again(&self, at: OffsetDateTime, saw: i64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        // written only where it says something new: cores that answer the same consumer do not wait for one another
        if self.last.load(Ordering::Relaxed) + SECOND <= micros(at) {
            self.last.fetch_max(micros(at), Ordering::Relaxed);
        }
        if self.saw.load(Ordering::Relaxed) < saw {
            self.saw.fetch_max(saw, Ordering::Relaxed);
        }
    }
}

impl Fetches {
    /// Somebody was given the keys up to `saw`.
    pub fn note(&self, address: IpAddr, agent: &str, saw: i64, at: OffsetDateTime) {
        let agent = agent.get(..AGENT).unwrap_or(agent);
        let shard = &self.0[shard(address)];
        if let Some(known) = shard.read().unwrap_or_else(PoisonError::into_inner).get(&address)
            && let Some(noted) = known.iter().find(|noted| *noted.agent == *agent)
        {
            return noted.again(at, saw);
        }
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= ADDRESSES && !shard.contains_key(&address) {
            return;
        }
        let known = shard.entry(address).or_default();
        let agent = if known.len() < AGENTS { agent } else { OTHERS };
        match known.iter().find(|noted| *noted.agent == *agent) {
            Some(noted) => noted.again(at, saw),
            None => known.push(Noted {
                agent: agent.into(),
                count: 1.into(),
                first: at,
                last: micros(at).into(),
                saw: saw.into(),
            }),
        }
    }

    /// What was gathered since the last time, each consumer once, in the order of their keys: replicas that write at the
    /// same time lock rows in the same order.
    pub fn take(&self) -> Vec<Consumer> {
        let mut taken: BTreeMap<(String, String), Consumer> = BTreeMap::new();
        for shard in &self.0 {
            let noted = std::mem::take(&mut *shard.write().unwrap_or_else(PoisonError::into_inner));
            for (address, one) in noted.into_iter().flat_map(|(at, all)| all.into_iter().map(move |one| (at, one))) {
                let consumer = consumer(address, one);
                taken
                    .entry((consumer.address.clone(), consumer.product.clone()))
                    .and_modify(|known| {
                        known.first_at = known.first_at.min(consumer.first_at);
                        known.last_at = known.last_at.max(consumer.last_at);
                        known.fetches += consumer.fetches;
                        known.saw = known.saw.max(consumer.saw);
                    })
                    .or_insert(consumer);
            }
        }
        taken.into_values().collect()
    }
}

fn consumer(address: IpAddr, noted: Noted) -> Consumer {
    let last = i128::from(noted.last.into_inner()) * 1000;
    Consumer {
        address: address.to_string(),
        product: product(&noted.agent),
        first_at: noted.first,
        last_at: OffsetDateTime::from_unix_timestamp_nanos(last).unwrap_or(noted.first),
        fetches: noted.count.into_inner(),
        saw: noted.saw.into_inner(),
    }
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

fn shard(address: IpAddr) -> usize {
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64,
    };
    // neighbours in one network differ in their last bits
    (bits % SHARDS as u128) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn each_consumer_is_counted_once_whatever_its_version() {
        let fetches = Fetches::default();
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        for (agent, saw, after) in [("jose/v5", 3, 0), ("jose/v6", 4, 9), ("jose/v6", 3, 5), ("Envoy", 4, 0)] {
            fetches.note(address, agent, saw, NOW + Duration::seconds(after));
        }
        let taken = fetches.take();
        let told: Vec<_> = taken.iter().map(|one| (one.product.as_str(), one.fetches, one.saw)).collect();
        assert_eq!(told, [("Envoy", 1, 4), ("jose", 3, 4)]);
        assert_eq!((taken[1].first_at, taken[1].last_at), (NOW, NOW + Duration::seconds(9)));
        assert!(fetches.take().is_empty());
    }

    #[test]
    fn nobody_fills_the_memory() {
        let fetches = Fetches::default();
        for n in 0..100_000_u32 {
            fetches.note(IpAddr::V4((n % 5000).into()), &format!("agent{n}"), 1, NOW);
        }
        let taken = fetches.take();
        assert!(taken.len() <= SHARDS * ADDRESSES * (AGENTS + 1), "{}", taken.len());
        assert!(taken.iter().any(|one| one.product == OTHERS));
    }
}
