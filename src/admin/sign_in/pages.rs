//! Pages: `/admin/sign-in` with its ways in, and the button that signs out.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::Duration;

use super::{code, password, path, then};
use crate::admin::Trouble;
use crate::admin::extract::{SeatedForm, author, browser};
use crate::admin::form::FieldErrors;
use crate::broker::Broker;
use crate::login;
use crate::login::endpoint::respond;
use crate::login::extract::Visiting;
use crate::operator::sign_in::{self, SignIn};
use crate::operator::throttle::{self, Counts};
use crate::operator::{self, Operator, rule, session};
use crate::secret::Secret;
use crate::web::brand::Brand;
use crate::web::security_headers::FormAction;
use crate::web::{cookies, csrf, page, redirect, security_headers};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/sign-in").route(web::get().to(form)).route(web::post().to(by_password)))
        .route("/sign-in/connection", web::post().to(by_connection))
        .configure(code::pages::routes)
        .route("/sign-out", web::post().to(sign_out))
        .configure(password::pages::routes);
}

#[derive(Template)]
#[template(path = "admin/sign_in/sign_in.html")]
struct SignInPage {
    brand: Brand,
    action: String,
    csrf: String,
    then: String,
    email: String,
    /// There is no operator yet: how to make the first one.
    first_run: bool,
    /// Those with an operator rule: slug and name.
    connections: Vec<(String, String)>,
    errors: FieldErrors,
}

#[derive(Deserialize)]
struct Onward {
    #[serde(default)]
    then: String,
}

async fn form(broker: Data<Broker>, visiting: Visiting, onward: Query<Onward>) -> Result<HttpResponse, Trouble> {
    let shown =
        sign_in_page(&broker, &visiting, onward.into_inner().then, String::new(), FieldErrors::default()).await?;
    Ok(answer(&broker, &visiting, &shown, StatusCode::OK))
}

async fn sign_in_page(
    broker: &Broker,
    visiting: &Visiting,
    then: String,
    email: String,
    errors: FieldErrors,
) -> Result<SignInPage, Trouble> {
    let urls = &broker.ctx.urls;
    let mut conn = broker.ctx.db.acquire().await?;
    let ids = rule::store::connections(&mut conn).await?;
    let catalog = broker.catalog.load();
    let with_rule = catalog.connections().iter().filter(|c| c.may_login() && ids.contains(&c.id));
    Ok(SignInPage {
        brand: broker.brand(),
        action: urls.local("/admin/sign-in"),
        csrf: csrf::token(&broker.ctx.vault, PURPOSE, &visiting.visitor.browser),
        then,
        email,
        first_run: operator::store::count(&mut conn).await? == 0,
        connections: with_rule.map(|c| (c.slug.to_string(), c.display_name.clone())).collect(),
        errors,
    })
}

const PURPOSE: &str = "admin/sign-in";

/// Its forms may lead to a provider.
fn answer(broker: &Broker, visiting: &Visiting, shown: &SignInPage, status: StatusCode) -> HttpResponse {
    let response = security_headers::isolate(page::render(status, shown));
    let response = if shown.connections.is_empty() { response } else { onward(broker, response) };
    visiting.welcome(broker, response)
}

fn onward(broker: &Broker, response: HttpResponse) -> HttpResponse {
    FormAction::onward(&broker.ctx.urls, []).on(response)
}

#[derive(Deserialize)]
struct SignInForm {
    csrf: String,
    #[serde(default)]
    then: String,
    email: String,
    password: Secret<String>,
}

async fn by_password(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    form: web::Form<SignInForm>,
) -> Result<HttpResponse, Trouble> {
    let (ctx, form) = (&broker.ctx, form.into_inner());
    own_form(&broker, &req, &visiting, &form.csrf)?;
    // nobody's address is so long, and audit keeps what is typed here
    let email: String = form.email.trim().chars().take(254).collect();
    let author = author(&req, format!("operator:{email}"));
    let counts = counts(&broker, &req, &email);
    let outcome = sign_in::by_password(ctx, &author, &browser(&req), &counts, &email, &form.password).await?;
    let (status, sentence) = match outcome {
        SignIn::Seated(secret, operator) => return seated(&broker, &req, &form.then, &secret, &operator),
        SignIn::Code(secret) => {
            let mut response = redirect::see_other(&ctx.urls.local(&path("/sign-in/code", &form.then, &ctx.urls)));
            seat(&mut response, &broker, &secret)?;
            return Ok(response);
        }
        SignIn::Wrong => {
            (StatusCode::UNPROCESSABLE_ENTITY, "This e-mail address and password do not belong together.".to_owned())
        }
        SignIn::Wait(wait) => {
            return Ok(too_often(
                &broker,
                &visiting,
                wait,
                sign_in_page(&broker, &visiting, form.then, form.email, FieldErrors::one("password", waiting(wait)))
                    .await?,
            ));
        }
    };
    let errors = FieldErrors::one("password", sentence);
    let shown = sign_in_page(&broker, &visiting, form.then, form.email, errors).await?;
    Ok(answer(&broker, &visiting, &shown, status))
}

