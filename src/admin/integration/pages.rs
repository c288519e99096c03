//! Pages: `/admin/integrations/{system}`, which asks, shows what would be made, and makes it.

use std::collections::BTreeMap;

use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::snippet::href;
use super::{Prepared, carry_out, named, prepare};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::{Edit, Trouble};
use crate::integration::System;
use crate::provisioning::{Change, Problem, Sign};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/integrations/{system}").route(web::get().to(ask)).route(web::post().to(make)))
        .configure(super::snippet::pages::routes);
}

/// What was answered, by key.
type Answers = BTreeMap<String, String>;

/// Beside the answers: what the form is sent for.
const STEP: &str = "step";
const VERSION: &str = "version";

#[derive(Template)]
#[template(path = "admin/integration/questions.html")]
struct QuestionsPage {
    frame: Frame,
    system: &'static System,
    fields: Vec<Field>,
    errors: FieldErrors,
    action: String,
}

struct Field {
    key: &'static str,
    label: &'static str,
    value: String,
    help: &'static str,
}

#[derive(Template)]
#[template(path = "admin/integration/plan.html")]
struct PlanPage {
    frame: Frame,
    system: &'static System,
    answers: Vec<(String, String)>,
    changes: Vec<Change>,
    notes: Vec<String>,
    unchanged: usize,
    version: String,
    yaml: String,
    action: String,
    back: String,
    /// Its clients, when there is nothing to make any more.
    clients: Vec<MadeClient>,
}

struct MadeClient {
    id: String,
    href: String,
    snippets: String,
}

impl PlanPage {
    fn sign(change: &Change) -> (&'static str, &'static str) {
        match change.sign {
            Sign::Create => ("active", "New"),
            Sign::Update => ("expiring", "Changed"),
            Sign::Delete => ("refused", "Deleted"),
        }
    }
}

fn path(system: &System) -> String {
    format!("/admin/integrations/{}", system.name)
}

fn questions(desk: &Desk<Edit>, system: &'static System, answers: &Answers, errors: FieldErrors) -> QuestionsPage {
    let frame = desk.frame(Section::Clients);
    let fields = system.questions.iter().map(|question| Field {
        key: question.key,
        label: question.label,
        value: answers.get(question.key).cloned().or(question.usual.map(Into::into)).unwrap_or_default(),
        help: if question.usual.is_some() { "Good for most as it is." } else { "" },
    });
    QuestionsPage { action: frame.to(&path(system)), fields: fields.collect(), errors, system, frame }
}

async fn ask(desk: Desk<Edit>, name: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let system = named(&name)?;
    let mut answers: Answers = url::form_urlencoded::parse(req.query_string().as_bytes()).into_owned().collect();
    let step = answers.remove(STEP);
    answers.retain(|key, _| system.questions.iter().any(|question| question.key == key));
    if step.as_deref() != Some("plan") {
        return Ok(show(&questions(&desk, system, &answers, FieldErrors::default())));
    }
    match prepare(&desk.broker, &desk.author, system, &answers).await {
        Ok(prepared) => Ok(show(&plan(&desk, system, answers, prepared)?)),
        Err(trouble) => again(&desk, system, &answers, trouble),
    }
}

fn plan(desk: &Desk<Edit>, system: &'static System, answers: Answers, prepared: Prepared) -> Result<PlanPage, Trouble> {
    let frame = desk.frame(Section::Clients);
    let action = frame.to(&path(system));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&answers).finish();
    let made = prepared.clients().filter(|_| prepared.plan.changes.is_empty()).map(|id| MadeClient {
        id: id.to_string(),
        href: frame.to(&crate::admin::client::path(id)),
        snippets: frame.to(&href(id, Some(system))),
    });
    Ok(PlanPage {
        yaml: prepared.yaml()?,
        clients: made.collect(),
        version: prepared.version,
        changes: prepared.plan.changes,
        notes: prepared.plan.notes,
        unchanged: prepared.plan.unchanged,
        answers: answers.into_iter().collect(),
        back: format!("{action}?{query}"),
        action,
        system,
        frame,
    })
}

/// The questions with what is wrong beside the answer that it is about, as far as that can be told.
fn again(
    desk: &Desk<Edit>,
    system: &'static System,
    answers: &Answers,
    trouble: Trouble,
) -> Result<HttpResponse, Trouble> {
    let problems = match trouble {
        Trouble::Invalid(problems) => problems,
        Trouble::Conflict("owned_by_file", reason) => vec![Problem { path: String::new(), reason }],
        other => return Err(other),
    };
    let mut errors = FieldErrors::default();
    for Problem { path, reason } in problems {
        let named = system.questions.iter().find(|question| path == format!("answers.{}", question.key));
        let said = |key: &str| {
            answers.get(key).is_some_and(|said| !said.is_empty() && (path.contains(said) || reason.contains(said)))
        };
        let meant = named.or_else(|| system.questions.iter().find(|question| said(question.key)));
        let field = meant.or(system.questions.first()).map_or("form", |question| question.key);
        errors.add(field, reason);
    }
    Ok(show_again(&questions(desk, system, answers, errors)))
}

async fn make(posted: Posted<Edit, Answers>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: mut answers } = posted;
    let system = named(&name)?;
    answers.remove("csrf");
    let version = answers.remove(VERSION).unwrap_or_default();
    match carry_out(&desk.broker, &desk.author, system, &answers, Some(&version)).await {
        Ok(done) => {
            let clients: Vec<_> = done.clients().collect();
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&answers).finish();
            let next = match clients.as_slice() {
                [only] => href(only, Some(system)),
                _ => format!("{}?{query}&{STEP}=plan", path(system)),
            };
            Ok(see_other(&desk.broker.ctx.urls.local(&Done::Created.at(&next))))
        }
        Err(trouble) => again(&desk, system, &answers, trouble),
    }
}
