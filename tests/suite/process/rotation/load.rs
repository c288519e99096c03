//! People who sign in and programs that fetch tokens, all the while. Each rests as long as its last round took, which is half
//! of what one after the other would be. A request whose connection broke is sent again, as every client does; whatever was
//! answered with a no is a failure.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub struct Load {
    going: Arc<AtomicBool>,
    workers: JoinSet<()>,
    pub tally: Arc<Tally>,
}

#[derive(Default)]
pub struct Tally {
    pub rounds: AtomicUsize,
    pub interrupted: AtomicUsize,
    pub failures: Mutex<Vec<String>>,
}

impl Load {
    pub fn new() -> Self {
        Self { going: Arc::new(AtomicBool::new(true)), workers: JoinSet::new(), tally: Arc::default() }
    }

    /// `round` panics when it gets a no.
    pub fn add<F>(&mut self, name: &'static str, round: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (going, tally) = (self.going.clone(), self.tally.clone());
        self.workers.spawn(async move {
            while going.load(Ordering::Relaxed) {
                let begun = Instant::now();
                match tokio::spawn(round()).await {
                    Ok(()) => drop(tally.rounds.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => {
                        let said = error.into_panic();
                        let said = said.downcast_ref::<String>().cloned().unwrap_or_default();
                        if is_broken_connection(&said) {
                            tally.interrupted.fetch_add(1, Ordering::Relaxed);
                        } else {
                            tally.failures.lock().unwrap().push(format!("{name}: {said}"));
                        }
                    }
                }
                // whom nobody answers does not ask without rest
                tokio::time::sleep(begun.elapsed().max(Duration::from_millis(20))).await;
            }
        });
    }

    /// Waits for `rounds` more; nothing may have failed so far.
    pub async fn carries_on(&self, rounds: usize, after: &str) {
        let before = self.tally.rounds.load(Ordering::Relaxed);
        crate::harness::until("the load to go on", async || {
            let failures = self.tally.failures.lock().unwrap().clone();
            assert!(failures.is_empty(), "after {after}: {failures:#?}");
            (self.tally.rounds.load(Ordering::Relaxed) >= before + rounds).then_some(())
        })
        .await;
    }

    pub async fn stop(mut self) -> Arc<Tally> {
        self.going.store(false, Ordering::Relaxed);
        while self.workers.join_next().await.is_some() {}
        self.tally.clone()
    }
}

/// The client library's own words, of a request that got no answer or half of one.
fn is_broken_connection(said: &str) -> bool {
    said.contains("reqwest::Error")
}
