//! What happened: append-only events. Decisive ones (a login, a refusal) are written in the transaction that decides;
//! frequent ones (machine tokens) go through [`Sink`], which writes them in batches. Nobody updates or deletes one, which
//! the database itself sees to; they end with their retention ([`end_retention`]).

mod filter;
mod recorded;
mod repeats;
mod sink;
pub mod store;
pub mod tally;

pub use filter::{Filter, Position};
pub use recorded::{Export, Recorded, page};
pub use sink::{Sink, record};

use std::net::IpAddr;

use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::{AuditEventId, TraceId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    /// We said no.
    Refused,
    /// Something else broke: an upstream, the network.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Success, Self::Refused, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Who does something through the admin pages, the admin API or the command line, and from where. Each named operation that an
/// operator may call takes one, so that nothing can be changed without the audit log knowing by whom.
#[derive(Clone, Debug)]
pub struct Author {
    /// `operator:EMAIL`, `operator_key:NAME`, `client:ID`, `user:SUB`, `renewal_link:ID`, `rotation:ID` or `system`.
    pub actor: String,
    pub trace_id: Option<TraceId>,
    pub remote_addr: Option<IpAddr>,
}

impl Author {
    /// Whoever sits at the machine itself: the command line, a background task.
    pub fn system() -> Self {
        Self { actor: "system".into(), trace_id: None, remote_addr: None }
    }

    /// Somebody at the command line.
    pub fn cli() -> Self {
        Self { actor: "cli".into(), ..Self::system() }
    }

    /// A success of this author, to be filled in further.
    pub fn did(&self, action: &'static str) -> Event {
        Event::success(action, &self.actor).by(self)
    }
}

/// One event. `action` and `reason` are stable words; `detail` holds what an operator needs and never a secret.
#[derive(Clone, Debug)]
pub struct Event {
    pub action: &'static str,
    pub outcome: Outcome,
    pub reason: Option<String>,
    /// `client:ID`, `user:SUB`, `operator:EMAIL`, `system` or `anonymous`.
    pub actor: String,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub sub: Option<String>,
    pub trace_id: Option<TraceId>,
    pub remote_addr: Option<IpAddr>,
    pub detail: serde_json::Value,
}

impl Event {
    pub fn success(action: &'static str, actor: impl Into<String>) -> Self {
        Self::new(action, Outcome::Success, None, actor.into())
    }

    pub fn refused(action: &'static str, reason: impl Into<String>, actor: impl Into<String>) -> Self {
        Self::new(action, Outcome::Refused, Some(reason.into()), actor.into())
    }

    pub fn failed(action: &'static str, reason: impl Into<String>, actor: impl Into<String>) -> Self {
        Self::new(action, Outcome::Failed, Some(reason.into()), actor.into())
    }

    fn new(action: &'static str, outcome: Outcome, reason: Option<String>, actor: String) -> Self {
        Self {
            action,
            outcome,
            reason,
            actor,
            client_id: None,
            connection: None,
            sub: None,
            trace_id: None,
            remote_addr: None,
            detail: serde_json::json!({}),
        }
    }

    pub fn by(mut self, author: &Author) -> Self {
        self.trace_id.clone_from(&author.trace_id);
        self.remote_addr = author.remote_addr;
        self
    }
    pub fn client(mut self, client_id: impl ToString) -> Self {
        self.client_id = Some(client_id.to_string());
        self
    }
    pub fn connection(mut self, slug: impl ToString) -> Self {
        self.connection = Some(slug.to_string());
        self
    }
    pub fn about(mut self, sub: impl ToString) -> Self {
        self.sub = Some(sub.to_string());
        self
    }
    pub fn trace(mut self, trace_id: &TraceId) -> Self {
        self.trace_id = Some(trace_id.clone());
        self
    }
    pub fn from_addr(mut self, addr: Option<IpAddr>) -> Self {
        self.remote_addr = addr;
        self
    }
    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }
}

/// Removes some of the events whose retention (a setting, in days) is over by the database's clock, and records that it
/// did. How many; zero: nothing is left to remove.
///
/// # Errors
/// the database's.
pub async fn end_retention(ctx: &Ctx, conn: &mut Conn) -> Result<u64, sqlx::Error> {
    let now = ctx.now();
    let event = AuditEventId::new(now, &ctx.rng);
    store::end_retention(conn, &event, now).await
}
