//! How often somebody may err: counted by key in a window of time. In memory, so each replica counts what it sees; what
//! is guarded must be safe with as many times the limit as there are replicas.

use std::collections::HashMap;
use std::sync::Mutex;

use time::{Duration, OffsetDateTime};

/// More keys than this are looked through for those whose window is over.
const CROWD: usize = 10_000;

pub struct Attempts {
    window: Duration,
    counts: Mutex<HashMap<String, Count>>,
}

struct Count {
    attempts: u32,
    ends: OffsetDateTime,
}

impl Attempts {
    pub fn new(window: Duration) -> Self {
        Self { window, counts: Mutex::default() }
    }

    /// How long until `key` has attempts left; `None` when it has now.
    pub fn wait(&self, key: &str, limit: u32, now: OffsetDateTime) -> Option<Duration> {
        let counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = counts.get(key).filter(|count| count.attempts >= limit && count.ends > now)?;
        Some(count.ends - now)
    }

    pub fn note(&self, key: String, now: OffsetDateTime) {
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if counts.len() > CROWD {
            counts.retain(|_, count| count.ends > now);
        }
        let begun = || Count { attempts: 0, ends: now + self.window };
        let count = counts.entry(key).or_insert_with(begun);
        if count.ends <= now {
            *count = begun();
        }
        count.attempts += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_until_the_window_is_over_and_for_its_key_only() {
        let attempts = Attempts::new(Duration::minutes(10));
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds);
        for second in 0..3 {
            assert_eq!(attempts.wait("a", 3, at(second)), None);
            attempts.note("a".into(), at(second));
        }
        assert_eq!(attempts.wait("a", 3, at(60)), Some(Duration::minutes(9)));
        assert_eq!(attempts.wait("b", 3, at(60)), None);
        assert_eq!(attempts.wait("a", 3, at(600)), None);
        attempts.note("a".into(), at(600));
        assert_eq!(attempts.wait("a", 3, at(601)), None, "it begins at zero again");
    }
}
