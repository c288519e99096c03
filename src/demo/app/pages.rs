//! The pages of the sample application.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::Value;

use super::Application;
use super::relying_party::Failure;
use super::session::SignedIn;
use super::view::TokenView;
use crate::demo::part;
use crate::urls::Urls;
use crate::web::brand::Brand;
use crate::web::csrf::same_origin;
use crate::web::security_headers::FormAction;
use crate::web::{page, redirect};

#[derive(Template)]
#[template(path = "demo/app_landing.html")]
struct LandingPage {
    brand: Brand,
    signed_out: bool,
}

#[derive(Template)]
#[template(path = "demo/app_token.html")]
struct TokenPage {
    brand: Brand,
    name: String,
    email: String,
    id_token: TokenView,
    access_token: TokenView,
    userinfo: Option<String>,
    can_refresh: bool,
    news: Option<(bool, String)>,
}

#[derive(Template)]
#[template(path = "demo/app_failure.html")]
struct FailurePage {
    brand: Brand,
    heading: &'static str,
    failure: String,
}

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(home))
        .route("/sign-in", web::get().to(sign_in))
        .route("/callback", web::get().to(callback))
        .route("/refresh", web::post().to(refresh))
        .route("/userinfo", web::post().to(userinfo))
        .route("/sign-out", web::post().to(sign_out));
}

async fn home(app: Data<Application>, urls: Data<Urls>, req: HttpRequest) -> HttpResponse {
    match app.sessions.visit(&req) {
        // signing out leads on to Avouch, and from there anywhere
        Some(signed_in) => {
            FormAction::onward(&urls, []).on(page::render(StatusCode::OK, &token_page(&urls, signed_in)))
        }
        None => {
            let signed_out = req.query_string() == "signed-out";
            page::render(StatusCode::OK, &LandingPage { brand: brand(&urls), signed_out })
        }
    }
}

fn brand(urls: &Urls) -> Brand {
    part::brand(urls, "Sample application")
}

fn token_page(urls: &Urls, signed_in: SignedIn) -> TokenPage {
    let claim = |name: &str| signed_in.id_token.claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    TokenPage {
        brand: brand(urls),
        name: claim("name"),
        email: claim("email"),
        id_token: TokenView::of(&signed_in.id_token),
        access_token: TokenView::of(&signed_in.access_token),
        userinfo: signed_in.userinfo.and_then(|answer| serde_json::to_string_pretty(&answer).ok()),
        can_refresh: signed_in.refresh_token.is_some(),
        news: signed_in.news,
    }
}

async fn sign_in(app: Data<Application>, urls: Data<Urls>, req: HttpRequest) -> HttpResponse {
    match app.rp.begin(req.query_string() == "again").await {
        Ok((url, pending)) => with_cookie(redirect::see_other(url.as_str()), &app.sessions.begin(pending)),
        Err(failure) => failed(&urls, "You cannot sign in right now", &failure),
    }
}

async fn callback(app: Data<Application>, urls: Data<Urls>, req: HttpRequest) -> HttpResponse {
    let answer: Vec<(String, String)> =
        url::form_urlencoded::parse(req.query_string().as_bytes()).into_owned().collect();
    let state = answer.iter().find(|(name, _)| name == "state").map_or("", |(_, value)| value);
    let Some(pending) = app.sessions.resume(&req, state) else {
        let failure = Failure::Callback("this browser began no such sign-in, or it was finished before");
        return failed(&urls, "Sign in once more", &failure);
    };
    match app.rp.finish(pending, &answer).await {
        Ok(signed_in) => with_cookie(redirect::see_other(&urls.local("/")), &app.sessions.sign_in(signed_in)),
        Err(failure) => failed(&urls, "You are not signed in", &failure),
    }
}

async fn refresh(app: Data<Application>, urls: Data<Urls>, req: HttpRequest) -> HttpResponse {
    let Some(mut signed_in) = visitor(&app, &urls, &req) else {
        return home_again(&urls);
    };
    let outcome = app.rp.refresh(&mut signed_in).await;
    signed_in.news = Some(match outcome {
        Ok(()) => (
            true,
            "New tokens came for the refresh token, which was replaced by a new one. See iat, exp and jti.".into(),
        ),
        Err(failure) => (false, failure.to_string()),
    });
    app.sessions.update(&req, signed_in);
    home_again(&urls)
}

async fn userinfo(app: Data<Application>, urls: Data<Urls>, req: HttpRequest) -> HttpResponse {
    let Some(mut signed_in) = visitor(&app, &urls, &req) else {
        return home_again(&urls);
    };
    match app.rp.userinfo(&signed_in).await {
        Ok(answer) => {
            signed_in.userinfo = Some(answer);
            signed_in.news = Some((true, "UserInfo answered. It is about the same person, by sub.".into()));
        }
        Err(failure) => signed_in.news = Some((false, failure.to_string())),
    }
    app.sessions.update(&req, signed_in);
    home_again(&urls)
}

async fn sign_out(app: Data<Application>, urls: Data<Urls>, req: HttpRequest) -> HttpResponse {
    if !same_origin(&req, &urls) {
        return home_again(&urls);
    }
    let (signed_in, cookie) = app.sessions.sign_out(&req);
    let onward = match &signed_in {
        Some(signed_in) => app.rp.end_session(signed_in).await,
        None => None,
    };
    let target = onward.map_or_else(|| urls.local("/?signed-out"), Into::into);
    with_cookie(redirect::see_other(&target), &cookie)
}

/// Who posted a form of ours.
fn visitor(app: &Application, urls: &Urls, req: &HttpRequest) -> Option<SignedIn> {
    app.sessions.visit(req).filter(|_| same_origin(req, urls))
}

fn home_again(urls: &Urls) -> HttpResponse {
    redirect::see_other(&urls.local("/"))
}

fn failed(urls: &Urls, heading: &'static str, failure: &Failure) -> HttpResponse {
    let page = FailurePage { brand: brand(urls), heading, failure: failure.to_string() };
    page::render(StatusCode::BAD_REQUEST, &page)
}

fn with_cookie(mut response: HttpResponse, cookie: &Cookie<'_>) -> HttpResponse {
    if let Err(error) = response.add_cookie(cookie) {
        tracing::error!(%error, "a cookie of the sample application is no header value");
    }
    response
}
