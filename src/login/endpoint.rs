//! The protocol's own addresses: `/authorize`, and each connection's callback or assertion consumer service. What they answer is decided elsewhere.

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Path, PayloadConfig};
use actix_web::{HttpRequest, HttpResponse, web};

use super::arrive::Door;
use super::extract::Visiting;
use super::{Next, Problem, Refusal, Visitor, arrive, authorize, pages, told};
use crate::audit::Event;
use crate::broker::Broker;
use crate::connection;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::oauth::response_mode::ResponseMode;
use crate::operator;
use crate::web::{cookies, redirect};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/authorize").route(web::get().to(begin)).route(web::post().to(begin)))
        .route("/authorize/{id}", web::get().to(resume))
        .route("/authorize/{id}/return/{error}", web::get().to(give_up))
        .service(
            web::resource("/connections/{slug}/callback")
                .route(web::get().to(callback))
                .route(web::post().to(callback)),
        )
        .service(
            web::resource("/connections/{slug}/acs").app_data(PayloadConfig::new(SAML_FORM)).route(web::post().to(acs)),
        )
        .route("/connections/{slug}/metadata", web::get().to(metadata))
        .route("/connections/{slug}/jwks.json", web::get().to(jwks));
}

/// Bytes of a form with a SAML response of the largest size, which is 256 KiB before base64 and percent-encoding.
const SAML_FORM: usize = 512 << 10;

/// OIDC Core §3.1.2.1: GET and POST alike.
async fn begin(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, body: Bytes) -> HttpResponse {
    if let Some(page) = redirect::post_again(&req, &body, &broker.ctx.urls, "/authorize") {
        return page;
    }
    let next = match Params::decode(sent(&req, &body)) {
        Ok(params) => authorize::begin(&broker, &visiting.visitor, &params).await,
        Err(error) => Err(Problem::Malformed(error).into()),
    };
    respond(&broker, &visiting, next, "authorization").await
}

async fn resume(broker: Data<Broker>, visiting: Visiting, id: Path<String>) -> HttpResponse {
    let next = authorize::resume(&broker, &visiting.visitor, &id).await;
    respond(&broker, &visiting, next, "authorization").await
}

/// "Return to the application" on a page that says no.
async fn give_up(broker: Data<Broker>, visiting: Visiting, path: Path<(String, String)>) -> HttpResponse {
    let (id, word) = path.into_inner();
    let codes = [ErrorCode::LoginRequired, ErrorCode::TemporarilyUnavailable, ErrorCode::ServerError];
    let code = codes.into_iter().find(|code| code.as_str() == word).unwrap_or(ErrorCode::AccessDenied);
    let error = OAuthError::new(code, "the person was not signed in");
    let next = authorize::give_up(&broker, &visiting.visitor, &id, error).await;
    respond(&broker, &visiting, next, "authorization").await
}

/// The upstream's answer, as query or as form_post.
async fn callback(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    slug: Path<String>,
    body: Bytes,
) -> HttpResponse {
    if let Some(page) = redirect::post_again(&req, &body, &broker.ctx.urls, &format!("/connections/{slug}/callback")) {
        return page;
    }
    let next = match Params::decode(sent(&req, &body)) {
        Ok(params) => arrive::arrive(&broker, &visiting.visitor, &slug, Door::Callback, &params).await,
        Err(error) => Err(Problem::Malformed(error).into()),
    };
    respond(&broker, &visiting, next, "login").await
}

/// A SAML response by HTTP-POST.
async fn acs(
    broker: Data<Broker>,
    req: HttpRequest,
    visiting: Visiting,
    slug: Path<String>,
    body: Bytes,
) -> HttpResponse {
    if let Some(page) = redirect::post_again(&req, &body, &broker.ctx.urls, &format!("/connections/{slug}/acs")) {
        return page;
    }
    let next = match Params::decode(&body) {
        Ok(params) => arrive::arrive(&broker, &visiting.visitor, &slug, Door::Acs, &params).await,
        Err(error) => Err(Problem::Malformed(error).into()),
    };
    respond(&broker, &visiting, next, "login").await
}

/// Ourselves as a SAML service provider, for the identity provider's administrator. Of a disabled connection too: it is
/// needed before anybody can sign in, and signs nobody in.
async fn metadata(broker: Data<Broker>, slug: Path<String>) -> HttpResponse {
    let connection = broker.catalog.load().connection(&slug);
    match connection.map(|connection| broker.upstreams.sp_metadata(&broker.ctx, &connection)) {
        Some(Ok(Some(xml))) => HttpResponse::Ok()
            .insert_header(("content-type", "application/samlmetadata+xml"))
            .insert_header(("cache-control", "public, max-age=300"))
            .body(xml),
        Some(Err(error)) => {
            tracing::error!(connection = %slug, %error, "our SAML metadata cannot be signed");
            HttpResponse::InternalServerError().finish()
        }
        _ => HttpResponse::NotFound().finish(),
    }
}

