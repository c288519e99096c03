//! Pages: `/admin/users/new` and `/admin/users/{sub}/edit`.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::change;
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::user::{nobody, places, problems, sub};
use crate::admin::{Edit, Trouble};
use crate::user::import::{self, Row};
use crate::user::provision::{self, CreatedAhead};
use crate::user::record;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/users/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/users/{sub}/edit").route(web::get().to(edit)).route(web::post().to(save)));
}

/// What was typed.
#[derive(Default, Deserialize)]
struct AheadForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    version: String,
}

#[derive(Template)]
#[template(path = "admin/user/form.html")]
struct FormPage {
    frame: Frame,
    form: AheadForm,
    errors: FieldErrors,
    connections: Vec<(String, String)>,
    /// Who it is, for somebody who is known.
    known: Option<String>,
    action: String,
    back: String,
}

async fn new(desk: Desk<Edit>) -> HttpResponse {
    show(&new_page(&desk, AheadForm::default(), FieldErrors::default()))
}

fn new_page(desk: &Desk<Edit>, form: AheadForm, errors: FieldErrors) -> FormPage {
    let frame = desk.frame(Section::Users);
    let catalog = desk.broker.catalog.load();
    let option = |slug: &str, name: &str| (slug.to_owned(), format!("{name} ({slug})"));
    let connections = catalog.connections().iter().map(|one| option(one.slug.as_str(), &one.display_name));
    FormPage {
        connections: connections.collect(),
        form,
        errors,
        known: None,
        action: frame.to("/admin/users/new"),
        back: frame.to("/admin/users"),
        frame,
    }
}

async fn create(posted: Posted<Edit, AheadForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let text = |text: &str| text.trim().to_owned();
    let row = Row {
        line: 1,
        email: text(&form.email),
        name: text(&form.name),
        connection: text(&form.connection),
        subject: text(&form.subject),
        issuer: text(&form.issuer),
    };
    let ready = match import::check(&[row], places(&desk.broker)) {
        Ok(ready) => ready.into_iter().next().ok_or(Trouble::Broken)?,
        Err(faults) => {
            let errors = FieldErrors::of(&problems(faults, false), |_| None);
            return Ok(show_again(&new_page(&desk, form, errors)));
        }
    };
    let ahead = CreatedAhead {
        email: ready.email,
        name: ready.name,
        connection: ready.connection,
        key: ready.key,
        managed_by: desk.author.actor.clone(),
    };
    let ctx = &desk.broker.ctx;
    let made = provision::create_by(ctx, &desk.author, &ahead).await?;
    let path = format!("/admin/users/{}", made.sub());
    Ok(see_other(&ctx.urls.local(&match made {
        provision::Created::New(_) => Done::Created.at(&path),
        // somebody is known by that identity: here they are
        provision::Created::Known(_) => path,
    })))
}

async fn edit(desk: Desk<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    let known = record::store::of(&mut *desk.broker.ctx.db.acquire().await?, &id).await?.ok_or_else(|| nobody(&id))?;
    let form = AheadForm {
        version: known.version(),
        email: known.user.profile.email.unwrap_or_default(),
        name: known.user.profile.name.unwrap_or_default(),
        ..AheadForm::default()
    };
    Ok(show(&edit_page(&desk, id.as_str(), form, FieldErrors::default())))
}

fn edit_page(desk: &Desk<Edit>, id: &str, form: AheadForm, errors: FieldErrors) -> FormPage {
    let frame = desk.frame(Section::Users);
    let back = frame.to(&format!("/admin/users/{id}"));
    FormPage {
        connections: Vec::new(),
        form,
        errors,
        known: Some(id.to_owned()),
        action: format!("{back}/edit"),
        back,
        frame,
    }
}

async fn save(posted: Posted<Edit, AheadForm>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let id = sub(&path)?;
    let (email, name) = (Some(form.email.clone()), Some(form.name.clone()));
    match change(&desk.broker, &desk.author, &id, Some(&form.version), email, name).await {
        Ok(()) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&format!("/admin/users/{id}"))))),
        Err(Trouble::Invalid(problems)) => {
            let errors = FieldErrors::of(&problems, |_| None);
            Ok(show_again(&edit_page(&desk, id.as_str(), form, errors)))
        }
        Err(trouble) => Err(trouble),
    }
}
