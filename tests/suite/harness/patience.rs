//! Waiting for what comes by itself. How long a machine takes says nothing about the broker, so the limit is far off: it is
//! there for what never comes.

use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(90);

/// Asks until there is an answer. `what` is said when there is none.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
