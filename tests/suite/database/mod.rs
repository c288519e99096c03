//! What the database knows, and what happens without it.

mod dump;
mod outage;

use std::time::Duration;

/// Until `look` says yes, for at most 20 s.
pub async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if look().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} takes too long");
}
