//! What is owed to somebody outside: rows that are taken for a lease, a few at a time, and tried again after growing pauses
//! until they are done or given up. Owns the pace and the sending; what is owed, to whom, and which answer settles it is the
//! caller's. Replicas need no agreement but the row: whoever takes it has it for the lease.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::outbound::{Client, FetchError};

/// What has become due is looked for so often, and at once when somebody says that there is something new.
const EVERY: Duration = Duration::from_secs(1);
/// So that one receiver that hangs does not hold up the others.
const AT_A_TIME: usize = 16;
/// Bytes of an answer, of which only the status counts.
const MAX_ANSWER: usize = 64 << 10;

/// One kind of errand.
pub trait Errands: Send + Sync + 'static {
    type Errand: Send + 'static;
    /// For the log: "applications cannot be told of logouts".
    const TROUBLE: &'static str;

    /// Rung when something new is owed.
    fn bell(&self) -> &Notify;
    fn standing(&self) -> Standing;
    /// Up to `limit` that are due, for a lease.
    fn take(&self, limit: usize) -> impl Future<Output = Result<Vec<Self::Errand>, sqlx::Error>> + Send;
    /// One attempt, and what came of it written down.
    fn run(self: Arc<Self>, errand: Self::Errand) -> impl Future<Output = ()> + Send;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    /// The database is away.
    Waiting,
    Over,
}

/// Keeps up with what is owed until it is over.
pub async fn keep_up<E: Errands>(errands: Arc<E>) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            () = errands.bell().notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            Some(_) = under_way.join_next() => {}
        }
        while under_way.try_join_next().is_some() {}
        let free = AT_A_TIME - under_way.len();
        match errands.standing() {
            Standing::Over => return,
            Standing::Open if free > 0 => {}
            _ => continue,
        }
        match errands.take(free).await {
            Ok(taken) => taken.into_iter().for_each(|one| drop(under_way.spawn(errands.clone().run(one)))),
            Err(error) => tracing::warn!(%error, "{} just now", E::TROUBLE),
        }
    }
}

/// Between one attempt and the next.
#[derive(Clone, Copy, Debug)]
pub struct Pauses(pub &'static [time::Duration]);

impl Pauses {
    /// When to try again after so many attempts. `None`: never.
    pub fn next(self, attempts: i32, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let pause = usize::try_from(attempts).ok()?.checked_sub(1).and_then(|index| self.0.get(index))?;
        Some(now + *pause)
    }
}

/// What came back of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Status(StatusCode),
    /// We do not send there, today or later; the sentence says why.
    NotAllowed(String),
    Nothing(String),
}

/// Sends within the time, by the guarded client: no redirects, no private addresses.
pub async fn send(http: &Client, within: Duration, request: Result<http::Request<Vec<u8>>, http::Error>) -> Reply {
    let Ok(request) = request else { return Reply::NotAllowed(FetchError::Url.to_string()) };
    match tokio::time::timeout(within, http.send_up_to(MAX_ANSWER, request)).await {
        Ok(Ok(answer)) => Reply::Status(answer.status()),
        Ok(Err(error @ (FetchError::Url | FetchError::PlainHttp { .. } | FetchError::Private { .. }))) => {
            Reply::NotAllowed(error.to_string())
        }
        Ok(Err(error)) => Reply::Nothing(error.to_string()),
        Err(_elapsed) => Reply::Nothing(format!("it did not answer within {} s", within.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_gone_through_once() {
        const PAUSES: Pauses = Pauses(&[time::Duration::seconds(1), time::Duration::hours(1)]);
        let (now, pauses) = (OffsetDateTime::UNIX_EPOCH, PAUSES);
        let taken: Vec<_> = (1..).map_while(|attempts| pauses.next(attempts, now)).map(|at| at - now).collect();
        assert_eq!(taken, pauses.0);
        assert!(pauses.next(0, now).is_none() && pauses.next(-1, now).is_none());
    }
}