fn too_often(broker: &Broker, visiting: &Visiting, wait: Duration, shown: SignInPage) -> HttpResponse {
    let mut response = answer(broker, visiting, &shown, StatusCode::TOO_MANY_REQUESTS);
    retry_after(&mut response, wait);
    response
}

pub fn retry_after(response: &mut HttpResponse, wait: Duration) {
    response.headers_mut().insert(RETRY_AFTER, (wait.whole_seconds() + 1).unsigned_abs().into());
}

pub fn waiting(wait: Duration) -> String {
    let minutes = wait.whole_minutes();
    let text = if minutes == 0 { format!("{} s", wait.whole_seconds() + 1) } else { format!("{} min", minutes + 1) };
    format!("That was wrong too often. Wait {text}, then try it again.")
}

/// What an attempt of this browser at this name counts against.
pub(super) fn counts(broker: &Broker, req: &HttpRequest, email: &str) -> Counts {
    let ctx = &broker.ctx;
    let kept = cookies::operator_device(req, &ctx.urls);
    let device = kept.as_deref().and_then(|kept| throttle::known_device(&ctx.vault, email, kept));
    Counts::of(&ctx.vault, email, device, browser(req).addr)
}

/// Everything was right.
pub(super) fn seated(
    broker: &Broker,
    req: &HttpRequest,
    from: &str,
    secret: &Secret<String>,
    operator: &Operator,
) -> Result<HttpResponse, Trouble> {
    let ctx = &broker.ctx;
    let desk = ctx.urls.local("/admin");
    let mut response = redirect::see_other(then(from, &ctx.urls).unwrap_or(&desk));
    seat(&mut response, broker, secret)?;
    let kept = cookies::operator_device(req, &ctx.urls);
    if kept.is_none_or(|kept| throttle::known_device(&ctx.vault, &operator.email, &kept).is_none()) {
        let device = throttle::device(&ctx.vault, &ctx.rng, &operator.email);
        let cookie = cookies::set_operator_device(&ctx.urls, device);
        response.add_cookie(&cookie).map_err(|_| Trouble::Broken)?;
    }
    Ok(response)
}

pub(super) fn seat(response: &mut HttpResponse, broker: &Broker, secret: &Secret<String>) -> Result<(), Trouble> {
    let cookie = cookies::set_operator(&broker.ctx.urls, secret, session::ABSOLUTE);
    response.add_cookie(&cookie).map_err(|_| Trouble::Broken)
}

#[derive(Deserialize)]
struct ConnectionForm {
    csrf: String,
    #[serde(default)]
    then: String,
    connection: String,
}

async fn by_connection(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    form: web::Form<ConnectionForm>,
) -> Result<HttpResponse, Trouble> {
    own_form(&broker, &req, &visiting, &form.csrf)?;
    let onward = then(&form.then, &broker.ctx.urls).unwrap_or_default();
    let next = login::desk::begin(&broker, &visiting.visitor, &form.connection, onward).await;
    Ok(respond(&broker, &visiting, next, "operator.signed_in").await)
}

fn own_form(broker: &Broker, req: &HttpRequest, visiting: &Visiting, token: &str) -> Result<(), Trouble> {
    let ctx = &broker.ctx;
    let own = csrf::check(&ctx.vault, PURPOSE, &visiting.visitor.browser, token);
    if own && csrf::same_origin(req, &ctx.urls) { Ok(()) } else { Err(Trouble::ForeignForm) }
}

async fn sign_out(form: SeatedForm<NoFields>) -> Result<HttpResponse, Trouble> {
    let seated = form.seated;
    let urls = &seated.broker.ctx.urls;
    sign_in::sign_out(&seated.broker.ctx, &seated.author, &seated.session).await?;
    let mut response = redirect::see_other(&urls.local("/admin/sign-in"));
    response.add_cookie(&cookies::clear_operator(urls)).map_err(|_| Trouble::Broken)?;
    Ok(response)
}

/// A form that is nothing but its button.
#[derive(Deserialize)]
pub struct NoFields {}
