//! Batches events to the database off the request path. Bounded: when the database cannot keep up, events are counted
//! as lost and that is logged, because a broker that stops issuing tokens for want of an audit row helps nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use super::{Event, store};
use crate::ctx::Ctx;
use crate::ids::AuditEventId;

const CAPACITY: usize = 16_384;
/// Rows of one statement; at one flush every 100 ms this is more than signatures can be made.
const BATCH: usize = 8_192;
const FLUSH_EVERY: Duration = Duration::from_millis(100);

enum Message {
    Event(Box<(AuditEventId, OffsetDateTime, Event)>),
    Flush(oneshot::Sender<()>),
}

#[derive(Clone)]
pub struct Sink {
    ctx: Ctx,
    queue: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
}

impl Sink {
    /// Starts the writer on the current runtime.
    pub fn start(ctx: Ctx) -> Self {
        let (queue, inbox) = mpsc::channel(CAPACITY);
        tokio::spawn(write(ctx.clone(), inbox));
        Self { ctx, queue, lost: Arc::default() }
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

async fn write(ctx: Ctx, mut inbox: mpsc::Receiver<Message>) {
    let mut batch = Vec::new();
    while let Some(first) = inbox.recv().await {
        let mut waiting = Vec::new();
        let mut take = |message| match message {
            Message::Event(entry) => batch.push(*entry),
            Message::Flush(done) => waiting.push(done),
        };
        let mut urgent = matches!(first, Message::Flush(_));
        take(first);
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
