//! Pages: `/admin/signing-keys/{alg}/schedule`.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::{Own, Right, Trouble};
use crate::jose::Alg;
use crate::signing_key::schedule::{self, Wanted};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/signing-keys/{alg}/schedule").route(web::get().to(form)).route(web::post().to(save)));
}

#[derive(Template)]
#[template(path = "admin/signing_key/schedule.html")]
struct SchedulePage {
    frame: Frame,
    alg: Alg,
    typed: Typed,
    errors: FieldErrors,
}

/// As it was typed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    lifetime_days: String,
    publish_ahead_hours: String,
}

impl Typed {
    fn wanted(&self) -> Wanted {
        // what is no number is out of range too
        let number = |text: &str| text.trim().parse().unwrap_or(-1);
        let days = Some(self.lifetime_days.trim()).filter(|days| !days.is_empty()).map(number);
        Wanted { lifetime_days: days, publish_ahead_hours: number(&self.publish_ahead_hours) }
    }
}

fn parse(alg: &str) -> Result<Alg, Trouble> {
    Alg::parse(alg).ok_or_else(|| Trouble::Unknown(format!("algorithm {alg}")))
}

fn page<R: Right>(desk: &Desk<R>, alg: Alg, typed: Typed, errors: FieldErrors) -> SchedulePage {
    SchedulePage { frame: desk.frame(Section::SigningKeys), alg, typed, errors }
}

async fn form(desk: Desk<Own>, alg: Path<String>) -> Result<HttpResponse, Trouble> {
    let alg = parse(&alg)?;
    let plan = schedule::store::load(&mut *desk.broker.ctx.db.acquire().await?).await?.of(alg);
    let typed = Typed {
        lifetime_days: plan.lifetime_days.map(|days| days.to_string()).unwrap_or_default(),
        publish_ahead_hours: plan.publish_ahead_hours.to_string(),
    };
    Ok(show(&page(&desk, alg, typed, FieldErrors::default())))
}

async fn save(posted: Posted<Own, Typed>, alg: Path<String>) -> Result<HttpResponse, Trouble> {
    let (Posted { desk, form: typed }, alg) = (posted, parse(&alg)?);
    match typed.wanted().check() {
        Ok(plan) => {
            schedule::change(&desk.broker.ctx, &desk.author, alg, plan).await?;
            Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at("/admin/signing-keys"))))
        }
        Err(faults) => {
            let mut errors = FieldErrors::default();
            faults.into_iter().for_each(|(field, message)| errors.add(field, message));
            Ok(show_again(&page(&desk, alg, typed, errors)))
        }
    }
}
