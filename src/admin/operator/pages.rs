//! Pages: `/admin/operators`, one of them, and what an owner can do there.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{ROLES, beside, key, operator_id, role, rule};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section, segment};
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::when::When;
use crate::admin::{Own, Read, Right, Trouble};
use crate::ids::OperatorId;
use crate::operator::manage::{self, Change};
use crate::operator::{Operator, store};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/operators", web::get().to(all))
        .service(web::resource("/operators/new").route(web::get().to(new)).route(web::post().to(create)))
        .service(web::resource("/operators/{id}").route(web::get().to(read)).route(web::post().to(change)))
        .service(
            web::resource("/operators/{id}/reset-password")
                .route(web::get().to(ask_reset_password))
                .route(web::post().to(reset_password)),
        )
        .service(
            web::resource("/operators/{id}/reset-second-factor")
                .route(web::get().to(ask_reset_second_factor))
                .route(web::post().to(reset_second_factor)),
        )
        .service(web::resource("/operators/{id}/delete").route(web::get().to(ask_delete)).route(web::post().to(delete)))
        .configure(key::pages::routes)
        .configure(rule::pages::routes);
}

#[derive(Template)]
#[template(path = "admin/operator/list.html")]
struct ListPage {
    frame: Frame,
    search: String,
    first: bool,
    page: Page<Row>,
}

/// An operator as pages show them.
struct Row {
    href: String,
    email: String,
    role: &'static str,
    /// For the pill, with its word.
    state: (&'static str, &'static str),
    by: String,
    second_factor: &'static str,
    seen: Option<When>,
}

impl ListPage {
    fn list_href(&self) -> String {
        self.frame.to(&format!("/admin/operators?q={}&", segment(&self.search)))
    }
}

async fn all(desk: Desk<Read>, query: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let key = after.first().zip(after.get(1)).map(|(email, id)| (email.as_str(), id.as_str()));
    let found = store::page(&mut *desk.broker.ctx.db.acquire().await?, query.search(), key, limit + 1).await?;
    let frame = desk.frame(Section::Operators);
    let page = Page::of(found, limit, |o| vec![o.email.to_lowercase(), o.id.to_string()]);
    let page = page.map(|operator| row(&desk, &frame, &operator));
    Ok(show(&ListPage { search: query.search().unwrap_or_default().into(), first: after.is_empty(), page, frame }))
}

fn row<R: Right>(desk: &Desk<R>, frame: &Frame, operator: &Operator) -> Row {
    Row {
        href: frame.to(&path(&operator.id)),
        email: operator.email.clone(),
        role: operator.role.as_str(),
        state: match (operator.disabled, operator.must_change) {
            (true, _) => ("off", "Switched off"),
            (false, true) => ("waiting", "Has a one-time password"),
            (false, false) => ("active", "Active"),
        },
        by: match &operator.user {
            Some(_) => "A connection, by rule".into(),
            None => "Password".into(),
        },
        second_factor: match (&operator.user, operator.second_factor) {
            (Some(_), _) => "The provider's",
            (None, true) => "Authenticator app",
            (None, false) => "None",
        },
        seen: operator.last_sign_in_at.map(|at| When::new(at, desk.broker.ctx.now())),
    }
}

fn path(id: &OperatorId) -> String {
    format!("/admin/operators/{id}")
}

#[derive(Default, Deserialize)]
struct NewForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
}

#[derive(Template)]
#[template(path = "admin/operator/new.html")]
struct NewPage {
    frame: Frame,
    form: NewForm,
    errors: FieldErrors,
}

async fn new(desk: Desk<Own>) -> HttpResponse {
    let form = NewForm { role: "editor".into(), ..NewForm::default() };
    show(&NewPage { frame: desk.frame(Section::Operators), form, errors: FieldErrors::default() })
}

/// A one-time password, this once.
#[derive(Template)]
#[template(path = "admin/operator/password.html")]
struct PasswordPage {
    frame: Frame,
    email: String,
    password: String,
    onward: String,
}

async fn create(posted: Posted<Own, NewForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let (ctx, by) = (&desk.broker.ctx, desk.session.operator.role);
    let made = manage::create(ctx, &desk.author, by, &form.email, role(&form.role)?).await;
    let frame = desk.frame(Section::Operators);
    match made {
        Ok((operator, password)) => Ok(show(&PasswordPage {
            onward: frame.to(&path(&operator.id)),
            frame,
            email: operator.email,
            password: password.expose().clone(),
        })),
        Err(error) => {
            let (field, sentence) = beside(error)?;
            Ok(show_again(&NewPage { frame, form, errors: FieldErrors::one(field, sentence) }))
        }
    }
}

#[derive(Template)]
#[template(path = "admin/operator/one.html")]
struct OnePage {
    frame: Frame,
    row: Row,
    role: String,
    disabled: bool,
    version: String,
    /// The page of the person who comes through a connection.
    user: Option<String>,
    /// It is whoever looks.
    own: bool,
    has_second_factor: bool,
    errors: FieldErrors,
}

