//! Page: `/admin/find?q=`, where the search box of every page leads.

use actix_web::web::Query;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{Hit, MOST, in_catalog, person_hit};
use crate::admin::extract::Desk;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::show;
use crate::admin::{Read, Trouble};
use crate::user;
use crate::user::list::{Filter, Search};
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
    let mut hits = Vec::new();
    if !sought.is_empty() {
        hits = in_catalog(&broker.catalog.load(), &sought);
        let wanted = Filter { search: Some(Search::of(&sought)), ..Filter::default() };
        let people = user::list::store::page(&broker.ctx.db, &wanted, None, MOST as i64).await?;
        hits.extend(people.into_iter().map(|person| person_hit(person, &sought)));
    }
    if let [only] = &hits[..]
        && only.key == sought
    {
        return Ok(see_other(&broker.ctx.urls.local(&only.path)));
    }
    Ok(show(&FindPage { frame: desk.frame(Section::Overview), sought, hits }))
}
