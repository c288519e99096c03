//! `/admin/traces` and one trace.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::view::{self, StepView};
use crate::admin::extract::Desk;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::show;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Read, Trouble};
use crate::broker::{Broker, Catalog};
use crate::connection::version;
use crate::ids::TraceId;
use crate::trace::read::Wanted;
use crate::trace::{Outcome, Summary, read};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/traces", web::get().to(list)).route("/traces/{trace_id}", web::get().to(one));
}

/// What the list may be narrowed to. Blank is nothing.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    email: String,
}

impl Asked {
    fn wanted(&self) -> Result<Wanted, Trouble> {
        let given = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let outcome = match given(&self.outcome) {
            None => None,
            Some(word) => Some(
                Outcome::parse(&word)
                    .ok_or_else(|| Trouble::Malformed("outcome is one of open, success, refused and failed".into()))?,
            ),
        };
        Ok(Wanted { outcome, connection: given(&self.connection), email: given(&self.email), before: None })
    }

    fn href(&self) -> String {
        let Self { outcome, connection, email } = self;
        let pairs = [("outcome", outcome), ("connection", connection), ("email", email)];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        if query.is_empty() { "/admin/traces?".into() } else { format!("/admin/traces?{query}&") }
    }
}

/// One page of the list, for page and API alike.
///
/// # Errors
/// [`Trouble::Malformed`]; the database's.
pub async fn page_of(broker: &Broker, asked: &Asked, query: &ListQuery) -> Result<Page<Summary>, Trouble> {
    let limit = query.limit()?;
    let mut wanted = asked.wanted()?;
    wanted.before = query.after()?.pop().map(TraceId::from_stored);
    broker.traces.flush().await;
    let mut conn = broker.ctx.db.acquire().await?;
    let found = read::list(&broker.ctx, &mut conn, &wanted, limit + 1).await?;
    Ok(Page::of(found, limit, |last| vec![last.id.to_string()]))
}

/// A row of the table.
struct Line {
    href: String,
    id: String,
    at: String,
    machine_time: String,
    who: String,
    detail: String,
    app: String,
    connection: String,
    state: &'static str,
    outcome: &'static str,
    reason: String,
}

#[derive(Template)]
#[template(path = "admin/trace/list.html")]
struct ListPage {
    frame: Frame,
    asked: Asked,
    outcomes: Vec<(&'static str, &'static str)>,
    /// Slug and name.
    connections: Vec<(String, String)>,
    lines: Vec<Line>,
    href: String,
    next: Option<String>,
    first: bool,
    days: i64,
}

async fn list(desk: Desk<Read>, asked: Query<Asked>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let page = page_of(&desk.broker, &asked, &query).await?;
    let catalog = desk.broker.catalog.load();
    let frame = desk.frame(Section::Traces);
    let mut connections = vec![(String::new(), "Any".to_owned())];
    connections.extend(catalog.connections().iter().map(|c| (c.slug.to_string(), c.display_name.clone())));
    let mut outcomes = vec![("", "Any")];
    outcomes.extend(Outcome::ALL.map(|outcome| (outcome.as_str(), view::pill(outcome).1)));
    Ok(show(&ListPage {
        lines: page.items.iter().map(|summary| line(summary, &catalog, &frame)).collect(),
        href: frame.to(&asked.href()),
        asked: asked.into_inner(),
        days: desk.broker.trace_retention().whole_days(),
        first: query.after()?.is_empty(),
        next: page.next,
        outcomes,
        connections,
        frame,
    }))
}

fn line(summary: &Summary, catalog: &Catalog, frame: &Frame) -> Line {
    let (state, outcome) = view::pill(summary.outcome);
    Line {
        href: frame.to(&format!("/admin/traces/{}", summary.id)),
        id: summary.id.to_string(),
        at: view::human_time(summary.started_at),
        machine_time: view::machine_time(summary.started_at),
        who: summary.name.clone().or_else(|| summary.email.clone()).unwrap_or_else(|| "Nobody known yet".into()),
        detail: summary.email.clone().filter(|_| summary.name.is_some()).unwrap_or_default(),
        app: match summary.kind {
            crate::trace::Kind::Test => "A test".into(),
            crate::trace::Kind::Login => view::app_name(summary, catalog).unwrap_or_default(),
        },
        connection: view::connection_name(summary, catalog).unwrap_or_default(),
        state,
        outcome,
        reason: summary.reason.clone().unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "admin/trace/one.html")]
