//! Pages: `/admin/clients/{client_id}/snippets` and `.../{system}`: what to paste where a client is used.

use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{named, people, snippets_of};
use crate::admin::extract::Desk;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::show;
use crate::admin::{Read, Trouble};
use crate::broker::Broker;
use crate::client::ClientId;
use crate::db::Conn;
use crate::integration::{Block, SYSTEMS, SnippetError, System};
use crate::user::list::{self, Filter, Listed, Search};
use crate::{client, integration};

/// People that a search shows.
const FOUND: i64 = 10;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/clients/{client_id}/snippets", web::get().to(choose))
        .route("/clients/{client_id}/snippets/{system}", web::get().to(snippets));
}

/// Without a system: where one is chosen.
pub fn href(client_id: &ClientId, system: Option<&System>) -> String {
    let client = segment(client_id.as_str());
    match system {
        Some(system) => format!("/admin/clients/{client}/snippets/{}", system.name),
        None => format!("/admin/clients/{client}/snippets"),
    }
}

/// The systems that the client, as it is stored, can be used at.
///
/// # Errors
/// the database's.
pub async fn fitting(conn: &mut Conn, broker: &Broker, id: &ClientId) -> Result<Vec<&'static System>, sqlx::Error> {
    let Some(client) = client::store::some(conn, &[id.to_string()]).await?.pop() else { return Ok(Vec::new()) };
    let subject = integration::Subject { urls: &broker.ctx.urls, client: &client, people: &[] };
    Ok(SYSTEMS.iter().filter(|system| system.snippets(&subject).is_ok()).collect())
}

#[derive(Template)]
#[template(path = "admin/integration/choose.html")]
struct ChoosePage {
    frame: Frame,
    client_id: ClientId,
    client: String,
    /// With what is in the way where the client does not fit.
    systems: Vec<(&'static System, String, Option<String>)>,
}

async fn choose(desk: Desk<Read>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = crate::admin::client::named(&client_id)?;
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let found = client::store::some(&mut conn, &[id.to_string()]).await?.pop();
    let stored = found.ok_or_else(|| SnippetError::NoClient(id.clone()))?;
    let subject = integration::Subject { urls: &desk.broker.ctx.urls, client: &stored, people: &[] };
    let frame = desk.frame(Section::Clients);
    let systems = SYSTEMS.iter().map(|system| {
        let misfit = system.snippets(&subject).err().map(|error| error.to_string());
        (system, frame.to(&href(&id, Some(system))), misfit)
    });
    Ok(show(&ChoosePage {
        systems: systems.collect(),
        client: frame.to(&crate::admin::client::path(&id)),
        client_id: id,
        frame,
    }))
}

#[derive(Template)]
#[template(path = "admin/integration/snippets.html")]
struct SnippetsPage {
    frame: Frame,
    system: &'static System,
    client_id: ClientId,
    client: String,
    all: String,
    blocks: Vec<Block>,
    search: String,
    /// Those who are chosen, then those who were found.
    people: Vec<Person>,
    action: String,
}

struct Person {
    sub: String,
    name: String,
    email: String,
    chosen: bool,
}

impl Person {
    fn of(listed: Listed, chosen: bool) -> Self {
        Self {
            sub: listed.id.to_string(),
            name: listed.name.clone().or(listed.email.clone()).unwrap_or_else(|| listed.id.to_string()),
            email: listed.email.unwrap_or_default(),
            chosen,
        }
    }
}

async fn snippets(desk: Desk<Read>, at: Path<(String, String)>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let (id, system) = (crate::admin::client::named(&at.0)?, named(&at.1)?);
    let chosen = people::chosen(req.query_string())?;
    let blocks = snippets_of(&desk.broker, system, &id, &chosen).await?;
    let query = url::form_urlencoded::parse(req.query_string().as_bytes());
    let search = query.filter(|(name, _)| name == "q").map(|(_, typed)| typed.into_owned()).last().unwrap_or_default();
    let db = &desk.broker.ctx.db;
    let mut shown = Vec::new();
    if system.people.is_some() {
        if !chosen.is_empty() {
            let known = Filter { search: Some(Search::Subs(chosen.clone())), ..Filter::default() };
            let limit = chosen.len() as i64;
            shown
                .extend(list::store::page(db, &known, None, limit).await?.into_iter().map(|one| Person::of(one, true)));
        }
        if !search.trim().is_empty() {
            let wanted = Filter { search: Some(Search::of(&search)), ..Filter::default() };
            let found = list::store::page(db, &wanted, None, FOUND).await?;
            let new = found.into_iter().filter(|one| !chosen.contains(&one.id));
            shown.extend(new.map(|one| Person::of(one, false)));
        }
    }
    let frame = desk.frame(Section::Clients);
    Ok(show(&SnippetsPage {
        action: frame.to(&href(&id, Some(system))),
        all: frame.to(&href(&id, None)),
        client: frame.to(&crate::admin::client::path(&id)),
        client_id: id,
        people: shown,
        search,
        blocks,
        system,
        frame,
    }))
}
