//! A web application as anybody would write one: it signs people in with Avouch by code + PKCE, verifies both tokens with
//! a JWT library that is not ours, and shows what is in them. Sessions are in memory; a restart forgets them.

mod pages;
mod relying_party;
mod session;
mod verify;
mod view;

use actix_web::web::Data;

use super::part::Part;
use super::places::Places;
use super::secrets::Secrets;
use relying_party::RelyingParty;
use session::Sessions;

/// As in `resources.yaml`.
const CLIENT_ID: &str = "demo-app";
/// The API that the access token is for.
const API: &str = "https://api.demo.example";
const SCOPE: &str = "openid profile email groups offline_access read write";

struct Application {
    rp: RelyingParty,
    sessions: Sessions,
}

pub(super) fn start(places: &Places, secrets: &Secrets) -> anyhow::Result<Part> {
    let application = Data::new(Application {
        rp: RelyingParty::new(&places.broker, places.app.clone(), secrets.app_client.clone())?,
        sessions: Sessions::default(),
    });
    let routes = move |app: &mut actix_web::web::ServiceConfig| {
        app.app_data(application.clone()).configure(pages::routes);
    };
    Part::start("the sample application", "--app-port", places.app_address(), places.app.clone(), routes)
}
