//! `/admin/webhooks`: who outside is told, whether it arrives, and the secret as it is made.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::api::{page, plain};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::paging::ListQuery;
use crate::admin::{Own, Read, Right, Trouble};
use crate::web::redirect;
use crate::webhook::{self, Delivery, DeliveryState, EVENTS, Wanted, Webhook, WebhookError};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/webhooks", web::get().to(all))
        .service(web::resource("/webhooks/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/webhooks/{id}").route(web::get().to(read)).route(web::post().to(change)))
        .route("/webhooks/{id}/test", web::post().to(test))
        .service(
            web::resource("/webhooks/{id}/rotate-secret")
                .route(web::get().to(ask_rotate))
                .route(web::post().to(rotate_secret)),
        )
        .service(web::resource("/webhooks/{id}/delete").route(web::get().to(ask_delete)).route(web::post().to(delete)));
}

fn path(id: &str) -> String {
    format!("/admin/webhooks/{id}")
}

#[derive(Template)]
#[template(path = "admin/webhook/list.html")]
struct ListPage {
    frame: Frame,
    webhooks: Vec<View>,
}

/// A webhook as pages show it.
struct View {
    href: String,
    url: String,
    events: String,
    /// For the pill, with its word.
    state: (&'static str, &'static str),
}

#[derive(Template)]
#[template(path = "admin/webhook/form.html")]
struct FormPage {
    frame: Frame,
    errors: FieldErrors,
    url: String,
    enabled: bool,
    events: Vec<EventBox>,
    /// Of one that exists.
    stored: Option<Stored>,
}

struct EventBox {
    name: &'static str,
    about: &'static str,
    chosen: bool,
}

struct Stored {
    path: String,
    url: String,
    version: i64,
    state: (&'static str, &'static str),
    /// Why it was switched off, or since when nothing arrives.
    trouble: Option<String>,
    deliveries: Vec<DeliveryLine>,
    next: Option<String>,
    first: bool,
}

struct DeliveryLine {
    at: String,
    at_shown: String,
    event: String,
    state: (&'static str, &'static str),
    attempts: i32,
    said: String,
    next: Option<String>,
    audit: String,
}

#[derive(Template)]
#[template(path = "admin/webhook/secret.html")]
struct SecretPage {
    frame: Frame,
    url: String,
    secret: String,
    rotated: bool,
    onward: String,
}

async fn all(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    // there are fifty at most
    let webhooks = webhook::store::page(&mut *desk.broker.ctx.db.acquire().await?, "", 100).await?;
    let frame = desk.frame(Section::Webhooks);
    let view = |webhook: &Webhook| View {
        href: frame.to(&path(webhook.id.as_str())),
        url: webhook.chosen.url.clone(),
        events: webhook.chosen.events.join(", "),
        state: state(webhook),
    };
    let webhooks = webhooks.iter().map(view).collect();
    Ok(show(&ListPage { webhooks, frame }))
}

fn state(webhook: &Webhook) -> (&'static str, &'static str) {
    match (webhook.chosen.enabled, webhook.disabled_because.is_some(), webhook.failing_since.is_some()) {
        (false, true, _) => ("failing", "switched off by Avouch"),
        (false, false, _) => ("off", "off"),
        (true, _, true) => ("expiring", "nothing arrives"),
        (true, _, false) => ("active", "on"),
    }
}

/// As it was typed; boxes that are not ticked send nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    url: String,
    events: Vec<String>,
    enabled: Option<String>,
    version: Option<i64>,
}

impl Typed {
    fn wanted(&self) -> Wanted {
        Wanted { url: self.url.clone(), events: self.events.clone(), enabled: self.enabled.is_some() }
    }
}

