//! `/oidc/logout`: signs out, asks, or says why not. Element ids are stable: `sign-out`, `signed-out`.

use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{LogoutFault, LogoutRequest, end};
use crate::audit::Event;
use crate::broker::Broker;
use crate::login::extract::Visiting;
use crate::login::pages::{SignedInAs, named, own_form, person};
use crate::login::{Problem, Refusal, Visitor, authorize, endpoint};
use crate::oauth::params::Params;
use crate::web::brand::Brand;
use crate::web::error_page::ErrorPage;
use crate::web::security_headers::FormAction;
use crate::web::{cookies, csrf, page, redirect};

const PATH: &str = "/oidc/logout";
const PURPOSE: &str = "logout";

#[derive(Clone, Debug, Template)]
#[template(path = "logout/signed_out.html")]
pub struct SignedOutPage {
    pub brand: Brand,
}

#[derive(Clone, Debug, Template)]
#[template(path = "logout/ask.html")]
pub struct AskPage {
    pub brand: Brand,
    pub csrf: String,
    pub action: String,
    pub person: SignedInAs,
    pub app_name: Option<String>,
    /// The request once more, checked again when it comes back.
    pub fields: Vec<(&'static str, String)>,
}

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource(PATH).route(web::get().to(logout)).route(web::post().to(logout)));
}

async fn logout(broker: Data<Broker>, req: HttpRequest, visiting: Visiting, body: Bytes) -> HttpResponse {
    let urls = &broker.ctx.urls;
    if let Some(page) = redirect::post_again(&req, &body, urls, PATH) {
        return page;
    }
    let sent = if req.method() == Method::POST { &body[..] } else { req.query_string().as_bytes() };
    match answer(&broker, &req, &visiting.visitor, sent).await {
        Ok(response) => visiting.welcome(&broker, response),
        Err(refusal) => endpoint::respond(&broker, &visiting, Err(refusal), "logout").await,
    }
}

async fn answer(broker: &Broker, req: &HttpRequest, visitor: &Visitor, sent: &[u8]) -> Result<HttpResponse, Refusal> {
    authorize::require_live(broker)?;
    let params = Params::decode(sent).map_err(Problem::Malformed)?;
    let request = match LogoutRequest::parse(broker, &params) {
        Ok(request) => request,
        Err(fault) => return Ok(refused(broker, visitor, fault)),
    };
    let session = authorize::live_session(broker, visitor).await?;
    if let (Some(session), Some(token)) = (session, &visitor.session) {
        let confirmed = match params.get("csrf").filter(|_| req.method() == Method::POST) {
            Some(csrf) => own_form(broker, req, visitor, PURPOSE, csrf).map(|()| true)?,
            None => request.means(&session),
        };
        if !confirmed {
            return ask(broker, visitor, &request, &params, &session).await;
        }
        let sign = |event: Event| event.trace(&visitor.trace_id).from_addr(visitor.addr);
        end(broker, token, &session, &request, sign).await?;
    }
    let urls = &broker.ctx.urls;
    let mut response = match &request.redirect {
        Some(redirect) => redirect::see_other(&redirect.url()),
        None => page::render(StatusCode::OK, &SignedOutPage { brand: Brand::avouch(urls) }),
    };
    if let Err(error) = response.add_cookie(&cookies::clear_session(urls)) {
        tracing::error!(%error, "a cookie could not be cleared");
    }
    Ok(response)
}

async fn ask(
    broker: &Broker,
    visitor: &Visitor,
    request: &LogoutRequest,
    params: &Params,
    session: &crate::session::Session,
) -> Result<HttpResponse, Refusal> {
    let urls = &broker.ctx.urls;
    let (name, detail) = named(&person(broker, session).await?.unwrap_or_default());
    let again = ["client_id", "post_logout_redirect_uri", "state", "id_token_hint"];
    let page = AskPage {
        brand: Brand::avouch(urls),
        csrf: csrf::token(&broker.ctx.vault, PURPOSE, &visitor.browser),
        action: urls.local(PATH),
        person: SignedInAs { name, detail },
        app_name: request.client.as_ref().map(|client| client.name.clone()),
        fields: again.into_iter().filter_map(|name| Some((name, params.get(name)?.to_owned()))).collect(),
    };
    let target = request.redirect.as_ref().and_then(|r| url::Url::parse(r.uri.as_str()).ok());
    Ok(FormAction::onward(urls, target.as_ref()).on(page::render(StatusCode::OK, &page)))
}

/// Nobody is redirected to an address that was not checked, and nobody is signed out by a request that cannot be believed.
fn refused(broker: &Broker, visitor: &Visitor, fault: LogoutFault) -> HttpResponse {
    let event = Event::refused("logout", fault.reason(), "anonymous");
    broker.audit.record(event.trace(&visitor.trace_id).from_addr(visitor.addr));
    let page = ErrorPage {
        brand: Brand::avouch(&broker.ctx.urls),
        verdict: "Nothing was done".into(),
        heading: "The application's sign-out request does not hold".into(),
        explanation: fault.explanation().into(),
        remedies: vec!["Tell the people who run the application; the trace id below helps them.".into()],
        actions: Vec::new(),
        trace_id: visitor.trace_id.clone(),
        at: broker.ctx.now(),
        code: fault.reason().into(),
    };
    page.render(StatusCode::BAD_REQUEST)
}
