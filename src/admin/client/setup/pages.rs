//! Pages: `/admin/clients/new`, first to choose what it is, then (`?as=`) with the form that this begins with.

use actix_web::web::{self, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::admin::client::form::ClientForm;
use crate::admin::client::template::{ALL, Template};
use crate::admin::client::{path, settings};
use crate::admin::configuration::{Refused, settle};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section, segment};
use crate::admin::pages::{show, show_again};
use crate::admin::{Edit, Trouble};
use crate::provisioning::one::{self, Entry, Expect};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/clients/new").route(web::get().to(new)).route(web::post().to(create)));
}

#[derive(Default, Deserialize)]
struct Chosen {
    r#as: Option<String>,
}

#[derive(askama::Template)]
#[template(path = "admin/client/choose.html")]
struct ChoosePage {
    frame: Frame,
    templates: &'static [Template],
    chosen: String,
    errors: FieldErrors,
}

#[derive(askama::Template)]
#[template(path = "admin/client/new.html")]
struct NewPage {
    frame: Frame,
    template: &'static Template,
    form: ClientForm,
    errors: FieldErrors,
    known: bool,
    action: String,
}

async fn new(desk: Desk<Edit>, query: Query<Chosen>, req: HttpRequest) -> HttpResponse {
    if query.r#as.is_none() && !req.query_string().contains("step=") {
        return show(&choose(&desk, &query, FieldErrors::default()));
    }
    match query.r#as.as_deref().and_then(Template::of) {
        Some(template) => show(&settings_of(&desk, template, template.form(), FieldErrors::default())),
        None => show_again(&choose(&desk, &query, FieldErrors::one("as", "Choose what the client is."))),
    }
}

fn choose(desk: &Desk<Edit>, query: &Chosen, errors: FieldErrors) -> ChoosePage {
    ChoosePage {
        frame: desk.frame(Section::Clients),
        templates: &ALL,
        chosen: query.r#as.clone().unwrap_or_default(),
        errors,
    }
}

fn settings_of(desk: &Desk<Edit>, template: &'static Template, form: ClientForm, errors: FieldErrors) -> NewPage {
    let frame = desk.frame(Section::Clients);
    let action = frame.to(&format!("/admin/clients/new?as={}", segment(template.id)));
    NewPage { frame, template, form, errors, known: false, action }
}

async fn create(posted: Posted<Edit, ClientForm>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let chosen = Query::<Chosen>::from_query(req.query_string()).map(Query::into_inner).unwrap_or_default();
    let template = chosen.r#as.as_deref().and_then(Template::of).unwrap_or(&ALL[0]);
    let put = match form.entry(None) {
        Ok(entry) => {
            let id = entry.client_id.clone();
            let put = one::put(&desk.broker.ctx, &desk.author, Entry::Client(entry), Expect::Absent).await;
            settle(put.map(|_| id), settings::field_of)?
        }
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(id) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Created.at(&path(&id))))),
        Err(Refused(errors)) => Ok(show_again(&settings_of(&desk, template, form, errors))),
    }
}
