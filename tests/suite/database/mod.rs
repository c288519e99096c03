//! What the database knows, and what happens without it.

mod dump;
mod master_key;
mod outage;

/// Until `look` says yes.
pub async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    crate::harness::until(what, async || look().await.then_some(())).await;
}
