//! Reading traces: the list, and one login with everything that was told of it.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::store::{self, Filter, Row};
use super::{Kind, Outcome, Somebody, Step, Word};
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::TraceId;

/// A line of the list.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The trace id of its first request.
    pub id: TraceId,
    pub kind: Kind,
    pub outcome: Outcome,
    /// The audit word of a refusal.
    pub reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub user_id: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub remote_addr: Option<String>,
}

#[derive(Clone, Debug)]
pub struct LoginTrace {
    pub summary: Summary,
    /// Of all its requests, in their order.
    pub trace_ids: Vec<TraceId>,
    pub steps: Vec<Step>,
}

impl LoginTrace {
    /// Where it stopped: the last step that did not pass, if none succeeded after it.
    pub fn stop(&self) -> Option<&Step> {
        let wanted = self.summary.reason.as_ref()?;
        self.steps.iter().rev().find(|step| step.reason.as_ref() == Some(wanted))
    }

    pub fn claims(&self) -> Option<&Value> {
        claims_in(&self.steps)
    }
}

fn claims_in(steps: &[Step]) -> Option<&Value> {
    steps.iter().rev().find(|step| step.word == Word::Claims).map(|step| &step.detail["claims"])
}

/// The login that any of its trace ids names.
///
/// # Errors
/// the database's.
pub async fn find(ctx: &Ctx, conn: &mut Conn, trace_id: &str) -> Result<Option<LoginTrace>, sqlx::Error> {
    let Some(row) = store::by_trace_id(conn, trace_id).await? else { return Ok(None) };
    let mut trace = LoginTrace { summary: opened(ctx, row), trace_ids: Vec::new(), steps: Vec::new() };
    for (trace_id, sealed) in store::parts(conn, trace.summary.id.as_str()).await? {
        trace.steps.extend(steps(ctx, &trace_id, &sealed));
        trace.trace_ids.push(trace_id);
    }
    Ok(Some(trace))
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub outcome: Option<Outcome>,
    pub connection: Option<String>,
    /// A whole address; case does not count.
    pub email: Option<String>,
    /// Older than the one with this id.
    pub before: Option<TraceId>,
}

/// The newest first, at most `limit`.
///
/// # Errors
/// the database's.
pub async fn list(ctx: &Ctx, conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<Vec<Summary>, sqlx::Error> {
    let email = wanted.email.as_deref().map(|email| store::email_digest(&ctx.vault, email));
    let filter = Filter {
        outcome: wanted.outcome.map(Outcome::as_str),
        connection: wanted.connection.as_deref(),
        email: email.as_ref(),
        before: wanted.before.as_ref().map(TraceId::as_str),
    };
    let rows = store::list(conn, filter, limit).await?;
    Ok(rows.into_iter().map(|row| opened(ctx, row)).collect())
}

/// What a provider has said of the people who came last, newest first: each with the summary of its login.
///
/// # Errors
/// the database's.
pub async fn last_claims(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &str,
    most: i64,
) -> Result<Vec<(Summary, Value)>, sqlx::Error> {
    let found = store::with_claims(conn, connection, most).await?;
    let claims = |(row, trace_id, sealed): (Row, TraceId, _)| {
        let steps = steps(ctx, &trace_id, &sealed);
        Some((opened(ctx, row), claims_in(&steps)?.clone()))
    };
    Ok(found.into_iter().filter_map(claims).collect())
}

/// What does not open is left out: the trace of a lost master key helps nobody, and is no reason to show nothing.
fn steps(ctx: &Ctx, trace_id: &TraceId, sealed: &crate::vault::Sealed) -> Vec<Step> {
    let opened = ctx.vault.open(store::part_place(trace_id.as_str()), sealed);
    opened.ok().and_then(|json| serde_json::from_slice(json.expose()).ok()).unwrap_or_default()
}

fn opened(ctx: &Ctx, row: Row) -> Summary {
    let person = row.person.as_ref().and_then(|sealed| {
        let json = ctx.vault.open(store::person_place(&row.id), sealed).ok()?;
        serde_json::from_slice::<Somebody>(json.expose()).ok()
    });
    let person = person.unwrap_or_default();
    Summary {
        kind: if row.kind == Kind::Test.as_str() { Kind::Test } else { Kind::Login },
        outcome: Outcome::parse(&row.outcome).unwrap_or(Outcome::Open),
        id: TraceId::from_stored(row.id),
        reason: row.reason,
        started_at: row.started_at,
        client_id: row.client_id,
        connection: row.connection,
        user_id: row.user_id,
        name: person.name,
        email: person.email,
        remote_addr: row.remote_addr,
    }
}
