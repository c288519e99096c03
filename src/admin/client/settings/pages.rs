//! Pages: `/admin/clients/{client_id}/settings`, `enable`, `disable`, `delete` and `release`.

use actix_web::HttpResponse;
use actix_web::web::{self, Path};
use askama::Template;
use serde::Deserialize;

use super::field_of;
use crate::admin::client::form::ClientForm;
use crate::admin::client::{entry, item, named, path, touches};
use crate::admin::configuration::{Refused, settle};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{ConfirmPage, confirm_release, show, show_again};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Right, Trouble, configuration};
use crate::client::ClientId;
use crate::provisioning::impact::impact;
use crate::provisioning::one::{self, Entry, Expect, Known};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    let at = |step: &str| web::resource(format!("/clients/{{client_id}}/{step}"));
    app.service(at("settings").route(web::get().to(edit)).route(web::post().to(save)))
        .service(at("enable").route(web::post().to(enable)))
        .service(at("disable").route(web::get().to(ask_disable)).route(web::post().to(disable)))
        .service(at("delete").route(web::get().to(ask_delete)).route(web::post().to(delete)))
        .service(at("release").route(web::get().to(ask_release)).route(web::post().to(release)));
}

#[derive(Template)]
#[template(path = "admin/client/settings.html")]
struct SettingsPage {
    frame: Frame,
    /// Its name as stored.
    name: String,
    path: String,
    form: ClientForm,
    errors: FieldErrors,
    known: bool,
    managed_by: Option<String>,
    action: String,
}

impl SettingsPage {
    fn may_change(&self) -> bool {
        self.frame.may_edit() && self.managed_by.is_none()
    }
}

async fn edit(desk: Desk<Read>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = named(&client_id)?;
    let stored = configuration::read(&desk.broker.ctx, &item(&id)).await?;
    let form = ClientForm::of(entry(&stored)?, &stored.version);
    Ok(show(&page(&desk, &stored, &id, form, FieldErrors::default())?))
}

fn page<R: Right>(
    desk: &Desk<R>,
    stored: &Known,
    id: &ClientId,
    form: ClientForm,
    errors: FieldErrors,
) -> Result<SettingsPage, Trouble> {
    let frame = desk.frame(Section::Clients);
    let path = frame.to(&path(id));
    Ok(SettingsPage {
        name: entry(stored)?.name.clone().unwrap_or_else(|| id.to_string()),
        action: format!("{path}/settings"),
        path,
        form,
        errors,
        known: true,
        managed_by: stored.managed_by.clone(),
        frame,
    })
}

async fn save(posted: Posted<Edit, ClientForm>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, mut form } = posted;
    let id = named(&client_id)?;
    form.client_id = id.to_string();
    let stored = configuration::read(&desk.broker.ctx, &item(&id)).await?;
    let put = match form.entry(Some(entry(&stored)?)) {
        Ok(entry) => {
            let expect = Expect::Version(form.version.clone());
            settle(one::put(&desk.broker.ctx, &desk.author, Entry::Client(entry), expect).await, field_of)?
        }
        Err(errors) => Err(Refused(errors)),
    };
    match put {
        Ok(_) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&path(&id))))),
        Err(Refused(errors)) => Ok(show_again(&page(&desk, &stored, &id, form, errors)?)),
    }
}

/// As it was read, but on or off.
async fn switch(desk: &Desk<Edit>, id: &ClientId, on: bool, expect: Option<String>) -> Result<HttpResponse, Trouble> {
    let stored = configuration::read(&desk.broker.ctx, &item(id)).await?;
    let mut entry = entry(&stored)?.clone();
    entry.enabled = on;
    let expect = Expect::Version(expect.unwrap_or(stored.version));
    one::put(&desk.broker.ctx, &desk.author, Entry::Client(entry), expect).await?;
    let done = if on { Done::Enabled } else { Done::Disabled };
    Ok(see_other(&desk.broker.ctx.urls.local(&done.at(&path(id)))))
}

async fn enable(posted: Posted<Edit, NoFields>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    switch(&posted.desk, &named(&client_id)?, true, None).await
}

/// Of the page that asked.
#[derive(Deserialize)]
struct Confirmed {
    version: String,
}

async fn disable(posted: Posted<Edit, Confirmed>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    switch(&posted.desk, &named(&client_id)?, false, Some(posted.form.version)).await
}

async fn ask_disable(desk: Desk<Edit>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let says = "Nobody can sign in there and it gets no tokens until it is switched on again. \
                Tokens that it has hold until they expire.";
    ask(&desk, &named(&client_id)?, "disable", "Switch off", says, "Leave it on").await
}

async fn ask_delete(desk: Desk<Edit>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let says = "Its settings, secrets, consents and refresh tokens go with it and do not come back. \
                Access tokens that it has hold until they expire. To stop it for a while, switch it off instead.";
    ask(&desk, &named(&client_id)?, "delete", "Delete", says, "Keep it").await
}

async fn ask(
    desk: &Desk<Edit>,
    id: &ClientId,
    step: &str,
    verb: &str,
    says: &str,
    keep: &'static str,
) -> Result<HttpResponse, Trouble> {
    let stored = configuration::read(&desk.broker.ctx, &item(id)).await?;
    let name = entry(&stored)?.name.clone().unwrap_or_else(|| id.to_string());
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let impact = impact(&mut conn, &item(id), desk.broker.ctx.now()).await?;
    let frame = desk.frame(Section::Clients);
    let back = frame.to(&path(id));
    Ok(show(&ConfirmPage {
        question: format!("{verb} {name}?"),
        explanation: says.into(),
        touches: touches(&impact),
        fields: vec![("version", stored.version)],
        action: format!("{back}/{step}"),
        button: format!("{verb} {name}"),
        back_label: name,
        back,
        keep,
        harmless: false,
        frame,
    }))
}

async fn delete(posted: Posted<Edit, Confirmed>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let item = item(&named(&client_id)?);
    one::delete(&desk.broker.ctx, &desk.author, &item, Expect::Version(form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/clients"))))
}

async fn ask_release(desk: Desk<Edit>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = named(&client_id)?;
    let stored = configuration::read(&desk.broker.ctx, &item(&id)).await?;
    let frame = desk.frame(Section::Clients);
    let back = frame.to(&path(&id));
    Ok(show(&confirm_release(frame, id.as_str(), stored.managed_by.as_deref().unwrap_or("its file"), back)))
}

async fn release(posted: Posted<Edit, NoFields>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    let id = named(&client_id)?;
    one::release(&desk.broker.ctx, &desk.author, &item(&id)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Released.at(&path(&id)))))
}
