//! What providers publish, remembered per key (an issuer, a JWKS URL). One fetch at a time for each key: whoever comes
//! meanwhile waits for it. A failure is remembered for a few seconds, so that a provider that is down is not asked
//! once per visitor; an older value outlives failures for a day, so that a blip is none of the visitors' business.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use super::UpstreamError;

const FRESH: Duration = Duration::hours(1);
const USABLE: Duration = Duration::hours(24);
const FAILED: Duration = Duration::seconds(5);
/// Between two fetches because a value was not new enough.
const REFETCH: Duration = Duration::seconds(60);

pub(super) struct Cache<T> {
    slots: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Slot<T>>>>>,
}

struct Slot<T> {
    value: Option<(OffsetDateTime, Arc<T>)>,
    failure: Option<(OffsetDateTime, UpstreamError)>,
    refetched: Option<OffsetDateTime>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<T> Cache<T> {
    /// The value of `key`; `fetch` is polled only when it is needed.
    pub(super) async fn get(
        &self,
        key: &str,
        now: OffsetDateTime,
        fetch: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<Arc<T>, UpstreamError> {
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        let usable = match &slot.value {
            Some((at, value)) if now - *at < FRESH => return Ok(value.clone()),
            Some((at, value)) if now - *at < USABLE => Some(value.clone()),
            _ => None,
        };
        if let Some((at, error)) = &slot.failure
            && now - *at < FAILED
        {
            return usable.ok_or_else(|| error.clone());
        }
        match slot.take(now, fetch).await {
            Err(UpstreamError::Unavailable { .. }) if usable.is_some() => Ok(usable.expect("just seen")),
            result => result,
        }
    }

    /// A value other than `tried`, which turned out to be too old. `None` when the last such fetch is too recent, or its
    /// failure.
    pub(super) async fn other_than(
        &self,
        key: &str,
        tried: &Arc<T>,
        now: OffsetDateTime,
        fetch: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<Option<Arc<T>>, UpstreamError> {
        let slot = self.slot(key);
        let mut slot = slot.lock().await;
        match &slot.value {
            Some((_, value)) if !Arc::ptr_eq(value, tried) => return Ok(Some(value.clone())),
            _ if slot.refetched.is_some_and(|at| now - at < REFETCH) => {
                // while it is down nobody can say that the value is not new enough
                return slot.failure.as_ref().map_or(Ok(None), |(_, error)| Err(error.clone()));
            }
            _ => {}
        }
        slot.refetched = Some(now);
        slot.take(now, fetch).await.map(Some)
    }

    fn slot(&self, key: &str) -> Arc<tokio::sync::Mutex<Slot<T>>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Arc::new(tokio::sync::Mutex::new(Slot { value: None, failure: None, refetched: None }));
        slots.entry(key.to_owned()).or_insert_with(empty).clone()
    }
}

impl<T> Slot<T> {
    async fn take(
        &mut self,
        now: OffsetDateTime,
        fetch: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<Arc<T>, UpstreamError> {
        match fetch.await {
            Ok(value) => {
                let value = Arc::new(value);
                self.value = Some((now, value.clone()));
                self.failure = None;
                Ok(value)
            }
            Err(error) => {
                self.failure = Some((now, error.clone()));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn down() -> UpstreamError {
        UpstreamError::unavailable("test", "down")
    }

    async fn got(cache: &Cache<u8>, seconds: i64, answer: Result<u8, UpstreamError>) -> Result<u8, UpstreamError> {
        cache.get("k", START + Duration::seconds(seconds), async { answer }).await.map(|value| *value)
    }

    #[tokio::test]
    async fn values_last_an_hour_failures_five_seconds_and_blips_are_bridged() {
        let cache = Cache::default();
        assert_eq!(got(&cache, 0, Err(down())).await, Err(down()));
        assert_eq!(got(&cache, 4, Ok(1)).await, Err(down()));
        assert_eq!(got(&cache, 5, Ok(2)).await, Ok(2));
        assert_eq!(got(&cache, 3604, Ok(3)).await, Ok(2));
        assert_eq!(got(&cache, 3605, Err(down())).await, Ok(2));
        assert_eq!(got(&cache, 3606, Ok(4)).await, Ok(2));
        assert_eq!(got(&cache, 3610, Ok(5)).await, Ok(5));
        assert_eq!(got(&cache, 3610 + 86400, Err(down())).await, Err(down()));
    }

    #[tokio::test]
    async fn a_value_that_is_too_old_is_fetched_again_once_a_minute() {
        let cache = Cache::default();
        let at = |seconds| START + Duration::seconds(seconds);
        let first = cache.get("k", at(0), async { Ok(1) }).await.unwrap();
        let second = cache.other_than("k", &first, at(1), async { Ok(2) }).await.unwrap().unwrap();
        assert_eq!(*second, 2);
        // Somebody who waited with the first value gets the second without a fetch of his own.
        assert_eq!(cache.other_than("k", &first, at(1), async { Err(down()) }).await.unwrap().as_deref(), Some(&2));
        assert_eq!(cache.other_than("k", &second, at(60), async { Ok(3) }).await, Ok(None));
        let third = cache.other_than("k", &second, at(61), async { Ok(3) }).await.unwrap().unwrap();
        assert_eq!(*third, 3);
        assert_eq!(cache.other_than("k", &third, at(121), async { Err(down()) }).await, Err(down()));
        assert_eq!(cache.other_than("k", &third, at(180), async { Ok(4) }).await, Err(down()), "not that it has none");
        assert_eq!(cache.other_than("k", &third, at(181), async { Ok(4) }).await.unwrap().as_deref(), Some(&4));
    }
}
