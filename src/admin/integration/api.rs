//! `/api/v1/integrations` and `/api/v1/clients/{client_id}/snippets/{system}`.

use std::collections::BTreeMap;

use actix_web::web::{Bytes, Path};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Prepared, carry_out, named, people, prepare, snippets_of};
use crate::admin::api::{body, one};
use crate::admin::extract::Api;
use crate::admin::{Edit, Read, Trouble};
use crate::client::ClientId;
use crate::integration::{Block, SYSTEMS, System};
use crate::provisioning::Sign;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/integrations", web::get().to(all))
        .route("/integrations/{system}/plan", web::post().to(plan))
        .route("/integrations/{system}/apply", web::post().to(apply))
        .route("/clients/{client_id}/snippets/{system}", web::get().to(snippets));
}

fn shown(system: &System) -> Value {
    let questions = system.questions.iter();
    let questions = questions.map(|one| json!({ "key": one.key, "label": one.label, "usual": one.usual }));
    json!({ "system": system.name, "title": system.title, "questions": questions.collect::<Vec<_>>() })
}

async fn all(_api: Api<Read>) -> HttpResponse {
    one(&json!({ "items": SYSTEMS.iter().map(shown).collect::<Vec<_>>() }), None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// By the keys of the questions.
    #[serde(default)]
    answers: BTreeMap<String, String>,
    /// Of the plan that was read: what would be another one by now is not carried out.
    #[serde(default)]
    version: Option<String>,
}

/// A plan, as `avouch apply --dry-run` prints it.
#[derive(Serialize)]
struct PlanView {
    version: String,
    changes: Vec<ChangeView>,
    notes: Vec<String>,
    unchanged: usize,
    clients: Vec<String>,
    /// The same as a resource file (YAML).
    file: String,
}

#[derive(Serialize)]
struct ChangeView {
    action: &'static str,
    item: String,
    details: Vec<String>,
}

impl PlanView {
    fn of(prepared: &Prepared) -> Result<Self, Trouble> {
        let changes = prepared.plan.changes.iter().map(|change| ChangeView {
            action: match change.sign {
                Sign::Create => "create",
                Sign::Update => "update",
                Sign::Delete => "delete",
            },
            item: change.item.clone(),
            details: change.details.clone(),
        });
        Ok(Self {
            version: prepared.version.clone(),
            changes: changes.collect(),
            notes: prepared.plan.notes.clone(),
            unchanged: prepared.plan.unchanged,
            clients: prepared.clients().map(ToString::to_string).collect(),
            file: prepared.yaml()?,
        })
    }
}

async fn plan(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let (system, wanted) = (named(&name)?, body::<Wanted>(&bytes)?);
    let prepared = prepare(&api.broker, &api.author, system, &wanted.answers).await?;
    Ok(one(&PlanView::of(&prepared)?, None))
}

async fn apply(api: Api<Edit>, name: Path<String>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let (system, wanted) = (named(&name)?, body::<Wanted>(&bytes)?);
    let done = carry_out(&api.broker, &api.author, system, &wanted.answers, wanted.version.as_deref()).await?;
    Ok(one(&PlanView::of(&done)?, None))
}

/// One piece of text to paste.
#[derive(Serialize)]
struct BlockView {
    title: &'static str,
    file: &'static str,
    format: &'static str,
    text: String,
    version: &'static str,
    page: &'static str,
    warnings: Vec<String>,
}

impl From<Block> for BlockView {
    fn from(block: Block) -> Self {
        let Block { title, file, format, text, version, page, warnings } = block;
        Self { title, file, format: format.as_str(), text, version, page, warnings }
    }
}

async fn snippets(api: Api<Read>, at: Path<(String, String)>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let system = named(&at.1)?;
    let client_id = ClientId::parse(&at.0).map_err(|_| Trouble::Unknown(format!("client {}", at.0)))?;
    let people = people::chosen(req.query_string())?;
    let blocks = snippets_of(&api.broker, system, &client_id, &people).await?;
    Ok(one(&json!({ "items": blocks.into_iter().map(BlockView::from).collect::<Vec<_>>() }), None))
}
