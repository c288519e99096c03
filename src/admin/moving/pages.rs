//! Pages: `/admin/moves`, from the table to the completion.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{asked, checked, id_of, one, plan};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{ConfirmPage, show, show_again};
use crate::admin::user::Moment;
use crate::admin::user::import::extract::Tabled;
use crate::admin::{Edit, Read, Trouble};
use crate::moving::table::{COLUMNS, MOST_ROWS};
use crate::moving::{self, Group, Move, Person, Step, store};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/moves", web::get().to(all))
        .service(web::resource("/moves/new").route(web::get().to(new)).route(web::post().to(make)))
        .route("/moves/{id}", web::get().to(show_one))
        .route("/moves/{id}/step", web::post().to(step))
        .service(
            web::resource("/moves/{id}/complete").route(web::get().to(ask_complete)).route(web::post().to(complete)),
        )
        .service(web::resource("/moves/{id}/delete").route(web::get().to(ask_delete)).route(web::post().to(delete)));
}

#[derive(Template)]
#[template(path = "admin/moving/list.html")]
struct ListPage {
    frame: Frame,
    moves: Vec<(Move, Moment, (&'static str, &'static str))>,
}

async fn all(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    let moves = store::list(&mut *desk.broker.ctx.db.acquire().await?, None).await?;
    let row = |one: Move| {
        let (at, pill) = (Moment::of(one.created_at), pill(&one));
        (one, at, pill)
    };
    Ok(show(&ListPage { frame: desk.frame(Section::Users), moves: moves.into_iter().map(row).collect() }))
}

/// A state of the stylesheet's, and its word.
fn pill(one: &Move) -> (&'static str, &'static str) {
    match one.counts {
        counts if counts.due > 0 => ("next", "Under way"),
        _ if one.completed_at.is_some() => ("active", "Completed"),
        counts if counts.moved > 0 => ("waiting", "People can sign in at both"),
        _ => ("unused", "Planned"),
    }
}

#[derive(Template)]
#[template(path = "admin/moving/new.html")]
struct NewPage {
    frame: Frame,
    connections: Vec<(String, String)>,
    from: String,
    to: String,
    table: String,
    errors: FieldErrors,
    faults: Vec<(u64, String, String)>,
}

/// Faults that a page shows.
const SHOWN: usize = 50;

fn new_page(desk: &Desk<Edit>) -> NewPage {
    let catalog = desk.broker.catalog.load();
    let option = |slug: &str, name: &str| (slug.to_owned(), format!("{name} ({slug})"));
    let connections = catalog.connections().iter().map(|one| option(one.slug.as_str(), &one.display_name)).collect();
    let (from, to, table) = (String::new(), String::new(), String::new());
    let errors = FieldErrors::default();
    NewPage { frame: desk.frame(Section::Users), connections, from, to, table, errors, faults: Vec::new() }
}

async fn new(desk: Desk<Edit>) -> HttpResponse {
    show(&new_page(&desk))
}

async fn make(tabled: Tabled) -> Result<HttpResponse, Trouble> {
    let Tabled { desk, table, from, to, .. } = tabled;
    let faults = match plan(&desk.broker, &desk.author, &from, &to, &table).await? {
        Ok(id) => return Ok(see_other(&desk.broker.ctx.urls.local(&Done::Created.at(&format!("/admin/moves/{id}"))))),
        Err(faults) => faults,
    };
    let mut page = new_page(&desk);
    let of_table = faults.iter().filter(|fault| fault.line > 0);
    if let count @ 1.. = of_table.clone().count() {
        page.errors.add("table", format!("{count} to correct in the table; nothing was planned."));
    }
    let shown = |fault: &crate::user::import::Fault| (fault.line, fault.column.to_owned(), fault.reason.clone());
    page.faults = of_table.take(SHOWN).map(shown).collect();
    for fault in faults.into_iter().filter(|fault| fault.line == 0) {
        page.errors.add(fault.column, fault.reason);
    }
    page.table = String::from_utf8_lossy(&table).into();
    (page.from, page.to) = (from, to);
    Ok(show_again(&page))
}

#[derive(Template)]
#[template(path = "admin/moving/one.html")]
struct OnePage {
    frame: Frame,
    path: String,
    known: Move,
    pill: (&'static str, &'static str),
    created: Moment,
    lines: Vec<Line>,
    standing: String,
    people: Vec<Person>,
    more: bool,
}

/// How many stand so.
struct Line {
    word: &'static str,
    title: &'static str,
    means: &'static str,
    count: i64,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    standing: String,
}