fn form<R: Right>(
    desk: &Desk<R>,
    wanted: &Wanted,
    faults: Vec<(&'static str, String)>,
    stored: Option<Stored>,
) -> FormPage {
    let mut errors = FieldErrors::default();
    faults.into_iter().for_each(|(field, message)| errors.add(field, message));
    let events = EVENTS.iter().map(|(name, about)| EventBox {
        name,
        about,
        chosen: wanted.events.iter().any(|chosen| chosen == name),
    });
    FormPage {
        frame: desk.frame(Section::Webhooks),
        errors,
        url: wanted.url.clone(),
        enabled: wanted.enabled,
        events: events.collect(),
        stored,
    }
}

async fn new(desk: Desk<Own>) -> HttpResponse {
    let usual = ["credential.expiring", "logins.refused_rising", "signing_key.rotated"];
    let wanted = Wanted { url: String::new(), events: usual.map(Into::into).to_vec(), enabled: true };
    show(&form(&desk, &wanted, Vec::new(), None))
}

async fn create(posted: Posted<Own, Typed>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: typed } = posted;
    let (ctx, wanted) = (&desk.broker.ctx, typed.wanted());
    let chosen = match wanted.clone().check(ctx) {
        Ok(chosen) => chosen,
        Err(faults) => return Ok(show_again(&form(&desk, &wanted, faults, None))),
    };
    let (webhook, secret) = webhook::create(ctx, &desk.author, chosen).await?;
    Ok(show(&once(&desk, &webhook.id.to_string(), webhook.chosen.url, secret.expose(), false)))
}

/// The page that shows a secret, which is the answer to the form that made it and cannot be opened again.
fn once(desk: &Desk<Own>, id: &str, url: String, secret: &str, rotated: bool) -> SecretPage {
    let frame = desk.frame(Section::Webhooks);
    SecretPage { onward: frame.to(&path(id)), frame, url, secret: secret.to_owned(), rotated }
}

async fn read(desk: Desk<Read>, id: Path<String>, paging: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let webhook = found(&desk, &id).await?;
    let stored = stored(&desk, &webhook, &paging).await?;
    let chosen = webhook.chosen;
    let wanted = Wanted { url: chosen.url, events: chosen.events, enabled: chosen.enabled };
    Ok(show(&form(&desk, &wanted, Vec::new(), Some(stored))))
}

async fn found<R: Right>(desk: &Desk<R>, id: &str) -> Result<Webhook, Trouble> {
    let found = webhook::store::get(&mut *desk.broker.ctx.db.acquire().await?, &plain(id)?).await?;
    Ok(found.ok_or(WebhookError::Unknown)?)
}

async fn stored<R: Right>(desk: &Desk<R>, webhook: &Webhook, paging: &ListQuery) -> Result<Stored, Trouble> {
    let ctx = &desk.broker.ctx;
    let page = page(ctx, webhook.id.as_str(), paging).await?;
    let first = paging.after()?.is_empty();
    let next = page.next.clone();
    let trouble = match (webhook.disabled_because.as_deref(), webhook.failing_since) {
        (Some("gone"), _) => Some("It answered 410, which says that nobody wants these messages any more. So it was switched off.".into()),
        (Some(_), _) => Some("Nothing could be delivered for three days. So it was switched off; correct what is wrong, then switch it on again.".into()),
        (None, Some(since)) => Some(format!("Nothing has arrived since {} UTC. It is tried again; after three days it is switched off.", minute(since))),
        (None, None) => None,
    };
    Ok(Stored {
        path: ctx.urls.local(&path(webhook.id.as_str())),
        url: webhook.chosen.url.clone(),
        version: webhook.version,
        state: state(webhook),
        trouble,
        deliveries: page.items.into_iter().map(|one| line(one, &ctx.urls.local("/admin/audit"))).collect(),
        next,
        first,
    })
}

