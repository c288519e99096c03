//! Batches events to the database off the request path. Bounded: when the database cannot keep up, events are counted
//! as lost and that is logged, because a broker that stops issuing tokens for want of an audit row helps nobody.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use super::repeats::Repeats;
use super::{Event, store};
use crate::ctx::Ctx;
use crate::ids::AuditEventId;

const CAPACITY: usize = 16_384;
/// Rows of one statement; at one flush every 100 ms this is more than signatures can be made.
const BATCH: usize = 8_192;
const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// How long events of one kind are counted before they are written.
const COUNT_FOR: Duration = Duration::from_secs(10);

enum Message {
    Event(Box<(AuditEventId, OffsetDateTime, Event)>),
    Flush(oneshot::Sender<()>),
}

#[derive(Clone)]
pub struct Sink {
    ctx: Ctx,
    queue: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
    repeats: Arc<Repeats>,
}

impl Sink {
    /// Starts the writer on the current runtime.
    pub fn start(ctx: Ctx) -> Self {
        let (queue, inbox) = mpsc::channel(CAPACITY);
        let repeats = Arc::<Repeats>::default();
        tokio::spawn(write(ctx.clone(), inbox, repeats.clone()));
        Self { ctx, queue, lost: Arc::default(), repeats }
    }

    /// For what happens often and is always the same for one client and address: the first is recorded, those that
    /// follow within [`COUNT_FOR`] are one event together, with `repeated` in its detail. Never waits.
    pub fn record_repeated(&self, client_id: &str, addr: Option<IpAddr>, event: impl FnOnce() -> Event) {
        if let Some(first) = self.repeats.first(client_id, addr, self.ctx.now(), event) {
            self.record(first);
        }
    }

    /// Never waits.
    pub fn record(&self, event: Event) {
        let now = self.ctx.now();
        let entry = Box::new((AuditEventId::new(now, &self.ctx.rng), now, event));
        if self.queue.try_send(Message::Event(entry)).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::error!(lost, "the audit queue is full: the database does not keep up");
            }
        }
    }

    /// Waits until everything recorded so far is written (or has failed to be).
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

async fn write(ctx: Ctx, mut inbox: mpsc::Receiver<Message>, repeats: Arc<Repeats>) {
    let mut batch = Vec::new();
    let mut counted = tokio::time::interval(COUNT_FOR);
    loop {
        let first = tokio::select! {
            message = inbox.recv() => match message {
                Some(message) => Some(message),
                None => break,
            },
            _ = counted.tick() => None,
        };
        let mut waiting = Vec::new();
        let mut take = |message| match message {
            Message::Event(entry) => batch.push(*entry),
            Message::Flush(done) => waiting.push(done),
        };
        let mut urgent = !matches!(first, Some(Message::Event(_)));
        let ticked = first.is_none();
        first.into_iter().for_each(&mut take);
        if !urgent {
            tokio::time::sleep(FLUSH_EVERY).await;
        }
        for _ in 0..BATCH {
            let Ok(message) = inbox.try_recv() else { break };
            urgent |= matches!(message, Message::Flush(_));
            take(message);
            if urgent {
                break;
            }
        }
        if ticked || !waiting.is_empty() {
            let now = ctx.now();
            batch.extend(repeats.take().into_iter().map(|event| (AuditEventId::new(now, &ctx.rng), now, event)));
        }
        if !batch.is_empty() {
            let written = async { store::insert(&mut *ctx.db.acquire().await?, &batch).await }.await;
            if let Err(error) = written {
                tracing::error!(%error, events = batch.len(), "audit events could not be written");
            }
            batch.clear();
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

/// One event, in the caller's transaction.
pub async fn record(ctx: &Ctx, conn: &mut crate::db::Conn, event: Event) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    store::insert(conn, &[(AuditEventId::new(now, &ctx.rng), now, event)]).await
}
