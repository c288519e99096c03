//! `/api/v1/calendar`: what ends, and the feed's address as it is made.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::admin::api::{created, done, list};
use crate::admin::extract::Api;
use crate::admin::paging::Page;
use crate::admin::{Edit, Read, Trouble};
use crate::broker::expiry::{Expiry, People, Successor};
use crate::calendar;
use crate::life::State;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/calendar", web::get().to(read))
        .service(web::resource("/calendar/feed").route(web::post().to(open)).route(web::delete().to(withdraw)));
}

#[derive(Serialize)]
struct View {
    kind: &'static str,
    owner: String,
    name: String,
    id: String,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    /// Of the credential in its life.
    state: State,
    /// `missing`, `waiting` (it has to be put to use) or `working`.
    successor: &'static str,
    consequence: String,
    advice: &'static str,
    /// Where something is done about it, below the issuer.
    page: String,
}

impl View {
    fn of(one: Expiry, people: &People) -> Self {
        Self {
            kind: one.kind.as_str(),
            ends_at: one.at,
            state: one.state,
            successor: match one.successor {
                Successor::Missing => "missing",
                Successor::Waiting => "waiting",
                Successor::Working => "working",
            },
            consequence: one.consequence(people),
            advice: one.advice(),
            owner: one.owner,
            name: one.name,
            id: one.id,
            page: one.path,
        }
    }
}

async fn read(api: Api<Read>) -> Result<HttpResponse, Trouble> {
    let (ctx, expiries) = (&api.broker.ctx, api.broker.expiries());
    let people = People::count(&mut *ctx.db.acquire().await?, ctx.now()).await?;
    let items = expiries.into_iter().map(|one| View::of(one, &people)).collect();
    Ok(list(&Page { items, next: None }))
}

async fn open(api: Api<Edit>) -> Result<HttpResponse, Trouble> {
    let url = calendar::open(&api.broker.ctx, &api.author).await?;
    Ok(created("/calendar/feed", &json!({ "url": url.expose() }), None))
}

async fn withdraw(api: Api<Edit>) -> Result<HttpResponse, Trouble> {
    if !calendar::withdraw(&api.broker.ctx, &api.author).await? {
        return Err(Trouble::Unknown("calendar feed".into()));
    }
    Ok(done())
}