/// The keys by which a connection with private_key_jwt proves itself: what its IdP's administrator registers. Of a
/// disabled connection too, as its metadata.
async fn jwks(broker: Data<Broker>, slug: Path<String>) -> HttpResponse {
    match broker.catalog.load().connection(&slug) {
        Some(connection) => HttpResponse::Ok()
            .insert_header(("cache-control", "public, max-age=300"))
            .json(connection::jwks::jwks(&connection)),
        None => HttpResponse::NotFound().finish(),
    }
}

fn sent<'a>(req: &'a HttpRequest, body: &'a Bytes) -> &'a [u8] {
    if req.method() == Method::POST { body } else { req.query_string().as_bytes() }
}

/// Carries a decision out. `action` is the audit word for a refusal.
pub async fn respond(
    broker: &Broker,
    visiting: &Visiting,
    next: Result<Next, Refusal>,
    action: &'static str,
) -> HttpResponse {
    let urls = &broker.ctx.urls;
    let visitor = &visiting.visitor;
    told::ended(broker, visitor, &next, action);
    let response = match next {
        Ok(Next::Upstream { url }) => redirect::see_other(&url),
        Ok(Next::UpstreamForm { target, fields }) => redirect::form_post(urls, broker.brand(), &target, &fields),
        Ok(Next::Client(answer)) => match (answer.response_mode, answer.target()) {
            (ResponseMode::FormPost, Some(target)) => {
                redirect::form_post(urls, broker.brand(), &target, &answer.params)
            }
            _ => redirect::see_other(&answer.url()),
        },
        Ok(Next::Choose(authorization)) => redirect::see_other(&urls.local(&format!("/login/{}", authorization.id))),
        Ok(Next::Consent(authorization)) => redirect::see_other(&urls.local(&format!("/consent/{}", authorization.id))),
        Ok(Next::ApproveDevice(authorization)) => {
            redirect::see_other(&urls.local(&format!("/device/{}", authorization.id)))
        }
        Ok(Next::Seated { onward, session }) => {
            let mut response = redirect::see_other(&onward);
            let cookie = cookies::set_operator(urls, &session, operator::session::ABSOLUTE);
            if let Err(error) = response.add_cookie(&cookie) {
                tracing::error!(%error, "a cookie could not be set");
            }
            response
        }
        Ok(Next::ConfirmLink { proof }) => redirect::see_other(&urls.local(&format!("/account/link/{proof}"))),
        Ok(Next::Tested { trace }) => {
            broker.traces.flush().await;
            redirect::see_other(&urls.local(&format!("/admin/traces/{trace}")))
        }
        Ok(Next::SignedIn { onward, session, connection, .. }) => {
            broker.metrics.login(&connection, "success");
            let mut response = redirect::see_other(&onward);
            let life = broker.session_lifetimes.absolute;
            for cookie in [cookies::set_session(urls, &session, life), cookies::set_last_connection(urls, &connection)]
            {
                if let Err(error) = response.add_cookie(&cookie) {
                    tracing::error!(%error, "a cookie could not be set");
                }
            }
            response
        }
        Err(refusal) => {
            note(broker, visitor, &refusal, action);
            pages::problem(broker, visitor, &refusal)
        }
    };
    visiting.welcome(broker, response)
}

/// Every refusal is audited, with the word for the cause and what only the operator may read.
fn note(broker: &Broker, visitor: &Visitor, refusal: &Refusal, action: &'static str) {
    let problem = &refusal.problem;
    let reason = problem.reason();
    tracing::info!(reason, detail = problem.internal(), "a sign-in went no further");
    let (action, actor) = match &refusal.of_account {
        Some(asked) => (asked.action, asked.actor.as_str()),
        None => {
            broker.metrics.login(refusal.connection.as_deref().unwrap_or("none"), reason);
            (action, "anonymous")
        }
    };
    let mut event = match problem.is_failure() {
        true => Event::failed(action, reason, actor),
        false => Event::refused(action, reason, actor),
    };
    event.client_id = refusal.authorization.as_ref().map(|a| a.client_id.to_string());
    event.connection = refusal.connection.clone();
    let mut detail = serde_json::json!({ "detail": problem.internal() });
    if let Some(sha256) = problem.unknown_certificate() {
        detail["certificate_sha256"] = sha256.into();
    }
    broker.audit.record(event.trace(&visitor.trace_id).from_addr(visitor.addr).detail(detail));
}
