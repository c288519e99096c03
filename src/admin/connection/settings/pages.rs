//! Pages: `/admin/connections/{slug}/settings` and `/claims`.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::admin::configuration::{Refused, settle};
use crate::admin::connection::form::{self, Context, Kind, Plan, Section as FormSection, Typed};
use crate::admin::connection::pages::shown;
use crate::admin::connection::view::{Head, Tab, protocol};
use crate::admin::connection::{item, path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::{Edit, Read, Trouble, configuration};
use crate::connection::Connection;
use crate::provisioning::ConnectionEntry;
use crate::provisioning::one::{self, Entry, Expect};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/settings", web::get().to(settings))
        .route("/connections/{slug}/settings", web::post().to(save_settings))
        .route("/connections/{slug}/claims", web::get().to(claims))
        .route("/connections/{slug}/claims", web::post().to(save_claims));
}

#[derive(Template)]
#[template(path = "admin/connection/settings.html")]
struct SettingsPage {
    frame: Frame,
    head: Head,
    tab_title: &'static str,
    action: String,
    sections: Vec<FormSection>,
    errors: FieldErrors,
    version: String,
    may_delete: bool,
}

fn plan(tab: Tab, one: &Connection) -> Vec<Plan> {
    let provider = crate::admin::connection::provider::Provider::of(one);
    if tab == Tab::Claims { form::claims() } else { form::settings(provider, protocol(one)) }
}

fn page(
    frame: Frame,
    head: Head,
    tab: Tab,
    sections: Vec<FormSection>,
    errors: FieldErrors,
    version: String,
) -> SettingsPage {
    let (tab_title, tail) = if tab == Tab::Claims { ("Claims and rules", "claims") } else { ("Settings", "settings") };
    let may_delete = tab == Tab::Settings && head.may_change(&frame);
    SettingsPage {
        action: format!("{}/{tail}", head.path),
        tab_title,
        sections,
        errors,
        version,
        may_delete,
        frame,
        head,
    }
}

/// A connection's entry, and the version that a change of it names.
pub(in crate::admin::connection) async fn entry(
    desk: &Seated,
    one: &Connection,
) -> Result<(ConnectionEntry, String), Trouble> {
    let known = configuration::read(&desk.broker.ctx, &item(one.slug.clone())).await?;
    match known.entry {
        Entry::Connection(entry) => Ok((entry, known.version)),
        _ => Err(Trouble::Broken),
    }
}

async fn settings(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    edit(&desk, &name, Tab::Settings).await
}

async fn claims(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    edit(&desk, &name, Tab::Claims).await
}

async fn save_settings(posted: Posted<Edit, Typed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    save(&posted, &name, Tab::Settings).await
}

async fn save_claims(posted: Posted<Edit, Typed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    save(&posted, &name, Tab::Claims).await
}

async fn edit(desk: &Desk<Read>, name: &str, tab: Tab) -> Result<HttpResponse, Trouble> {
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug(name)?, Some(tab)).await?;
    let (entry, version) = entry(desk, &one).await?;
    let sections = Context::of(&one).filled(plan(tab, &one), &entry);
    Ok(show(&page(frame, head, tab, sections, FieldErrors::default(), version)))
}

async fn save(posted: &Posted<Edit, Typed>, name: &str, tab: Tab) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form: sent } = posted;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(desk, &frame, &slug(name)?, Some(tab)).await?;
    let sections = Context::of(&one).typed(plan(tab, &one), sent);
    let version = form::typed(sent, "version").to_owned();
    match put(desk, &one, &sections, version.clone()).await? {
        Ok(()) => {
            let tail = if tab == Tab::Claims { "/claims" } else { "/settings" };
            let to = format!("{}{tail}", path(one.slug.as_str()));
            Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&to))))
        }
        Err(Refused(errors)) => Ok(show_again(&page(frame, head, tab, sections, errors, version))),
    }
}

/// Changes what the form has fields for, and leaves everything else of the entry as it is.
pub(in crate::admin::connection) async fn put(
    desk: &Desk<Edit>,
    one: &Connection,
    sections: &[FormSection],
    version: String,
) -> Result<Result<(), Refused>, Trouble> {
    let (entry, _) = entry(desk, one).await?;
    let wanted = match Context::of(one).changed(&entry, sections) {
        Ok(wanted) => Entry::Connection(wanted),
        Err(errors) => return Ok(Err(Refused(errors))),
    };
    let put = one::put(&desk.broker.ctx, &desk.author, wanted, Expect::Version(version)).await;
    Ok(settle(put, form::field_of)?.map(drop))
}
