//! `/admin/audit`: who did what, when and from where, and what changed.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Query;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::{Asked, KINDS, api, called};
use crate::admin::extract::Desk;
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::{show, show_again};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Read, Trouble};
use crate::audit::{Outcome, Recorded};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/audit", web::get().to(events)).route("/audit/export", web::get().to(export));
}

#[derive(Template)]
#[template(path = "admin/audit/list.html")]
struct AuditPage {
    frame: Frame,
    asked: Asked,
    errors: FieldErrors,
    kinds: Vec<(String, String)>,
    outcomes: Vec<(String, String)>,
    /// Something is filtered that stands below the fold.
    more: bool,
    events: Vec<Line>,
    next: Option<String>,
    first: bool,
    /// The list without `after`, ending in ? or &.
    href: String,
    export: String,
    retention: i32,
}

/// One event as the table has it.
struct Line {
    id: String,
    at: String,
    at_shown: String,
    actor: String,
    from: Option<String>,
    action: String,
    called: Option<&'static str>,
    /// The pill's state and word; none for a success.
    trouble: Option<(&'static str, &'static str)>,
    reason: Option<String>,
    changes: Vec<Change>,
    /// The rest of the detail, as JSON.
    detail: Option<String>,
    about: Vec<About>,
    trace: Option<(String, String)>,
}

struct Change {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

/// Something the event was about, and where it is shown.
struct About {
    kind: &'static str,
    name: String,
    href: String,
}

async fn events(desk: Desk<Read>, asked: Query<Asked>, paging: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let asked = asked.into_inner();
    if let Err(errors) = asked.filter() {
        return Ok(show_again(&shown(&desk, asked, errors, Page { items: Vec::new(), next: None }, true)));
    }
    let first = paging.after()?.is_empty();
    let page = api::page(&desk.broker, &asked, &paging).await?;
    Ok(show(&shown(&desk, asked, FieldErrors::default(), page, first)))
}

async fn export(desk: Desk<Read>, asked: Query<Asked>) -> Result<HttpResponse, Trouble> {
    let mut lines = api::export(&desk.broker, &desk.author, &asked)?;
    let day = desk.broker.ctx.now().date();
    if let Ok(name) = format!("attachment; filename=\"audit-{day}.jsonl\"").parse() {
        lines.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(lines)
}

fn shown(desk: &Desk<Read>, asked: Asked, errors: FieldErrors, page: Page<Recorded>, first: bool) -> AuditPage {
    let frame = desk.frame(Section::Audit);
    let query = asked.query();
    let path = |end: &str| frame.to(&format!("/admin/audit{end}"));
    let own = |(value, label): &(&str, &str)| ((*value).to_owned(), (*label).to_owned());
    let mut kinds: Vec<_> = KINDS.iter().map(own).collect();
    if !KINDS.iter().any(|(value, _)| *value == asked.action) {
        kinds.push((asked.action.clone(), asked.action.clone()));
    }
    let outcomes = [("", "Any"), ("success", "Success"), ("refused", "Refused"), ("failed", "Failed")];
    let rare = [&asked.reason, &asked.actor, &asked.client_id, &asked.connection, &asked.sub, &asked.trace_id];
    AuditPage {
        kinds,
        outcomes: outcomes.iter().map(own).collect(),
        more: rare.iter().any(|value| !value.trim().is_empty()),
        events: page.items.into_iter().map(|event| line(event, &frame)).collect(),
        next: page.next,
        first,
        href: if query.is_empty() { path("?") } else { path(&format!("?{query}&")) },
        export: path(&if query.is_empty() { "/export".into() } else { format!("/export?{query}") }),
        retention: desk.broker.settings.load().chosen.audit_retention,
        asked,
        errors,
        frame,
    }
}

fn line(event: Recorded, frame: &Frame) -> Line {
    let about = |kind, list: &str, name: &Option<String>| {
        let name = name.clone()?;
        let href = frame.to(&format!("/admin/{list}/{}", segment(&name)));
        Some(About { kind, name, href })
    };
    let places = [
        about("connection", "connections", &event.connection),
        about("client", "clients", &event.client_id),
        about("user", "users", &event.sub),
    ];
    let (changes, detail) = told(event.detail);
    let trace = event.trace_id.map(|id| (frame.to(&format!("/admin/traces/{}", segment(&id))), id));
    Line {
        at: event.at.format(&Rfc3339).unwrap_or_default(),
        at_shown: second(event.at),
        from: event.remote_addr,
        called: called(&event.action),
        trouble: match Outcome::parse(&event.outcome) {
            Some(Outcome::Refused) => Some(("refused", "refused")),
            Some(Outcome::Failed) => Some(("failing", "failed")),
            _ => None,
        },
        reason: event.reason,
        changes,
        detail,
        about: places.into_iter().flatten().collect(),
        trace,
        id: event.id.to_string(),
        actor: event.actor,
        action: event.action,
    }
}

/// The changes of fields that it tells of, and whatever else it says.
fn told(mut detail: Value) -> (Vec<Change>, Option<String>) {
    let said = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let pair = |(field, change): (&String, &Value)| match change.as_array().map(Vec::as_slice) {
        Some([before, after]) => Some(Change { field: field.clone(), before: said(before), after: said(after) }),
        _ => None,
    };
    let changes = detail["changes"].as_object().map(|all| all.iter().map(pair).collect::<Option<Vec<_>>>());
    let changes = changes.flatten().unwrap_or_default();
    if let Some(members) = detail.as_object_mut() {
        if !changes.is_empty() || members.get("changes").is_some_and(Value::is_null) {
            members.shift_remove("changes");
        }
        if members.is_empty() {
            return (changes, None);
        }
    }
    (changes, serde_json::to_string_pretty(&detail).ok())
}

fn second(at: OffsetDateTime) -> String {
    let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second]");
    at.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_told_apart_from_the_rest() {
        let (changes, rest) = told(json!({ "changes": { "name": ["a", "b"], "ttl": [null, 60] }, "webhook": "w" }));
        let all: Vec<_> = changes.iter().map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
        assert_eq!(all, [("name", Some("a"), Some("b")), ("ttl", None, Some("60"))]);
        assert_eq!(serde_json::from_str::<Value>(&rest.unwrap()).unwrap(), json!({ "webhook": "w" }));
        assert!(told(json!({})).1.is_none());
        for other in [json!({ "changes": ["+ client x"] }), json!({ "changes": { "a": 1 } }), json!("text"), json!([1])]
        {
            let (changes, rest) = told(other.clone());
            assert!(changes.is_empty());
            assert_eq!(serde_json::from_str::<Value>(&rest.unwrap()).unwrap(), other);
        }
    }
}
