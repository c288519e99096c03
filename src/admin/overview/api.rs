//! `/api/v1/expiries`: what ends by itself, the next first.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use time::OffsetDateTime;

use super::{Ending, ending};
use crate::admin::api::list;
use crate::admin::extract::Api;
use crate::admin::paging::Page;
use crate::admin::{Read, Trouble};

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/expiries", web::get().to(expiries));
}

#[derive(Serialize)]
struct View {
    what: &'static str,
    /// The name of the connection or client.
    whose: String,
    /// Its page, below the issuer.
    page: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// What will be used then is there already.
    succeeded: bool,
    advice: &'static str,
}

impl From<Ending> for View {
    fn from(ending: Ending) -> Self {
        let Ending { whose, path, what, at, succeeded, advice, .. } = ending;
        Self { what, whose, page: path, at: at.at, succeeded, advice }
    }
}

async fn expiries(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let endings = ending::all(&api.broker);
    Ok(list(&Page { items: endings.into_iter().map(View::from).collect(), next: None }))
}
