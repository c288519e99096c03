//! The sign-in page: choose who you are. And "you are signed out".

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, web};

use super::Idp;
use super::authorization::{CARRIED, Invalid, Request};
use super::people::PEOPLE;
use crate::demo::company::Question;
use crate::demo::person::Person;
use crate::oauth::params::Params;
use crate::web::csrf::same_origin;
use crate::web::redirect;
use crate::web::security_headers::FormAction;

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(home))
        .service(web::resource("/authorize").route(web::get().to(ask)).route(web::post().to(answer)))
        .route("/logout", web::get().to(logout));
}

async fn ask(idp: Data<Idp>, req: HttpRequest) -> HttpResponse {
    let Ok(params) = Params::decode(req.query_string().as_bytes()) else {
        return idp.company.message(StatusCode::BAD_REQUEST, "This link is broken", "A parameter stands in it twice.");
    };
    let request = match Request::check(&idp, &params) {
        Ok(request) => request,
        Err(invalid) => return turn_away(&idp, invalid),
    };
    let hint = params.get("login_hint");
    let mut people: Vec<_> = PEOPLE.iter().collect();
    people.sort_by_key(|person| hint != Some(person.email)); // stable: the one that is meant comes first
    let question = Question {
        client: request.redirect_uri.authority(),
        action: "/authorize",
        fields: CARRIED.into_iter().filter_map(|name| Some((name, params.get(name)?))).collect(),
        hinted: people.first().is_some_and(|person| hint == Some(person.email)),
        people,
    };
    FormAction::onward(&idp.company.urls, [&request.redirect_uri]).on(idp.company.ask(question))
}

async fn answer(idp: Data<Idp>, req: HttpRequest, body: Bytes) -> HttpResponse {
    let Some(params) = Params::decode(&body).ok().filter(|_| same_origin(&req, &idp.company.urls)) else {
        return idp.company.message(StatusCode::BAD_REQUEST, "This form is broken", "Go back and choose again.");
    };
    match Request::check(&idp, &params) {
        Ok(request) => redirect::see_other(
            match params.get("person").and_then(|subject| Person::find(&PEOPLE, subject)) {
                Some(person) => request.grant(&idp, person),
                None => request.deny(&idp),
            }
            .as_str(),
        ),
        Err(invalid) => turn_away(&idp, invalid),
    }
}

fn turn_away(idp: &Idp, invalid: Invalid) -> HttpResponse {
    match invalid {
        Invalid::Stays(text) => idp.company.message(StatusCode::BAD_REQUEST, "You cannot sign in from there", text),
        Invalid::Returns(url) => redirect::see_other(url.as_str()),
    }
}

async fn home(idp: Data<Idp>) -> HttpResponse {
    let text = "Demo company's sign-in page. Applications send people here; to begin, open one of them.";
    idp.company.message(StatusCode::OK, "Nothing to sign in to", text)
}

/// RP-Initiated Logout: there is no session to end, so all that is left is to say so.
async fn logout(idp: Data<Idp>) -> HttpResponse {
    idp.company.message(StatusCode::OK, "You are signed out", "Demo company asks who you are every time.")
}
