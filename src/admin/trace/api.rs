//! `/api/v1/traces`.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

use super::pages::{Asked, page_of};
use super::view;
use crate::admin::api;
use crate::admin::extract::Api;
use crate::admin::paging::ListQuery;
use crate::admin::{Read, Trouble};
use crate::trace::{LoginTrace, Summary, read, remedy};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/traces", web::get().to(list)).route("/traces/{trace_id}", web::get().to(one));
}

/// A login as the list has it.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

async fn list(api: Api<Read>, asked: Query<Asked>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let page = page_of(&api.broker, &asked, &query).await?;
    Ok(api::list(&page.map(|summary| {
        let cause = summary.reason.as_deref().and_then(remedy::of).map(|remedy| remedy.cause);
        Line { summary, cause }
    })))
}

async fn one(api: Api<Read>, trace_id: Path<String>) -> Result<HttpResponse, Trouble> {
    api.broker.traces.flush().await;
    let mut conn = api.broker.ctx.db.acquire().await?;
    let found = read::find(&api.broker.ctx, &mut conn, &trace_id).await?;
    let trace = found.ok_or_else(|| Trouble::Unknown(format!("trace {trace_id}")))?;
    Ok(api::one(&whole(&trace), None))
}

/// The list's members, the trace ids of all requests, why it ended so, and the steps.
fn whole(trace: &LoginTrace) -> Value {
    let mut body = json!(trace.summary);
    body["trace_ids"] = json!(trace.trace_ids);
    body["remedy"] = json!(view::remedy(trace));
    let step = |step: &crate::trace::Step| {
        json!({
            "at": view::machine_time(step.at),
            "step": step.word.as_str(),
            "title": step.word.title(),
            "state": step.state.as_str(),
            "reason": step.reason,
            "detail": step.detail,
        })
    };
    body["steps"] = trace.steps.iter().map(step).collect();
    body
}
