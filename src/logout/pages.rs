//! `/oidc/logout`: signs out, asks, or says why not; and the pages at the end of a provider's part in it. Element ids
//! are stable: `sign-out`, `sign-out-everywhere`, `signed-out`.

use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::endpoint::{clear_session, finish, go};
use super::trip::{Back, depart};
use super::{Extent, LogoutFault, LogoutRequest, end};
use crate::audit::Event;
use crate::broker::Broker;
use crate::login::extract::Visiting;
use crate::login::pages::{SignedInAs, named, own_form, person};
use crate::login::{Problem, Refusal, Visitor, authorize, endpoint};
use crate::oauth::params::Params;
use crate::session;
use crate::web::brand::Brand;
use crate::web::error_page::ErrorPage;
use crate::web::security_headers::FormAction;
use crate::web::{csrf, page, redirect};

const PATH: &str = "/oidc/logout";
const PURPOSE: &str = "logout";

#[derive(Clone, Debug, Template)]
#[template(path = "logout/signed_out.html")]
pub struct SignedOutPage {
    pub brand: Brand,
    /// A connection whose provider signed the person out as well.
    pub also_at: Option<String>,
}

#[derive(Clone, Debug, Template)]
#[template(path = "logout/ask.html")]
pub struct AskPage {
    pub brand: Brand,
    pub csrf: String,
    pub action: String,
    pub person: SignedInAs,
    pub app_name: Option<String>,
    /// Browsers in which the person is signed in, this one included.
    pub browsers: i64,
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
    let mut onward = None;
    if let Some(session) = session {
        let extent = match params.get("csrf").filter(|_| req.method() == Method::POST) {
            Some(csrf) => {
                own_form(broker, req, visitor, PURPOSE, csrf)?;
                // the person's own press of a button: no application may ask for it
                if params.get("everywhere").is_some() { Extent::Everywhere } else { Extent::ThisBrowser }
            }
            None if request.means(&session) => Extent::ThisBrowser,
            None => return ask(broker, visitor, &request, &params, &session).await,
        };
        let sign = |event: Event| event.trace(&visitor.trace_id).from_addr(visitor.addr);
        if let Some(upstream) = end(broker, &session, &request, extent, sign).await? {
            onward = depart(broker, visitor, &session, upstream, &request).await;
        }
    }
    let mut response = match &onward {
        Some(onward) => go(broker, onward),
        None => finish(broker, request.redirect.as_ref(), None),
    };
    clear_session(broker, &mut response);
    Ok(response)
}

