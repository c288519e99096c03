//! Page: `/admin/find?q=`, where the search box of every page leads.

use actix_web::web::Query;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Hit, in_catalog};
use crate::admin::extract::Desk;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::show;
use crate::admin::{Read, Trouble};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/find", web::get().to(find));
}

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "admin/find/find.html")]
struct FindPage {
    frame: Frame,
    sought: String,
    hits: Vec<Hit>,
}

async fn find(desk: Desk<Read>, sought: Query<Sought>) -> Result<HttpResponse, Trouble> {
    let broker = &desk.broker;
    let sought = sought.into_inner().q.trim().chars().take(300).collect::<String>();
    if sought.starts_with("trc_") {
        return Ok(see_other(&broker.ctx.urls.local(&format!("/admin/traces/{}", segment(&sought)))));
    }
    let hits = if sought.is_empty() { Vec::new() } else { in_catalog(&broker.catalog.load(), &sought) };
    if let [only] = &hits[..]
        && only.key == sought
    {
        return Ok(see_other(&broker.ctx.urls.local(&only.path)));
    }
    Ok(show(&FindPage { frame: desk.frame(Section::Overview), sought, hits }))
}
