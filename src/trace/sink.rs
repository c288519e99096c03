//! Writes what requests have told, off their path and many at a time: a login never waits for its trace. What cannot be
//! written is lost, and that is logged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::redact::redacted;
use super::store::{self, LoginRow, PartRow};
use super::{Part, Step, Word};
use crate::ctx::Ctx;
use crate::db;

const CAPACITY: usize = 4_096;
const BATCH: usize = 512;
const FLUSH_EVERY: Duration = Duration::from_millis(100);

enum Message {
    Part(Box<Part>),
    Flush(oneshot::Sender<()>),
}

#[derive(Clone)]
pub struct Sink {
    queue: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
}

impl Sink {
    /// Starts the writer on the current runtime.
    pub fn start(ctx: Ctx) -> Self {
        let (queue, inbox) = mpsc::channel(CAPACITY);
        tokio::spawn(run(ctx, inbox));
        Self { queue, lost: Arc::default() }
    }

    /// Never waits.
    pub fn record(&self, part: Part) {
        if self.queue.try_send(Message::Part(Box::new(part))).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::error!(lost, "the queue of login traces is full: the database does not keep up");
            }
        }
    }

    /// Waits until everything recorded so far is written (or has failed to be): whoever reads a trace next reads it all.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

async fn run(ctx: Ctx, mut inbox: mpsc::Receiver<Message>) {
    let mut parts = Vec::new();
    while let Some(first) = inbox.recv().await {
        let mut waiting = Vec::new();
        let mut next = Some(first);
        if matches!(next, Some(Message::Part(_))) {
            tokio::time::sleep(FLUSH_EVERY).await;
        }
        while let Some(message) = next {
            match message {
                Message::Part(part) => parts.push(*part),
                Message::Flush(done) => waiting.push(done),
            }
            next = if parts.len() < BATCH { inbox.try_recv().ok() } else { None };
        }
        if !parts.is_empty() {
            let count = parts.len();
            if let Err(error) = write(&ctx, std::mem::take(&mut parts)).await {
                tracing::error!(%error, parts = count, "login traces could not be written");
            }
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

async fn write(ctx: &Ctx, parts: Vec<Part>) -> Result<(), sqlx::Error> {
    // one row a login, however many of its requests came in this batch; in the order of ids, so that two replicas never
    // wait for each other
    let mut logins = BTreeMap::new();
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        logins.entry(part.login.to_string()).or_insert_with(|| LoginRow::begun(&part)).take_in(ctx, &part);
        rows.push(sealed(ctx, part));
    }
    let logins: Vec<LoginRow> = logins.into_values().collect();
    db::in_tx(&ctx.db, async |conn| {
        store::upsert_logins(conn, &logins).await?;
        store::insert_parts(conn, &rows).await
    })
    .await
}

fn sealed(ctx: &Ctx, part: Part) -> PartRow {
    let has_claims = part.steps.iter().any(|step| step.word == Word::Claims);
    let steps: Vec<Step> = part.steps.into_iter().map(|step| Step { detail: redacted(step.detail), ..step }).collect();
    let json = serde_json::to_vec(&steps).unwrap_or_default();
    let sealed = ctx.vault.seal(store::part_place(part.trace_id.as_str()), &json, &ctx.rng);
    PartRow { trace_id: part.trace_id, login: part.login, at: part.at, has_claims, sealed }
}