async fn ask(
    broker: &Broker,
    visitor: &Visitor,
    request: &LogoutRequest,
    params: &Params,
    session: &session::Session,
) -> Result<HttpResponse, Refusal> {
    let urls = &broker.ctx.urls;
    let (name, detail) = named(&person(broker, session).await?.unwrap_or_default());
    let mut conn = broker.ctx.db.acquire().await?;
    let lifetimes = broker.session_lifetimes;
    let browsers = session::store::count_live(&mut conn, &session.user_id, lifetimes, broker.ctx.now()).await?;
    let again = ["client_id", "post_logout_redirect_uri", "state", "id_token_hint"];
    let page = AskPage {
        brand: broker.brand(),
        csrf: csrf::token(&broker.ctx.vault, PURPOSE, &visitor.browser),
        action: urls.local(PATH),
        person: SignedInAs { name, detail },
        browsers,
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
        brand: broker.brand(),
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

/// The end of it, where no application wants the person back.
pub fn signed_out(broker: &Broker, also_at: Option<String>) -> HttpResponse {
    page::render(StatusCode::OK, &SignedOutPage { brand: broker.brand(), also_at })
}

/// After the provider's part: on to the application, or why not.
pub(super) fn back(broker: &Broker, visitor: &Visitor, back: Result<Back, Problem>) -> HttpResponse {
    let problem = match back {
        Ok(back) => return finish(broker, back.redirect.as_ref(), back.also_at),
        Err(problem) => problem,
    };
    note(broker, visitor, None, problem.reason(), &problem.internal());
    let page = ErrorPage {
        verdict: "Signed out here".into(),
        heading: "You are signed out here; about your provider we cannot say".into(),
        explanation: came_back_wrong(&problem),
        remedies: vec![
            "On a shared computer, sign out at your provider as well, then close the browser.".into(),
            "To go on, open the application again from its own address.".into(),
        ],
        ..neutral(broker, visitor, problem.reason())
    };
    let outage = matches!(problem, Problem::NotLive | Problem::Database(_));
    page.render(if outage { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST })
}

fn came_back_wrong(problem: &Problem) -> String {
    let text = match problem {
        Problem::Upstream { connection, .. } => {
            return format!("The answer of {connection} did not pass our checks, so it tells us nothing.");
        }
        Problem::Stale => "The answer took longer than half an hour, so we had stopped waiting for it.",
        Problem::StateReplayed => "The same answer arrived a second time; each counts once.",
        Problem::StateOfAnotherBrowser => {
            "The answer belongs to a sign-out that did not begin in this browser. Blocked cookies look the same."
        }
        Problem::StateOfAnotherConnection => {
            "The sign-out left for one provider and the answer arrived at the address of another, so it is not used."
        }
        Problem::NotLive | Problem::Database(_) => "The part that remembers sign-outs does not answer just now.",
        _ => "The answer that arrived belongs to no sign-out that began here in the last half hour.",
    };
    text.into()
}

/// A provider's logout message that is not believed: nobody was signed out by it.
pub(super) fn not_followed(
    broker: &Broker,
    visitor: &Visitor,
    slug: &str,
    reason: &'static str,
    detail: &str,
) -> HttpResponse {
    const OURSELVES: &str = "Sign out in the application itself.";
    const TELL: &str = "If it happens again, send the trace id below to whoever runs this sign-in page.";
    note(broker, visitor, Some(slug), reason, detail);
    let (heading, explanation, remedies): (_, _, &[&str]) = match reason {
        "connection_unknown" => (
            "There is no such provider",
            "The message came to the address of a provider that does not exist here, so nobody was signed out by it.",
            &[OURSELVES, TELL],
        ),
        "logout_replayed" => (
            "This sign-out was done already",
            "The same message arrived a second time; each counts once.",
            &["If you are still signed in somewhere, sign out in the application itself."],
        ),
        "parameter_missing" | "parameter_repeated" => (
            "We cannot read the sign-out message",
            "Parts of what a provider sends are missing, or came twice, so nobody was signed out by it.",
            &[OURSELVES, TELL],
        ),
        _ => (
            "We could not verify the sign-out message",
            "It asks us to sign you out and did not pass our checks, so nobody was signed out by it.",
            &[OURSELVES, TELL],
        ),
    };
    let page = ErrorPage {
        verdict: "Nothing was done".into(),
        heading: heading.into(),
        explanation: explanation.into(),
        remedies: remedies.iter().map(|&remedy| remedy.into()).collect(),
        ..neutral(broker, visitor, reason)
    };
    page.render(if reason == "connection_unknown" { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST })
}

fn neutral(broker: &Broker, visitor: &Visitor, reason: &'static str) -> ErrorPage {
    ErrorPage {
        brand: broker.brand(),
        verdict: String::new(),
        heading: String::new(),
        explanation: String::new(),
        remedies: Vec::new(),
        actions: Vec::new(),
        trace_id: visitor.trace_id.clone(),
        at: broker.ctx.now(),
        code: reason.into(),
    }
}

/// Every refusal is audited: the word for the cause, and what only the operator may read.
pub(super) fn note(broker: &Broker, visitor: &Visitor, slug: Option<&str>, reason: &'static str, detail: &str) {
    let mut event = Event::refused("logout.upstream", reason, "anonymous");
    // not what a stranger made up
    event.connection = slug.filter(|slug| broker.catalog.load().connection(slug).is_some()).map(str::to_owned);
    let event = event.trace(&visitor.trace_id).from_addr(visitor.addr);
    broker.audit.record(event.detail(serde_json::json!({ "detail": detail })));
}