async fn find<R: Right>(desk: &Desk<R>, id: String) -> Result<Operator, Trouble> {
    let found = store::by_id(&mut *desk.broker.ctx.db.acquire().await?, &operator_id(id)?).await?;
    found.ok_or_else(|| Trouble::Unknown("such operator".into()))
}

fn one_page<R: Right>(desk: &Desk<R>, operator: &Operator, errors: FieldErrors) -> OnePage {
    let frame = desk.frame(Section::Operators);
    OnePage {
        row: row(desk, &frame, operator),
        role: operator.role.as_str().into(),
        disabled: operator.disabled,
        version: operator.version(),
        user: operator.user.as_ref().map(|user| frame.to(&format!("/admin/users/{user}"))),
        own: operator.id == desk.session.operator.id,
        has_second_factor: operator.second_factor,
        frame,
        errors,
    }
}

async fn read(desk: Desk<Read>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let operator = find(&desk, id.into_inner()).await?;
    Ok(show(&one_page(&desk, &operator, FieldErrors::default())))
}

#[derive(Deserialize)]
struct ChangeForm {
    /// Absent where a rule decides.
    role: Option<String>,
    disabled: Option<String>,
    version: String,
}

async fn change(posted: Posted<Own, ChangeForm>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let operator = find(&desk, id.into_inner()).await?;
    let by = desk.session.operator.role;
    let change = Change { role: form.role.as_deref().map(role).transpose()?, disabled: Some(form.disabled.is_some()) };
    let version = Some(form.version.as_str());
    match manage::change(&desk.broker.ctx, &desk.author, by, &operator.id, version, change).await {
        Ok(_) => Ok(see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&path(&operator.id))))),
        Err(error) => {
            let (field, sentence) = beside(error)?;
            Ok(show_again(&one_page(&desk, &operator, FieldErrors::one(field, sentence))))
        }
    }
}

/// The page that asks, and what is asked there.
fn ask(
    desk: &Desk<Own>,
    operator: &Operator,
    (step, question, explanation, button): (&str, String, &str, &str),
) -> HttpResponse {
    let frame = desk.frame(Section::Operators);
    let back = frame.to(&path(&operator.id));
    show(&ConfirmPage {
        question,
        explanation: explanation.into(),
        touches: vec![("Operator".into(), format!("{}, {}", operator.email, operator.role))],
        fields: vec![("version", operator.version())],
        action: format!("{back}/{step}"),
        button: button.into(),
        back_label: operator.email.clone(),
        back,
        keep: "Leave it",
        harmless: false,
        frame,
    })
}

async fn ask_reset_password(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let operator = find(&desk, id.into_inner()).await?;
    let question = format!("Give {} a new one-time password?", operator.email);
    let says = "The present password is gone at once, and every session of this operator ends. The new password is shown once, and good for choosing another one.";
    Ok(ask(&desk, &operator, ("reset-password", question, says, "Make a new password")))
}

async fn reset_password(posted: Posted<Own, NoFields>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    let operator = find(&desk, id.into_inner()).await?;
    let password = manage::reset_password(&desk.broker.ctx, &desk.author, &operator.id).await?;
    let frame = desk.frame(Section::Operators);
    Ok(show(&PasswordPage {
        onward: frame.to(&path(&operator.id)),
        frame,
        email: operator.email,
        password: password.expose().clone(),
    }))
}

async fn ask_reset_second_factor(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let operator = find(&desk, id.into_inner()).await?;
    let question = format!("Take the second factor of {} away?", operator.email);
    let says = "Be sure who asks for it: from then on the password alone lets them in, until they add another one. Every session of this operator ends.";
    Ok(ask(&desk, &operator, ("reset-second-factor", question, says, "Take it away")))
}

async fn reset_second_factor(posted: Posted<Own, NoFields>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    let id = operator_id(id.into_inner())?;
    manage::reset_second_factor(&desk.broker.ctx, &desk.author, &id).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Removed.at(&path(&id)))))
}

async fn ask_delete(desk: Desk<Own>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let operator = find(&desk, id.into_inner()).await?;
    let question = format!("Delete {}?", operator.email);
    let says = match operator.user {
        Some(_) => {
            "Their sessions end. A rule that lets them in lets them in again: switch them off instead, or change the rule."
        }
        None => {
            "Their sessions end, and they cannot come back. Keys that they made stay, and the audit log keeps what they did."
        }
    };
    Ok(ask(&desk, &operator, ("delete", question, says, "Delete")))
}

#[derive(Deserialize)]
struct Confirmed {
    version: String,
}

async fn delete(posted: Posted<Own, Confirmed>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let id = operator_id(id.into_inner())?;
    manage::delete(&desk.broker.ctx, &desk.author, &id, Some(&form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/operators"))))
}
