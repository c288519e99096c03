//! `/admin/users/{sub}/groups`: where somebody's groups came from, and the button that asks the directory.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use time::OffsetDateTime;

use crate::admin::extract::{Desk, Posted};
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::moment::Moment as When;
use crate::admin::pages::show;
use crate::admin::sign_in::pages::NoFields;
use crate::admin::user::pages::called;
use crate::admin::user::{nobody, sub};
use crate::admin::{Edit, Read, Trouble};
use crate::overage::inquiry::{self, Answer, Standing};
use crate::trace::remedy;
use crate::user::{self, User};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/users/{sub}/groups").route(web::get().to(look)).route(web::post().to(ask)));
}

/// Groups of one list that the page names.
const NAMED: usize = 20;

/// Where somebody's groups came from, in one line.
pub struct Source {
    pub words: String,
    /// When the directory was asked, or the token came.
    pub at: Option<When>,
}

impl Source {
    pub fn of(one: &Standing, now: OffsetDateTime) -> Self {
        let name = &one.connection.display_name;
        let (words, at) = match (&one.kept, one.last_login_at) {
            (Some(kept), _) => (
                format!("{} from Microsoft Graph: the token of {name} had no room for them. Asked", kept.count),
                Some(kept.fetched_at),
            ),
            (None, Some(at)) => (format!("From the token of {name}"), Some(at)),
            (None, None) => (format!("Nobody has come by {name} yet"), None),
        };
        Self { words, at: at.map(|at| When::new(at, now)) }
    }
}

#[derive(Template)]
#[template(path = "admin/user/groups.html")]
struct GroupsPage {
    frame: Frame,
    called: String,
    path: String,
    cards: Vec<Card>,
}

struct Card {
    connection: String,
    href: String,
    source: Source,
    problem: Option<String>,
    outcome: Option<Outcome>,
}

enum Outcome {
    Said { count: usize, held: usize, lists: Vec<(&'static str, Vec<String>, usize)>, warning: Option<String> },
    Refused { reason: &'static str, detail: String, fix: Option<&'static str> },
}

impl Outcome {
    fn said(answer: Answer) -> Self {
        let (count, held) = (answer.count, answer.groups.len());
        let lists = [("New since then", answer.new), ("Gone since then", answer.gone), ("In tokens", answer.groups)];
        let short = |(title, all): (_, Vec<String>)| {
            let more = all.len().saturating_sub(NAMED);
            (title, all.into_iter().take(NAMED).collect(), more)
        };
        Self::Said { count, held, lists: lists.map(short).into(), warning: answer.warning }
    }
}

fn page(desk_frame: Frame, known: &User, cards: Vec<Card>) -> HttpResponse {
    let path = desk_frame.to(&format!("/admin/users/{}", known.id));
    show(&GroupsPage { called: called(known), path, cards, frame: desk_frame })
}

fn card(frame: &Frame, one: &Standing, now: OffsetDateTime) -> Card {
    Card {
        connection: one.connection.display_name.clone(),
        href: frame.to(&format!("/admin/connections/{}", segment(one.connection.slug.as_str()))),
        source: Source::of(one, now),
        problem: one.kept.as_ref().and_then(|kept| kept.problem.clone()),
        outcome: None,
    }
}

async fn look(desk: Desk<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (id, broker) = (sub(&path)?, &desk.broker);
    let known = user::store::by_id(&mut *broker.ctx.db.acquire().await?, &id).await?.ok_or_else(|| nobody(&id))?;
    let (frame, now) = (desk.frame(Section::Users), broker.ctx.now());
    let cards = inquiry::standings(broker, &id).await?.iter().map(|one| card(&frame, one, now)).collect();
    Ok(page(frame, &known, cards))
}

/// Nothing is redirected: what a directory said is shown once and kept nowhere else.
async fn ask(posted: Posted<Edit, NoFields>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, .. } = posted;
    let (id, broker) = (sub(&path)?, &desk.broker);
    let known = user::store::by_id(&mut *broker.ctx.db.acquire().await?, &id).await?.ok_or_else(|| nobody(&id))?;
    let frame = desk.frame(Section::Users);
    let mut cards = Vec::new();
    for one in inquiry::standings(broker, &id).await? {
        let outcome = match inquiry::ask(broker, &desk.author, &known, &one).await? {
            Ok(answer) => Outcome::said(answer),
            Err(error) => Outcome::Refused {
                reason: error.reason(),
                detail: error.to_string(),
                fix: remedy::of(error.reason()).map(|remedy| remedy.fix),
            },
        };
        cards.push(Card { outcome: Some(outcome), ..card(&frame, &one, broker.ctx.now()) });
    }
    Ok(page(frame, &known, cards))
}
