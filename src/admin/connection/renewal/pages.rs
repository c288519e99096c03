//! Pages: `/admin/connections/{slug}/renewal-links`, a link as it is shown once, and its withdrawal.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Made, make};
use crate::admin::connection::pages::shown;
use crate::admin::connection::view::Head;
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::Protocol;
use crate::connection::renewal_link::{self, DAYS, MOST_DAYS};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/renewal-links", web::get().to(all))
        .route("/connections/{slug}/renewal-links", web::post().to(create))
        .route("/connections/{slug}/renewal-links/{id}/delete", web::get().to(ask_withdraw))
        .route("/connections/{slug}/renewal-links/{id}/delete", web::post().to(withdraw));
}

#[derive(Template)]
#[template(path = "admin/connection/renewal_links.html")]
struct ListPage {
    frame: Frame,
    head: Head,
    errors: FieldErrors,
    days: String,
    takes_over: bool,
    is_saml: bool,
    links: Vec<Row>,
}

struct Row {
    href: String,
    made: Moment,
    by: String,
    state: &'static str,
    state_word: &'static str,
    ends: Moment,
    tries: i32,
    takes_over: bool,
}

/// The colour of a pill, and what it says.
fn said(state: &str) -> (&'static str, &'static str) {
    match state {
        "open" => ("next", "Not used yet"),
        "used" => ("active", "Used"),
        "too_many_tries" => ("failing", "Tried in vain"),
        "withdrawn" => ("retired", "Withdrawn"),
        _ => ("retired", "Expired"),
    }
}

async fn page(desk: &Seated, name: &str, form: NewForm, errors: FieldErrors) -> Result<ListPage, Trouble> {
    let ctx = &desk.broker.ctx;
    let (slug, now) = (slug(name)?, ctx.now());
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug, None).await?;
    let known = renewal_link::list(&mut *ctx.db.acquire().await?, &slug).await?;
    let links = known.into_iter().map(|link| {
        let (state, state_word) = said(link.state(now));
        Row {
            href: format!("{}/renewal-links/{}/delete", head.path, link.id),
            made: Moment::new(link.created_at, now),
            state,
            state_word,
            ends: Moment::new(link.expires_at, now),
            tries: link.tries,
            takes_over: link.takes_over,
            by: link.created_by,
        }
    });
    let links = links.collect();
    let is_saml = matches!(one.protocol, Protocol::Saml(_));
    Ok(ListPage { frame, head, errors, days: form.days, takes_over: form.takes_over.is_some(), is_saml, links })
}

async fn all(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let form = NewForm { days: DAYS.to_string(), takes_over: None };
    Ok(show(&page(&desk, &name, form, FieldErrors::default()).await?))
}

#[derive(Deserialize)]
struct NewForm {
    #[serde(default)]
    days: String,
    #[serde(default)]
    takes_over: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/connection/renewal_link_made.html")]
struct MadePage {
    frame: Frame,
    head: Head,
    made: Made,
    ends: Moment,
}

async fn create(posted: Posted<Edit, NewForm>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let ctx = &desk.broker.ctx;
    let days = form.days.trim().parse().unwrap_or_default();
    match make(ctx, &desk.author, &name, days, form.takes_over.is_some()).await {
        Ok(made) => {
            let frame = desk.frame(Section::Connections);
            let (_, head) = shown(&desk, &frame, &slug(&name)?, None).await?;
            let ends = Moment::new(made.link.expires_at, ctx.now());
            Ok(show(&MadePage { frame, head, made, ends }))
        }
        Err(Trouble::Invalid(_)) => {
            let errors = FieldErrors::one("days", format!("Write a number from 1 to {MOST_DAYS}."));
            Ok(show_again(&page(&desk, &name, form, errors).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn ask_withdraw(desk: Desk<Edit>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (name, id) = at.into_inner();
    let ctx = &desk.broker.ctx;
    let slug = slug(&name)?;
    let known = renewal_link::list(&mut *ctx.db.acquire().await?, &slug).await?;
    let link = known.into_iter().find(|link| link.id.as_str() == id && link.is_open(ctx.now()));
    let link = link.ok_or_else(|| Trouble::Unknown("such renewal link, or it has ended".into()))?;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, None).await?;
    let back = format!("{}/renewal-links", head.path);
    Ok(show(&ConfirmPage {
        question: "Withdraw this renewal link?".into(),
        explanation: "Whoever opens it from then on reads that it does not work. What was given before stays.".into(),
        touches: vec![
            ("Connection".into(), one.display_name),
            ("Made by".into(), link.created_by),
            ("Would end".into(), Moment::new(link.expires_at, ctx.now()).to_string()),
        ],
        fields: Vec::new(),
        action: format!("{back}/{id}/delete"),
        button: "Withdraw it".into(),
        back_label: "Renewal links".into(),
        back,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

async fn withdraw(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    renewal_link::withdraw(&desk.broker.ctx, &desk.author, &slug(&at.0)?, &at.1).await?;
    let back = format!("{}/renewal-links", path(&at.0));
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Removed.at(&back))))
}
