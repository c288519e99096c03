//! The page at the broker's `/` in the demo: what to click. It stands in front of the product's own landing page.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use askama::Template;

use super::part;
use super::person::Person;
use super::places::Places;
use super::{idp, saml_idp};
use crate::server::Front;
use crate::web::brand::Brand;
use crate::web::page;

#[derive(Template)]
#[template(path = "demo/front.html")]
struct FrontPage<'a> {
    brand: Brand,
    demo_stylesheet: String,
    app: &'a str,
    idp: &'a str,
    saml_idp: &'a str,
    issuer: &'a str,
    discovery: String,
    jwks: String,
    people: &'a [Person],
    saml_people: &'a [Person],
    sp_metadata: String,
}

pub(super) fn routes(places: &Places) -> impl Front {
    let places = places.clone();
    move |app| {
        let places = places.clone();
        app.configure(stylesheet).route("/", web::get().to(move || front(places.clone())));
    }
}

async fn front(places: Places) -> HttpResponse {
    let urls = &places.broker;
    let page = FrontPage {
        brand: part::brand(urls, "Avouch"),
        demo_stylesheet: urls.local("/demo.css"),
        app: places.app.issuer(),
        idp: places.idp.issuer(),
        saml_idp: places.saml_idp.issuer(),
        issuer: urls.issuer(),
        discovery: urls.at("/.well-known/openid-configuration"),
        jwks: urls.at("/.well-known/jwks.json"),
        people: &idp::people::PEOPLE,
        saml_people: &saml_idp::people::PEOPLE,
        sp_metadata: urls.sp_metadata(saml_idp::SLUG),
    };
    page::render(StatusCode::OK, &page)
}

/// What the demo's pages need beside the product's stylesheet.
pub(super) fn stylesheet(app: &mut web::ServiceConfig) {
    async fn serve() -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/css; charset=utf-8"))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(include_str!("demo.css"))
    }
    app.route("/demo.css", web::get().to(serve));
}
