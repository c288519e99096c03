//! Pages: `/admin/sign-in`, `/admin/password`, and the button that signs out.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{LONGEST, SHORTEST, then};
use crate::admin::Trouble;
use crate::admin::extract::{Seated, SeatedForm, author};
use crate::admin::form::FieldErrors;
use crate::broker::Broker;
use crate::login::extract::Visiting;
use crate::operator::{self, session};
use crate::secret::Secret;
use crate::web::brand::Brand;
use crate::web::{cookies, csrf, page, redirect, security_headers};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/sign-in").route(web::get().to(form)).route(web::post().to(sign_in)))
        .route("/sign-out", web::post().to(sign_out))
        .service(web::resource("/password").route(web::get().to(password_form)).route(web::post().to(set_password)));
}

#[derive(Template)]
#[template(path = "admin/sign_in/sign_in.html")]
struct SignInPage {
    brand: Brand,
    action: String,
    csrf: String,
    then: String,
    email: String,
    errors: FieldErrors,
}

#[derive(Deserialize)]
struct Onward {
    #[serde(default)]
    then: String,
}

async fn form(broker: Data<Broker>, visiting: Visiting, onward: Query<Onward>) -> HttpResponse {
    let shown = sign_in_page(&broker, &visiting, onward.into_inner().then, String::new(), FieldErrors::default());
    let response = page::render(StatusCode::OK, &shown);
    visiting.welcome(&broker, security_headers::isolate(response))
}

fn sign_in_page(broker: &Broker, visiting: &Visiting, then: String, email: String, errors: FieldErrors) -> SignInPage {
    let urls = &broker.ctx.urls;
    SignInPage {
        brand: broker.brand(),
        action: urls.local("/admin/sign-in"),
        csrf: csrf::token(&broker.ctx.vault, "admin/sign-in", &visiting.visitor.browser),
        then,
        email,
        errors,
    }
}

#[derive(Deserialize)]
struct SignInForm {
    csrf: String,
    #[serde(default)]
    then: String,
    email: String,
    password: Secret<String>,
}

async fn sign_in(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    form: web::Form<SignInForm>,
) -> Result<HttpResponse, Trouble> {
    let (ctx, form) = (&broker.ctx, form.into_inner());
    let own = csrf::check(&ctx.vault, "admin/sign-in", &visiting.visitor.browser, &form.csrf);
    if !own || !csrf::same_origin(&req, &ctx.urls) {
        return Err(Trouble::ForeignForm);
    }
    let author = author(&req, format!("operator:{}", form.email.trim()));
    let Some(opened) = operator::sign_in(ctx, &author, &form.email, &form.password).await? else {
        let errors = FieldErrors::one("password", "This e-mail address and password do not belong together.");
        let shown = sign_in_page(&broker, &visiting, form.then, form.email, errors);
        return Ok(security_headers::isolate(page::render(StatusCode::UNPROCESSABLE_ENTITY, &shown)));
    };
    let desk = ctx.urls.local("/admin");
    let mut response = redirect::see_other(then(&form.then, &ctx.urls).unwrap_or(&desk));
    seat(&mut response, &broker, &opened)?;
    Ok(response)
}

fn seat(response: &mut HttpResponse, broker: &Broker, secret: &Secret<String>) -> Result<(), Trouble> {
    let cookie = cookies::set_operator(&broker.ctx.urls, secret, session::ABSOLUTE);
    response.add_cookie(&cookie).map_err(|_| Trouble::Broken)
}

async fn sign_out(form: SeatedForm<NoFields>) -> Result<HttpResponse, Trouble> {
    let seated = form.seated;
    let urls = &seated.broker.ctx.urls;
    operator::sign_out(&seated.broker.ctx, &seated.author, &seated.session).await?;
    let mut response = redirect::see_other(&urls.local("/admin/sign-in"));
    response.add_cookie(&cookies::clear_operator(urls)).map_err(|_| Trouble::Broken)?;
    Ok(response)
}

/// A form that is nothing but its button.
#[derive(Deserialize)]
pub struct NoFields {}

#[derive(Template)]
#[template(path = "admin/sign_in/password.html")]
struct PasswordPage {
    brand: Brand,
    action: String,
    csrf: String,
    email: String,
    /// The present one was generated.
    first: bool,
    shortest: usize,
    errors: FieldErrors,
}

impl PasswordPage {
    fn of(seated: &Seated, errors: FieldErrors) -> Self {
        let urls = &seated.broker.ctx.urls;
        Self {
            brand: seated.broker.brand(),
            action: urls.local("/admin/password"),
            csrf: seated.csrf(),
            email: seated.session.operator.email.clone(),
            first: seated.session.operator.must_change,
            shortest: SHORTEST,
            errors,
        }
    }
}

async fn password_form(seated: Seated) -> HttpResponse {
    let shown = PasswordPage::of(&seated, FieldErrors::default());
    security_headers::isolate(page::render(StatusCode::OK, &shown))
}

#[derive(Deserialize)]
struct PasswordForm {
    current: Secret<String>,
    new: Secret<String>,
}

async fn set_password(posted: SeatedForm<PasswordForm>) -> Result<HttpResponse, Trouble> {
    let SeatedForm { seated, form } = posted;
    let ctx = &seated.broker.ctx;
    let mut errors = FieldErrors::default();
    let length = form.new.expose().chars().count();
    if length < SHORTEST {
        errors.add("new", format!("At least {SHORTEST} characters; this has {length}. A few words in a row are good."));
    } else if length > LONGEST {
        errors.add("new", format!("At most {LONGEST} characters; this has {length}."));
    } else if form.new.expose() == form.current.expose() {
        errors.add("new", "This is the password that you have now. Choose another one.");
    }
    if errors.is_empty() {
        match operator::change_password(ctx, &seated.author, &seated.session, &form.current, &form.new).await? {
            Some(opened) => {
                // the session goes on under a new secret: whoever knew the old one is out
                let mut response = redirect::see_other(&ctx.urls.local("/admin?done=saved"));
                seat(&mut response, &seated.broker, &opened)?;
                return Ok(response);
            }
            None => errors.add("current", "This is not your password."),
        }
    }
    let shown = PasswordPage::of(&seated, errors);
    Ok(security_headers::isolate(page::render(StatusCode::UNPROCESSABLE_ENTITY, &shown)))
}