fn line(one: Delivery, audit: &str) -> DeliveryLine {
    let said = match (&one.problem, one.status) {
        (Some(problem), _) => problem.clone(),
        (None, Some(status)) => format!("answered {status}"),
        (None, None) => String::new(),
    };
    DeliveryLine {
        at: one.created_at.format(&Rfc3339).unwrap_or_default(),
        at_shown: minute(one.created_at),
        event: one.event,
        state: match one.state {
            DeliveryState::Owed if one.attempts == 0 => ("waiting", "waiting"),
            DeliveryState::Owed => ("expiring", "tried again"),
            DeliveryState::Delivered => ("passed", "delivered"),
            DeliveryState::GivenUp => ("failing", "given up"),
        },
        attempts: one.attempts,
        said,
        next: one.next_attempt_at.map(minute),
        audit: format!("{audit}#{}", one.event_id),
    }
}

fn minute(at: OffsetDateTime) -> String {
    at.format(format_description!("[day padding:none] [month repr:short] [hour]:[minute]:[second]")).unwrap_or_default()
}

async fn change(posted: Posted<Own, Typed>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: typed } = posted;
    let (ctx, wanted) = (&desk.broker.ctx, typed.wanted());
    let webhook = found(&desk, &id).await?;
    let chosen = match wanted.clone().check(ctx) {
        Ok(chosen) => chosen,
        Err(faults) => {
            let stored = stored(&desk, &webhook, &ListQuery::default()).await?;
            return Ok(show_again(&form(&desk, &wanted, faults, Some(stored))));
        }
    };
    webhook::change(ctx, &desk.author, webhook.id.as_str(), typed.version, chosen).await?;
    Ok(redirect::see_other(&Done::Saved.at(&ctx.urls.local(&path(&id)))))
}

/// A form that is nothing but its button.
#[derive(Deserialize)]
struct NoFields {}

async fn test(posted: Posted<Own, NoFields>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let ctx = &posted.desk.broker.ctx;
    webhook::test(ctx, &posted.desk.author, &plain(&id)?).await?;
    Ok(redirect::see_other(&Done::Sent.at(&ctx.urls.local(&path(&id)))))
}

async fn ask_rotate(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let webhook = found(&desk, &id).await?;
    let frame = desk.frame(Section::Webhooks);
    let explanation = "You see the new secret once. For 24 hours messages carry a signature by each of the two, so that the \
                       receiver can take up the new one without losing a message.";
    Ok(show(&ConfirmPage {
        question: "Make a new secret?".into(),
        explanation: explanation.into(),
        touches: vec![("Address".into(), webhook.chosen.url)],
        fields: Vec::new(),
        action: frame.to(&format!("{}/rotate-secret", path(&id))),
        button: "Make a new secret".into(),
        back: frame.to(&path(&id)),
        back_label: "Webhook".into(),
        keep: "Keep the present one",
        harmless: true,
        frame,
    }))
}

async fn rotate_secret(posted: Posted<Own, NoFields>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    let webhook = found(&desk, &id).await?;
    let secret = webhook::rotate_secret(&desk.broker.ctx, &desk.author, webhook.id.as_str()).await?;
    Ok(show(&once(&desk, &id, webhook.chosen.url, secret.expose(), true)))
}

async fn ask_delete(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let webhook = found(&desk, &id).await?;
    let frame = desk.frame(Section::Webhooks);
    Ok(show(&ConfirmPage {
        question: "Delete this webhook?".into(),
        explanation: "It is told of nothing from then on, and what it is still owed is not sent. The audit log keeps what happened.".into(),
        touches: vec![("Address".into(), webhook.chosen.url), ("Events".into(), webhook.chosen.events.join(", "))],
        fields: Vec::new(),
        action: frame.to(&format!("{}/delete", path(&id))),
        button: "Delete the webhook".into(),
        back: frame.to(&path(&id)),
        back_label: "Webhook".into(),
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

async fn delete(posted: Posted<Own, NoFields>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let ctx = &posted.desk.broker.ctx;
    webhook::delete(ctx, &posted.desk.author, &plain(&id)?).await?;
    Ok(redirect::see_other(&Done::Deleted.at(&ctx.urls.local("/admin/webhooks"))))
}
