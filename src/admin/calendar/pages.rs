//! Page: `/admin/calendar`.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use time::macros::format_description;

use crate::admin::extract::{Desk, Posted};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::pages::{ConfirmPage, show};
use crate::admin::when::When;
use crate::admin::{Edit, Read, Trouble};
use crate::broker::expiry::{Expiry, People, Successor};
use crate::calendar::{self, Feed};
use crate::web::redirect;

const PATH: &str = "/admin/calendar";

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/calendar", web::get().to(read))
        .service(web::resource("/calendar/feed").route(web::get().to(ask_open)).route(web::post().to(open)))
        .service(
            web::resource("/calendar/feed/withdraw").route(web::get().to(ask_withdraw)).route(web::post().to(withdraw)),
        );
}

#[derive(Template)]
#[template(path = "admin/calendar/calendar.html")]
struct CalendarPage {
    frame: Frame,
    months: Vec<Month>,
    feed: Option<FeedLine>,
}

/// What ends in one month, or what has ended.
struct Month {
    id: String,
    name: String,
    entries: Vec<Entry>,
}

struct Entry {
    at: When,
    whose: String,
    what: &'static str,
    href: String,
    /// For the pill, with its words.
    state: (&'static str, String),
    consequence: String,
    advice: &'static str,
}

struct FeedLine {
    hint: String,
    by: String,
    at: When,
}

#[derive(Template)]
#[template(path = "admin/calendar/address.html")]
struct AddressPage {
    frame: Frame,
    address: String,
}

/// Forms that say nothing beside their token.
#[derive(Debug, Deserialize)]
struct Nothing {}

async fn read(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    let (broker, now) = (&desk.broker, desk.broker.ctx.now());
    let expiries = broker.expiries();
    let mut conn = broker.ctx.db.acquire().await?;
    let people = People::count(&mut conn, now).await?;
    let feed = calendar::store::get(&mut conn).await?;
    let frame = desk.frame(Section::Calendar);
    let mut months: Vec<Month> = Vec::new();
    for one in &expiries {
        let at = When::new(one.at, now);
        let (id, name) = month(&at);
        let entry = Entry {
            whose: one.name.clone(),
            what: one.kind.words(),
            href: frame.to(&one.path),
            state: state(one, &at),
            consequence: one.consequence(&people),
            advice: if one.successor == Successor::Working { "" } else { one.advice() },
            at,
        };
        match months.last_mut().filter(|month| month.id == id) {
            Some(month) => month.entries.push(entry),
            None => months.push(Month { id, name, entries: vec![entry] }),
        }
    }
    let feed = feed.map(|Feed { hint, created_by, created_at }| FeedLine {
        hint,
        by: created_by,
        at: When::new(created_at, now),
    });
    Ok(show(&CalendarPage { frame, months, feed }))
}

fn month(at: &When) -> (String, String) {
    if at.is_over() {
        return ("ended".into(), "Has ended".into());
    }
    let id = at.at.format(format_description!("month-[year]-[month]")).unwrap_or_default();
    (id, at.at.format(format_description!("[month repr:long] [year]")).unwrap_or_default())
}

fn state(one: &Expiry, at: &When) -> (&'static str, String) {
    match one.successor {
        Successor::Working => ("active", "What comes after it works".into()),
        _ if at.is_over() => ("failing", format!("Ended {}", at.relative())),
        _ if at.is_within(time::Duration::days(30)) => ("expiring", at.relative()),
        Successor::Waiting => ("next", "The next one is ready".into()),
        Successor::Missing => ("off", at.relative()),
    }
}

async fn ask_open(desk: Desk<Edit>) -> Result<HttpResponse, Trouble> {
    let exists = calendar::store::get(&mut *desk.broker.ctx.db.acquire().await?).await?.is_some();
    let explanation = if exists {
        "Whoever subscribed sees no changes any more until they have the new address. The one before ends at once."
    } else {
        "Whoever has the address reads this calendar without signing in: names and dates, no secrets. It is shown once."
    };
    Ok(confirm(&desk, exists, "Give the calendar's feed an address?", explanation, "feed", "Make the address"))
}

async fn ask_withdraw(desk: Desk<Edit>) -> HttpResponse {
    let explanation =
        "Calendar programs that subscribed see no changes any more. Another address can be made at any time.";
    confirm(&desk, true, "Withdraw the calendar's feed?", explanation, "feed/withdraw", "Withdraw")
}

fn confirm(
    desk: &Desk<Edit>,
    hurts: bool,
    question: &str,
    says: &str,
    action: &str,
    button: &'static str,
) -> HttpResponse {
    let frame = desk.frame(Section::Calendar);
    show(&ConfirmPage {
        question: question.into(),
        explanation: says.into(),
        touches: Vec::new(),
        fields: Vec::new(),
        action: frame.to(&format!("{PATH}/{action}")),
        back: frame.to(PATH),
        back_label: "Calendar".into(),
        keep: "Leave it as it is",
        button: button.into(),
        harmless: !hurts,
        frame,
    })
}

async fn open(posted: Posted<Edit, Nothing>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    let address = calendar::open(&desk.broker.ctx, &desk.author).await?;
    Ok(show(&AddressPage { frame: desk.frame(Section::Calendar), address: address.expose().clone() }))
}

async fn withdraw(posted: Posted<Edit, Nothing>) -> Result<HttpResponse, Trouble> {
    let desk = posted.desk;
    calendar::withdraw(&desk.broker.ctx, &desk.author).await?;
    Ok(redirect::see_other(&desk.frame(Section::Calendar).to(&Done::Removed.at(PATH))))
}
