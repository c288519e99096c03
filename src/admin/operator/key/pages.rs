//! Pages: `/admin/operator-keys`, a new one, and the end of one.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Done, Frame, Section, segment};
use crate::admin::moment::uses;
use crate::admin::operator::{ROLES, beside, key_id, role};
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::when::When;
use crate::admin::{Own, Read, Trouble};
use crate::life::Verdict;
use crate::operator::api_key::{self, OperatorKey, store};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/operator-keys", web::get().to(all))
        .service(web::resource("/operator-keys/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(
            web::resource("/operator-keys/{id}/delete").route(web::get().to(ask_delete)).route(web::post().to(delete)),
        );
}

#[derive(Template)]
#[template(path = "admin/operator/keys.html")]
struct ListPage {
    frame: Frame,
    search: String,
    first: bool,
    page: Page<Row>,
}

struct Row {
    delete: String,
    name: String,
    hint: String,
    role: &'static str,
    by: String,
    ends: Option<When>,
    ended: bool,
    used: Option<When>,
    /// `12 times, last from 192.0.2.7`.
    uses: String,
    verdict: Verdict,
}

impl ListPage {
    fn list_href(&self) -> String {
        self.frame.to(&format!("/admin/operator-keys?q={}&", segment(&self.search)))
    }
}

async fn all(desk: Desk<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let (ctx, key) = (&desk.broker.ctx, after.first().map(String::as_str));
    let found = store::page(&mut *ctx.db.acquire().await?, query.search(), key, limit + 1).await?;
    let frame = desk.frame(Section::Operators);
    let page = Page::of(found, limit, |key| vec![key.name.clone()]).map(|key| row(&frame, ctx.now(), key));
    Ok(show(&ListPage { search: query.search().unwrap_or_default().into(), first: after.is_empty(), page, frame }))
}

fn row(frame: &Frame, now: OffsetDateTime, key: OperatorKey) -> Row {
    Row {
        delete: frame.to(&format!("/admin/operator-keys/{}/delete", key.id)),
        ended: key.has_ended(now),
        uses: uses(key.uses, key.last_used_addr.as_deref()),
        verdict: key.safe_to_retire(now),
        name: key.name,
        hint: key.hint,
        role: key.role.as_str(),
        by: key.created_by,
        ends: key.expires_at.map(|at| When::new(at, now)),
        used: key.last_used_at.map(|at| When::new(at, now)),
    }
}

#[derive(Default, Deserialize)]
struct NewForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    /// The last day, or nothing.
    #[serde(default)]
    expires: String,
}

impl NewForm {
    /// The end of that day, UTC.
    fn end(&self) -> Result<Option<OffsetDateTime>, ()> {
        let Some(day) = given(&self.expires) else { return Ok(None) };
        let day = Date::parse(&day, format_description!("[year]-[month]-[day]")).map_err(|_| ())?;
        Ok(Some(day.next_day().unwrap_or(day).with_time(Time::MIDNIGHT).assume_utc()))
    }
}

#[derive(Template)]
#[template(path = "admin/operator/key_new.html")]
struct NewPage {
    frame: Frame,
    form: NewForm,
    errors: FieldErrors,
}

async fn new(desk: Desk<Own>) -> HttpResponse {
    let form = NewForm { role: "auditor".into(), ..NewForm::default() };
    show(&NewPage { frame: desk.frame(Section::Operators), form, errors: FieldErrors::default() })
}

#[derive(Template)]
#[template(path = "admin/operator/key_made.html")]
struct MadePage {
    frame: Frame,
    name: String,
    value: String,
    example: String,
}

async fn create(posted: Posted<Own, NewForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let (ctx, by, frame) = (&desk.broker.ctx, desk.session.operator.role, desk.frame(Section::Operators));
    let Ok(end) = form.end() else {
        let errors = FieldErrors::one("expires", "Write a day as 2027-01-31, or nothing.");
        return Ok(show_again(&NewPage { frame, form, errors }));
    };
    match api_key::create(ctx, &desk.author, by, &form.name, role(&form.role)?, end).await {
        Ok((key, value)) => Ok(show(&MadePage {
            frame,
            name: key.name,
            value: value.expose().clone(),
            example: ctx.urls.at("/api/v1/connections"),
        })),
        Err(error) => {
            let (field, sentence) = beside(error)?;
            Ok(show_again(&NewPage { frame, form, errors: FieldErrors::one(field, sentence) }))
        }
    }
}

async fn ask_delete(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let (ctx, id) = (&desk.broker.ctx, key_id(id.into_inner())?);
    let key = store::by_id(&mut *ctx.db.acquire().await?, &id).await?;
    let key = key.ok_or_else(|| Trouble::Unknown("such operator key".into()))?;
    let used = key.last_used_at.map_or_else(|| "Never".into(), |at| When::new(at, ctx.now()).relative());
    let frame = desk.frame(Section::Operators);
    let back = frame.to("/admin/operator-keys");
    Ok(show(&ConfirmPage {
        question: format!("Delete the key {}?", key.name),
        explanation: "Whatever uses it gets 401 from then on.".into(),
        touches: vec![
            ("Role".into(), key.role.to_string()),
            ("Last used".into(), used),
            ("Safe to retire".into(), key.safe_to_retire(ctx.now()).to_string()),
        ],
        fields: Vec::new(),
        action: format!("{back}/{id}/delete"),
        button: "Delete the key".into(),
        back_label: "Operator keys".into(),
        back,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

async fn delete(posted: Posted<Own, NoFields>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    api_key::delete(&desk.broker.ctx, &desk.author, &key_id(id.into_inner())?).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/operator-keys"))))
}
