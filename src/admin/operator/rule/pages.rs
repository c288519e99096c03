//! Pages: `/admin/operator-rules` and one of them.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{errors, slug, wanted};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::operator::{ROLES, beside, rule_id};
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Own, Read, Right, Trouble};
use crate::ids::OperatorRuleId;
use crate::operator::rule::{self, OperatorRule, store};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/operator-rules", web::get().to(all))
        .service(web::resource("/operator-rules/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/operator-rules/{id}").route(web::get().to(read)).route(web::post().to(change)))
        .service(
            web::resource("/operator-rules/{id}/delete").route(web::get().to(ask_delete)).route(web::post().to(delete)),
        );
}

#[derive(Template)]
#[template(path = "admin/operator/rules.html")]
struct ListPage {
    frame: Frame,
    first: bool,
    page: Page<Row>,
}

struct Row {
    href: String,
    connection: String,
    when: String,
    role: &'static str,
}

impl ListPage {
    fn list_href(&self) -> String {
        self.frame.to("/admin/operator-rules?")
    }
}

async fn all(desk: Desk<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let key = after.first().map(String::as_str);
    let found = store::page(&mut *desk.broker.ctx.db.acquire().await?, key, limit + 1).await?;
    let frame = desk.frame(Section::Operators);
    let page = Page::of(found, limit, |rule| vec![rule.id.to_string()]).map(|rule| Row {
        href: frame.to(&format!("/admin/operator-rules/{}", rule.id)),
        connection: slug(&desk.broker, &rule.connection),
        when: rule.when.source().into(),
        role: rule.role.as_str(),
    });
    Ok(show(&ListPage { first: after.is_empty(), page, frame }))
}

/// What was typed.
#[derive(Default, Deserialize)]
struct RuleForm {
    #[serde(default)]
    connection: String,
    #[serde(default)]
    when: String,
    #[serde(default)]
    role: String,
    /// Of what the form was filled with; empty for a new one.
    #[serde(default)]
    version: String,
}

#[derive(Template)]
#[template(path = "admin/operator/rule.html")]
struct FormPage {
    frame: Frame,
    form: RuleForm,
    /// Slug and name.
    connections: Vec<(String, String)>,
    action: String,
    known: bool,
    errors: FieldErrors,
}

fn form_page<R: Right>(desk: &Desk<R>, id: Option<&OperatorRuleId>, form: RuleForm, errors: FieldErrors) -> FormPage {
    let frame = desk.frame(Section::Operators);
    let catalog = desk.broker.catalog.load();
    FormPage {
        connections: catalog.connections().iter().map(|c| (c.slug.to_string(), c.display_name.clone())).collect(),
        action: frame.to(&format!("/admin/operator-rules/{}", id.map_or("new", OperatorRuleId::as_str))),
        known: id.is_some(),
        frame,
        form,
        errors,
    }
}

async fn new(desk: Desk<Own>) -> HttpResponse {
    let form = RuleForm { role: "auditor".into(), ..RuleForm::default() };
    show(&form_page(&desk, None, form, FieldErrors::default()))
}

async fn create(posted: Posted<Own, RuleForm>) -> Result<HttpResponse, Trouble> {
    put(posted, None).await
}

async fn find<R: Right>(desk: &Desk<R>, id: &OperatorRuleId) -> Result<OperatorRule, Trouble> {
    let found = store::by_id(&mut *desk.broker.ctx.db.acquire().await?, id).await?;
    found.ok_or_else(|| Trouble::Unknown("such operator rule".into()))
}

async fn read(desk: Desk<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = rule_id(id.into_inner())?;
    let rule = find(&desk, &id).await?;
    let form = RuleForm {
        connection: slug(&desk.broker, &rule.connection),
        when: rule.when.source().into(),
        role: rule.role.as_str().into(),
        version: rule.version(),
    };
    Ok(show(&form_page(&desk, Some(&id), form, FieldErrors::default())))
}

async fn change(posted: Posted<Own, RuleForm>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    put(posted, Some(rule_id(id.into_inner())?)).await
}

async fn put(posted: Posted<Own, RuleForm>, id: Option<OperatorRuleId>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, mut form } = posted;
    let by = desk.session.operator.role;
    if let Some(id) = &id {
        form.connection = slug(&desk.broker, &find(&desk, id).await?.connection);
    }
    let wanted = match wanted(&desk.broker, &form.connection, &form.when, &form.role) {
        Ok(wanted) => wanted,
        Err(problems) => return Ok(show_again(&form_page(&desk, id.as_ref(), form, errors(&problems)))),
    };
    let expected = id.as_ref().map(|_| form.version.as_str());
    match rule::put(&desk.broker.ctx, &desk.author, by, id.as_ref(), expected, &wanted).await {
        Ok(_) => {
            let done = if id.is_some() { Done::Saved } else { Done::Created };
            Ok(see_other(&desk.broker.ctx.urls.local(&done.at("/admin/operator-rules"))))
        }
        Err(error) => {
            let (field, sentence) = beside(error)?;
            Ok(show_again(&form_page(&desk, id.as_ref(), form, FieldErrors::one(field, sentence))))
        }
    }
}

async fn ask_delete(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = rule_id(id.into_inner())?;
    let rule = find(&desk, &id).await?;
    let frame = desk.frame(Section::Operators);
    let back = frame.to(&format!("/admin/operator-rules/{id}"));
    Ok(show(&ConfirmPage {
        question: "Delete this rule?".into(),
        explanation: "Everybody who came to the desk through this connection is signed out there. Those whom another rule lets in can come back at once.".into(),
        touches: vec![
            ("Connection".into(), slug(&desk.broker, &rule.connection)),
            ("Rule".into(), rule.when.source().into()),
            ("Role".into(), rule.role.to_string()),
        ],
        fields: vec![("version", rule.version())],
        action: format!("{back}/delete"),
        button: "Delete the rule".into(),
        back_label: "The rule".into(),
        back,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

#[derive(Deserialize)]
struct Confirmed {
    version: String,
}

async fn delete(posted: Posted<Own, Confirmed>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let id = rule_id(id.into_inner())?;
    rule::delete(&desk.broker.ctx, &desk.author, &id, Some(&form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/operator-rules"))))
}
