//! Single sign-on and logout as a browser goes through them. Stateless: the sign-in page posts the request back, exactly as
//! it came, and it is checked again.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};
use url::Url;

use super::people::{self, PEOPLE};
use super::{Idp, SKEW};
use crate::demo::company::Question;
use crate::demo::person::Person;
use crate::oauth::params::Params;
use crate::upstream::saml::identity_provider::{Answer, ReceivedAuthnRequest, ServiceProvider, verify_authn_request};
use crate::upstream::saml::{Carried, Header, LogoutInput, LogoutMessage, XmlSec, new_id, verify_logout_request};
use crate::web::csrf::same_origin;
use crate::web::redirect;

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(home))
        .service(web::resource("/sso").route(web::get().to(ask)).route(web::post().to(answer)))
        .route("/slo", web::get().to(logout));
}

async fn home(idp: Data<Idp>) -> HttpResponse {
    let text = "Fabrikam's sign-in page. Applications send people here; to begin, open one of them.";
    idp.company.message(StatusCode::OK, "Nothing to sign in to", text)
}

async fn ask(idp: Data<Idp>, req: HttpRequest) -> HttpResponse {
    let (_, request) = match received(&idp, req.query_string()).await {
        Ok(received) => received,
        Err(page) => return page,
    };
    let client = Url::parse(&request.acs_url);
    idp.company.ask(Question {
        client: client.as_ref().map(Url::authority).unwrap_or_default(),
        action: "/sso",
        fields: vec![("request", req.query_string())],
        people: PEOPLE.iter().collect(),
        hinted: false,
    })
}

async fn answer(idp: Data<Idp>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let params = Params::decode(&body).ok().filter(|_| same_origin(&req, &idp.company.urls));
    let Some(params) = params else {
        return idp.company.message(StatusCode::BAD_REQUEST, "This form is broken", "Go back and choose again.");
    };
    let (broker, request) = match received(&idp, params.get("request").unwrap_or_default()).await {
        Ok(received) => received,
        Err(page) => return page,
    };
    let answer =
        Answer { issuer: &idp.entity_id, key: &idp.key, to: &broker, request: &request, now: idp.now(), rng: &idp.rng };
    match params.get("person").and_then(|subject| Person::find(&PEOPLE, subject)) {
        Some(person) => match answer.signed_in(&people::subject(person)) {
            Ok(form) => idp.company.send(&form),
            Err(error) => turn_away(&idp, &error.to_string()),
        },
        None => idp.company.send(&answer.refused()),
    }
}

/// Who asks, and for what, or the page that says what is wrong with it.
async fn received(idp: &Idp, raw_query: &str) -> Result<(ServiceProvider, ReceivedAuthnRequest), HttpResponse> {
    let broker = idp.broker().await.map_err(|error| turn_away(idp, &error))?;
    let request = verify_authn_request(raw_query, &broker, &idp.sso_url, idp.now(), SKEW)
        .map_err(|refusal| turn_away(idp, &format!("The request is refused: {}.", refusal.detail)))?;
    Ok((broker, request))
}

/// There is no session to end: whoever asks with a signature is told that all is well.
async fn logout(idp: Data<Idp>, req: HttpRequest) -> HttpResponse {
    let broker = match idp.broker().await {
        Ok(broker) => broker,
        Err(error) => return turn_away(&idp, &error),
    };
    let input = LogoutInput {
        carried: Carried::Redirect { raw_query: req.query_string() },
        idp_entity_id: &broker.entity_id,
        certificates: &broker.signing_certificates,
        destination: &idp.slo_url,
        now: idp.now(),
        skew: SKEW,
    };
    let (request, back_to) = match (verify_logout_request(&input, &XmlSec::new()), &broker.slo_url) {
        (Ok(request), Some(url)) => (request, url),
        (Ok(_), None) => {
            let text = "Fabrikam asks who you are every time.";
            return idp.company.message(StatusCode::OK, "You are signed out", text);
        }
        (Err(refusal), _) => return turn_away(&idp, &format!("The request is refused: {}.", refusal.detail)),
    };
    let header =
        Header { id: &new_id(&idp.rng), issue_instant: idp.now(), issuer: &idp.entity_id, destination: back_to };
    let response = LogoutMessage::Response { in_response_to: &request.id, success: true };
    redirect::see_other(&response.redirect_url(&header, request.relay_state.as_deref(), &idp.key))
}

fn turn_away(idp: &Idp, text: &str) -> HttpResponse {
    idp.company.message(StatusCode::BAD_REQUEST, "You cannot sign in from there", text)
}
