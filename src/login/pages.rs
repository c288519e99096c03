//! Pages of signing in that belong to no step: the landing page at `/`, and the page for a
//! sign-in that went no further. Element ids are stable: suites drive these pages by them, without script.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::extract::Visiting;
use super::{Problem, Refusal, Visitor, account, authorize};
use crate::broker::Broker;
use crate::connection::Profile;
use crate::session::Session;
use crate::user;
use crate::web::brand::Brand;
use crate::web::error_page::{Action, ErrorPage};
use crate::web::{csrf, page};

/// Who is signed in, on pages that only say so.
#[derive(Clone, Debug)]
pub struct SignedInAs {
    pub name: String,
    pub detail: Option<String>,
}

/// `GET /` of `avouch serve`.
#[derive(Clone, Debug, Template)]
#[template(path = "login/landing.html")]
pub struct LandingPage {
    pub brand: Brand,
    pub issuer: String,
    pub discovery_url: String,
    pub signed_in: Option<SignedInAs>,
    pub account: String,
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(landing));
}

async fn landing(broker: Data<Broker>, visiting: Visiting) -> HttpResponse {
    let urls = &broker.ctx.urls;
    let signed_in = match authorize::live_session(&broker, &visiting.visitor).await {
        // by a disabled connection nobody is signed in anywhere
        Ok(Some(session))
            if broker.catalog.load().connection(&session.connection_slug).is_some_and(|c| c.may_login()) =>
        {
            person(&broker, &session).await.ok().flatten()
        }
        _ => None,
    };
    let page = LandingPage {
        brand: broker.brand(),
        issuer: urls.issuer().into(),
        account: urls.local(account::PATH),
        discovery_url: urls.at("/.well-known/openid-configuration"),
        signed_in: signed_in.map(|profile| {
            let (name, detail) = named(&profile);
            SignedInAs { name, detail }
        }),
    };
    page::render(StatusCode::OK, &page)
}

/// The page for what went no further; with the ways on that there are.
pub fn problem(broker: &Broker, visitor: &Visitor, refusal: &Refusal) -> HttpResponse {
    let urls = &broker.ctx.urls;
    let wording = refusal.problem.wording();
    let mut actions = Vec::new();
    if let Some(authorization) = &refusal.authorization {
        let client = broker.catalog.load().client(authorization.client_id.as_str());
        let app = client.map_or_else(|| "the application".to_owned(), |c| c.name.clone());
        if !matches!(refusal.problem, Problem::Stale | Problem::Blocked) {
            actions.push(Action {
                label: "Sign in again".into(),
                href: urls.local(&format!("/login/{}", authorization.id)),
            });
        }
        actions.push(if authorization.request.device.is_some() {
            Action { label: "Back to the code".into(), href: urls.local("/device") }
        } else {
            let code = refusal.problem.for_client().code.as_str();
            let href = urls.local(&format!("/authorize/{}/return/{code}", authorization.id));
            Action { label: format!("Return to {app}"), href }
        });
    }
    if refusal.of_account.is_some() || matches!(refusal.problem, Problem::Account(_)) {
        actions.push(Action { label: "To your account".into(), href: urls.local("/account") });
    }
    let page = ErrorPage {
        brand: broker.brand(),
        verdict: wording.verdict.into(),
        heading: wording.heading,
        explanation: wording.explanation,
        remedies: wording.remedies,
        actions,
        trace_id: visitor.trace_id.clone(),
        at: broker.ctx.now(),
        code: refusal.problem.reason().into(),
    };
    let status = StatusCode::from_u16(wording.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = page.render(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

pub async fn person(broker: &Broker, session: &Session) -> Result<Option<Profile>, sqlx::Error> {
    let mut conn = broker.ctx.db.acquire().await?;
    Ok(user::store::by_id(&mut conn, &session.user_id).await?.map(|u| u.profile))
}

/// The name to greet with, and the address where the name is something else.
pub fn named(profile: &Profile) -> (String, Option<String>) {
    let name = profile.name.clone().or_else(|| profile.preferred_username.clone());
    match (name, profile.email.clone()) {
        (Some(name), email) => (name, email),
        (None, Some(email)) => (email, None),
        (None, None) => ("your account".into(), None),
    }
}

/// A form that this page made for this browser, sent from our own origin.
pub fn own_form(
    broker: &Broker,
    req: &HttpRequest,
    visitor: &Visitor,
    purpose: &str,
    presented: &str,
) -> Result<(), Refusal> {
    let ours = csrf::same_origin(req, &broker.ctx.urls)
        && csrf::check(&broker.ctx.vault, purpose, &visitor.browser, presented);
    if ours { Ok(()) } else { Err(Problem::ForeignForm.into()) }
}
