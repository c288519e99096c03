//! Pages: `/admin/clients/{client_id}/secrets`, which shows a new one this once, and `.../{id}/withdraw`.

use actix_web::HttpResponse;
use actix_web::web::{self, Path};
use askama::Template;
use serde::Deserialize;
use time::Duration;

use super::label;
use crate::admin::client::{item, named, path};
use crate::admin::extract::{Desk, Posted};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::{ConfirmPage, show};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Trouble, configuration};
use crate::client::secret;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/clients/{client_id}/secrets").route(web::get().to(back)).route(web::post().to(add)))
        .service(
            web::resource("/clients/{client_id}/secrets/{id}/withdraw")
                .route(web::get().to(ask_withdraw))
                .route(web::post().to(withdraw)),
        );
}

#[derive(Template)]
#[template(path = "admin/client/secret.html")]
struct SecretPage {
    frame: Frame,
    client_id: String,
    value: String,
    expires: Option<Moment>,
    back: String,
}

#[derive(Deserialize)]
struct NewSecret {
    /// Days that it counts; empty for ever.
    #[serde(default)]
    days: String,
}

/// Whoever opens it again: there is nothing to see a second time.
async fn back(desk: Desk<Edit>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(see_other(&desk.broker.ctx.urls.local(&path(&named(&client_id)?))))
}

async fn add(posted: Posted<Edit, NewSecret>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let id = named(&client_id)?;
    let now = desk.broker.ctx.now();
    let days = match form.days.trim() {
        "" => None,
        days => Some(days.parse::<u16>().map_err(|_| Trouble::Malformed("the days are no whole number".into()))?),
    };
    let end = days.map(|days| now + Duration::days(days.into()));
    let (known, value) = secret::add(&desk.broker.ctx, &desk.author, &id, end).await?;
    let frame = desk.frame(Section::Clients);
    Ok(show(&SecretPage {
        client_id: id.to_string(),
        value: value.expose().clone(),
        expires: known.expires_at.map(|at| Moment::new(at, now)),
        back: frame.to(&path(&id)),
        frame,
    }))
}

async fn ask_withdraw(desk: Desk<Edit>, asked: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (client_id, secret_id) = asked.into_inner();
    let id = named(&client_id)?;
    configuration::read(&desk.broker.ctx, &item(&id)).await?;
    let now = desk.broker.ctx.now();
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let secrets = secret::list(&mut conn, &id).await?;
    let known = secrets.iter().find(|one| one.id.as_str() == secret_id);
    let known = known.ok_or_else(|| Trouble::Unknown(format!("such secret of the client {id}")))?;
    let usable = |one: &&secret::KnownSecret| one.id != known.id && one.expires_at.is_none_or(|end| now < end);
    let others = secrets.iter().filter(usable).count();
    let used = known.last_used_at.map_or("Never".to_owned(), |at| Moment::new(at, now).to_string());
    let others = match others {
        0 => "None: it gets no tokens by a secret any more".to_owned(),
        others => others.to_string(),
    };
    let frame = desk.frame(Section::Clients);
    let back = frame.to(&path(&id));
    Ok(show(&ConfirmPage {
        question: format!("Withdraw the secret {} of {id}?", label(known)),
        explanation: "Whoever still comes with it is refused from then on. It cannot be brought back.".into(),
        touches: vec![
            ("Last used".into(), used),
            ("Safe to retire".into(), known.safe_to_retire(&secrets, now).to_string()),
            ("Other secrets that count".into(), others),
        ],
        fields: Vec::new(),
        action: format!("{back}/secrets/{secret_id}/withdraw"),
        button: "Withdraw it".into(),
        back_label: id.to_string(),
        back,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

async fn withdraw(posted: Posted<Edit, NoFields>, asked: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    let (client_id, secret_id) = asked.into_inner();
    let id = named(&client_id)?;
    secret::withdraw(&desk.broker.ctx, &desk.author, &id, &secret_id).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Removed.at(&path(&id)))))
}
