//! Pages: `/admin/account` and the second factor.

use actix_web::{HttpResponse, web};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::admin::extract::{Desk, Posted};
use crate::admin::form::FieldErrors;
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::sign_in::pages::{NoFields, retry_after, waiting};
use crate::admin::when::When;
use crate::admin::{Read, Trouble};
use crate::operator::second_factor::{self, Enrolment, Removed};
use crate::operator::throttle::{self, Counts};
use crate::operator::{session, sign_in};
use crate::secret::Secret;
use crate::vault::Sealed;
use crate::web::qr;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/account", web::get().to(account))
        .route("/account/sign-out-elsewhere", web::post().to(sign_out_elsewhere))
        .service(web::resource("/account/second-factor").route(web::get().to(enrolment)).route(web::post().to(enrol)))
        .service(
            web::resource("/account/second-factor/remove")
                .route(web::get().to(ask_remove))
                .route(web::post().to(remove)),
        );
}

#[derive(Template)]
#[template(path = "admin/account/account.html")]
struct AccountPage {
    frame: Frame,
    /// The provider checks password and second factor.
    through_connection: bool,
    second_factor: bool,
    codes_left: i64,
    sessions: Vec<SessionRow>,
}

struct SessionRow {
    here: bool,
    agent: String,
    addr: String,
    began: When,
    seen: When,
}

async fn account(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    let ctx = &desk.broker.ctx;
    let (operator, now) = (&desk.session.operator, ctx.now());
    let sessions = session::list(ctx, &desk.session).await?;
    let sessions = sessions.into_iter().map(|one| SessionRow {
        here: one.id == desk.session.id,
        agent: one.user_agent.unwrap_or_else(|| "A browser that does not say its name".into()),
        addr: one.remote_addr.unwrap_or_default(),
        began: When::new(one.created_at, now),
        seen: When::new(one.last_seen_at, now),
    });
    Ok(show(&AccountPage {
        frame: desk.frame(Section::Account),
        through_connection: operator.user.is_some(),
        second_factor: operator.second_factor,
        codes_left: second_factor::store::recovery_codes(&mut *ctx.db.acquire().await?, &operator.id).await?,
        sessions: sessions.collect(),
    }))
}

async fn sign_out_elsewhere(posted: Posted<Read, NoFields>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    sign_in::sign_out_elsewhere(&desk.broker.ctx, &desk.author, &desk.session).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Removed.at("/admin/account"))))
}

#[derive(Template)]
#[template(path = "admin/account/enrol.html")]
struct EnrolPage {
    frame: Frame,
    /// The secret, for us to read again.
    sealed: String,
    /// In groups of four, to be typed.
    base32: String,
    qr: Option<String>,
    errors: FieldErrors,
}

impl EnrolPage {
    fn of(desk: &Desk<Read>, enrolment: &Enrolment, errors: FieldErrors) -> Self {
        let groups: Vec<_> = enrolment.base32.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
        Self {
            frame: desk.frame(Section::Account),
            sealed: URL_SAFE_NO_PAD.encode(enrolment.sealed.as_bytes()),
            base32: groups.join(" "),
            qr: qr::inline(&enrolment.uri),
            errors,
        }
    }
}

/// The name in the app's list.
fn issuer(desk: &Desk<Read>) -> String {
    format!("Avouch {}", desk.broker.brand().host)
}

/// Those who come through a connection have no second factor here, and nobody has two.
fn may_enrol(desk: &Desk<Read>) -> Result<(), Trouble> {
    let operator = &desk.session.operator;
    if operator.user.is_some() {
        return Err(Trouble::Conflict(
            "through_connection",
            "the provider of your account asks for its second factor".into(),
        ));
    }
    if operator.second_factor {
        return Err(Trouble::Conflict("second_factor_exists", "you have a second factor; remove it first".into()));
    }
    Ok(())
}

async fn enrolment(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    may_enrol(&desk)?;
    let enrolment = second_factor::enrolment(&desk.broker.ctx, &desk.session.operator, &issuer(&desk));
    Ok(show(&EnrolPage::of(&desk, &enrolment, FieldErrors::default())))
}

#[derive(Deserialize)]
struct EnrolForm {
    sealed: String,
    code: String,
}

/// The recovery codes, this once.
#[derive(Template)]
#[template(path = "admin/account/recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

async fn enrol(posted: Posted<Read, EnrolForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    may_enrol(&desk)?;
    let (ctx, operator) = (&desk.broker.ctx, &desk.session.operator);
    let old = || Trouble::Malformed("the form is not the one that we made for you; begin anew".into());
    let sealed = Sealed::from_stored(URL_SAFE_NO_PAD.decode(&form.sealed).map_err(|_| old())?);
    match second_factor::enrol(ctx, &desk.author, operator, &sealed, &form.code).await? {
        Some(codes) => {
            let codes = codes.iter().map(|code| code.expose().clone()).collect();
            Ok(show(&CodesPage { frame: desk.frame(Section::Account), codes }))
        }
        None => {
            let shown = second_factor::enrolment_again(ctx, operator, &issuer(&desk), &sealed).ok_or_else(old)?;
            let errors = FieldErrors::one(
                "code",
                "This is not the code of now. Wait for the next one, and look whether the clock of your phone is right.",
            );
            Ok(show_again(&EnrolPage::of(&desk, &shown, errors)))
        }
    }
}

#[derive(Template)]
#[template(path = "admin/account/remove.html")]
struct RemovePage {
    frame: Frame,
    errors: FieldErrors,
}

async fn ask_remove(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    if !desk.session.operator.second_factor {
        return Err(Trouble::Unknown("second factor to remove".into()));
    }
    Ok(show(&RemovePage { frame: desk.frame(Section::Account), errors: FieldErrors::default() }))
}

#[derive(Deserialize)]
struct RemoveForm {
    password: Secret<String>,
    code: String,
}

async fn remove(posted: Posted<Read, RemoveForm>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let (ctx, operator) = (&desk.broker.ctx, &desk.session.operator);
    // whoever found a desk open guesses no more than one at the door
    let counts = Counts::of(&ctx.vault, &operator.email, Some(desk.session.id.as_str()), None);
    let again = |errors| RemovePage { frame: desk.frame(Section::Account), errors };
    if let Err(wait) = throttle::begin(ctx, &counts).await? {
        let mut response = show_again(&again(FieldErrors::one("password", waiting(wait))));
        *response.status_mut() = actix_web::http::StatusCode::TOO_MANY_REQUESTS;
        retry_after(&mut response, wait);
        return Ok(response);
    }
    let errors = match second_factor::remove(ctx, &desk.author, operator, &form.password, &form.code).await? {
        Removed::Done => {
            throttle::succeeded(&mut *ctx.db.acquire().await?, &counts).await?;
            return Ok(see_other(&ctx.urls.local(&Done::Removed.at("/admin/account"))));
        }
        Removed::WrongPassword => FieldErrors::one("password", "This is not your password."),
        Removed::WrongCode => FieldErrors::one("code", "This code is wrong, or it was used before."),
    };
    Ok(show_again(&again(errors)))
}