async fn show_one(desk: Desk<Read>, id: Path<String>, shown: Query<Shown>) -> Result<HttpResponse, Trouble> {
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let known = one(&mut conn, &id).await?;
    let standing = shown.into_inner().standing;
    let only = Some(standing.as_str()).filter(|word| !word.is_empty());
    let mut people = store::people(&mut conn, &known.id, only, 0, SHOWN as i64 + 1).await?;
    let more = people.len() > SHOWN;
    people.truncate(SHOWN);
    let counts = known.counts;
    let lines = [
        ("ready", "Can be moved", "Known at the old connection only", counts.ready),
        ("moved", "Moved", "Can sign in at both connections", counts.moved),
        ("completed", "Completed", "Can sign in at the new connection only", counts.completed),
        ("already", "Linked before", "Both identities are theirs already", counts.already),
        ("conflict", "In conflict", "The new identity is another user's: neither is touched", counts.conflict),
        ("unknown", "No match", "Nobody is known by the old subject", counts.unknown),
    ];
    let lines = lines.map(|(word, title, means, count)| Line { word, title, means, count });
    let frame = desk.frame(Section::Users);
    Ok(show(&OnePage {
        path: frame.to(&format!("/admin/moves/{}", known.id)),
        frame,
        pill: pill(&known),
        created: Moment::of(known.created_at),
        lines: lines.into_iter().filter(|line| line.count > 0).collect(),
        known,
        standing,
        people,
        more,
    }))
}

#[derive(Deserialize)]
struct StepForm {
    #[serde(default)]
    step: String,
    #[serde(default)]
    first: String,
    #[serde(default)]
    domain: String,
}

async fn step(posted: Posted<Edit, StepForm>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let id = id_of(&id)?;
    let step = match form.step.as_str() {
        "forward" => Step::Forward,
        "back" => Step::Back,
        _ => return Err(Trouble::Malformed("step is forward or back".into())),
    };
    let first = given(&form.first).map(|first| first.parse());
    let first = first.transpose().map_err(|_| Trouble::Malformed("first is a number of people, from 1".into()))?;
    let group = Group { first, domain: given(&form.domain), subs: None };
    checked(&group)?;
    asked(&id, moving::step(&desk.broker.ctx, &desk.author, &id, step, &group).await?)?;
    Ok(back_to(&desk, &format!("/admin/moves/{id}")))
}

fn back_to(desk: &Desk<Edit>, path: &str) -> HttpResponse {
    see_other(&desk.broker.ctx.urls.local(path))
}

async fn ask_complete(desk: Desk<Edit>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let known = one(&mut *desk.broker.ctx.db.acquire().await?, &id).await?;
    let stay = known.counts.people() - known.counts.moved - known.counts.completed;
    let touches = vec![
        (format!("Lose the identity at {}", known.from), known.counts.moved.to_string()),
        (format!("Of them, never yet at {}", known.to), (known.counts.moved - known.counts.came).to_string()),
        ("Stay as they are".into(), stay.to_string()),
    ];
    let explanation = format!(
        "Those who were moved sign in at {} only from then on, and there is no way back. They keep their sub, and stay signed in where they are as long as the connection {} is switched on.",
        known.to, known.from
    );
    Ok(show(&confirm(&desk, &known, "Complete the move?", explanation, touches, "complete", "Complete")))
}

async fn ask_delete(desk: Desk<Edit>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let known = one(&mut *desk.broker.ctx.db.acquire().await?, &id).await?;
    let explanation = "Everybody stays as they are now. The audit log keeps what was done.".into();
    Ok(show(&confirm(&desk, &known, "Delete this plan?", explanation, Vec::new(), "delete", "Delete")))
}

fn confirm(
    desk: &Desk<Edit>,
    known: &Move,
    question: &str,
    explanation: String,
    touches: Vec<(String, String)>,
    verb: &str,
    button: &str,
) -> ConfirmPage {
    let frame = desk.frame(Section::Users);
    let path = frame.to(&format!("/admin/moves/{}", known.id));
    ConfirmPage {
        question: question.into(),
        explanation,
        touches,
        fields: Vec::new(),
        action: format!("{path}/{verb}"),
        button: button.into(),
        back: path,
        back_label: format!("{} to {}", known.from, known.to),
        keep: "Not now",
        harmless: false,
        frame,
    }
}

#[derive(Deserialize)]
struct Nothing {}

async fn complete(posted: Posted<Edit, Nothing>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, id) = (posted.desk, id_of(&id)?);
    asked(&id, moving::complete(&desk.broker.ctx, &desk.author, &id).await?)?;
    Ok(back_to(&desk, &format!("/admin/moves/{id}")))
}

async fn delete(posted: Posted<Edit, Nothing>, id: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, id) = (posted.desk, id_of(&id)?);
    asked(&id, moving::delete(&desk.broker.ctx, &desk.author, &id).await?)?;
    Ok(back_to(&desk, &Done::Deleted.at("/admin/moves")))
}