struct TracePage {
    frame: Frame,
    heading: String,
    state: &'static str,
    outcome: &'static str,
    id: String,
    at: String,
    machine_time: String,
    who: Option<String>,
    /// Name and address of its page.
    connection: Option<(String, String)>,
    user: Option<String>,
    from: Option<String>,
    reason: String,
    /// Cause, what was found, and what helps.
    stopped: Option<(String, Option<String>, &'static str)>,
    /// Where the provider's change that waits for a decision stands: since when, and the page.
    drift: Option<(String, String)>,
    /// Where another rule may be tried on the claims.
    replay: Option<String>,
    /// Once more.
    again: Option<String>,
    /// The others like it.
    others: Option<String>,
    trace_ids: Vec<String>,
    counts: String,
    steps: Vec<StepView>,
}

async fn one(desk: Desk<Read>, trace_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let broker = &desk.broker;
    broker.traces.flush().await;
    let mut conn = broker.ctx.db.acquire().await?;
    let found = read::find(&broker.ctx, &mut conn, &trace_id).await?;
    let trace = found.ok_or_else(|| Trouble::Unknown(format!("trace {trace_id}, or not any more")))?;
    let (summary, catalog) = (&trace.summary, broker.catalog.load());
    let frame = desk.frame(Section::Traces);
    let (state, outcome) = view::pill(summary.outcome);
    let known = summary.connection.as_deref().filter(|slug| catalog.connection(slug).is_some());
    let at_connection = |page: &str| known.map(|slug| frame.to(&format!("/admin/connections/{}{page}", segment(slug))));
    let is_test = summary.kind == crate::trace::Kind::Test;
    let steps = view::steps(&trace);
    let failed = matches!(summary.outcome, Outcome::Refused | Outcome::Failed);
    let drift = match summary.connection.as_deref().and_then(|slug| catalog.connection(slug)).filter(|_| failed) {
        Some(connection) => version::drift(&mut conn, &connection).await?,
        None => None,
    };
    Ok(show(&TracePage {
        heading: view::heading(summary, &catalog),
        state,
        outcome,
        id: trace_id.into_inner(),
        at: view::human_time(summary.started_at),
        machine_time: view::machine_time(summary.started_at),
        who: view::who(summary),
        connection: view::connection_name(summary, &catalog).zip(at_connection("")),
        user: summary.user_id.as_ref().map(|user| frame.to(&format!("/admin/users/{}", segment(user)))),
        from: summary.remote_addr.clone(),
        reason: summary.reason.clone().unwrap_or_default(),
        stopped: view::cause(&trace, &catalog)
            .zip(view::remedy(&trace))
            .map(|(cause, remedy)| (cause, view::found(&trace).map(Into::into), remedy.fix)),
        drift: drift.map(|drift| view::human_time(drift.since)).zip(at_connection("/versions")),
        replay: at_connection("/replay").filter(|_| frame.may_edit() && trace.claims().is_some()),
        again: at_connection("/test").filter(|_| frame.may_edit() && is_test),
        others: summary.reason.as_ref().zip(known).map(|(_, slug)| {
            let of_same = format!("/admin/traces?outcome={}&connection={}", summary.outcome.as_str(), segment(slug));
            frame.to(&of_same)
        }),
        trace_ids: trace.trace_ids.iter().map(ToString::to_string).collect(),
        counts: counts(&steps),
        steps,
        frame,
    }))
}

fn counts(steps: &[StepView]) -> String {
    let passed = steps.iter().filter(|step| step.state == "passed").count();
    let stopped = steps.iter().filter(|step| matches!(step.state, "refused" | "failed")).count();
    match stopped {
        0 => format!("{passed} steps passed."),
        _ => format!("{passed} steps passed, {stopped} did not."),
    }
}
