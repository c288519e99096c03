//! `/admin/clients/{client_id}/doctor`: asked about a system, it says what will break there, what may, and what is well.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::{Asked, examine, href, invalid};
use crate::admin::client::{named, path};
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given};
use crate::admin::frame::{Frame, Section};
use crate::admin::pages::{show, show_again};
use crate::admin::{Edit, Trouble};
use crate::broker::Broker;
use crate::client::ClientId;
use crate::doctor::{Finding, Report, SYSTEMS, State, system};
use crate::ids::UserId;
use crate::user::list::{self, Filter, Search};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/clients/{client_id}/doctor").route(web::get().to(ask)).route(web::post().to(look)));
}

#[derive(Template)]
#[template(path = "admin/client/doctor.html")]
struct DoctorPage {
    frame: Frame,
    client_id: ClientId,
    client: String,
    action: String,
    systems: Vec<(&'static str, &'static str)>,
    form: Form,
    errors: FieldErrors,
    verdict: Option<Verdict>,
}

/// As it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Form {
    system: String,
    /// A `sub` or an e-mail address.
    person: String,
    issuer: String,
    audience: String,
    groups_claim: String,
}

impl Form {
    fn says_what_is_set_there(&self) -> bool {
        [&self.issuer, &self.audience, &self.groups_claim].iter().any(|typed| !typed.trim().is_empty())
    }
}

struct Verdict {
    state: &'static str,
    headline: String,
    /// What will break, and what may.
    grave: Vec<Group>,
    well: Vec<Finding>,
}

struct Group {
    id: &'static str,
    title: &'static str,
    state: &'static str,
    findings: Vec<Finding>,
}

impl Verdict {
    fn of(report: Report) -> Self {
        let title = report.system.and_then(system::named).map_or("", |system| system.title);
        let (failures, warnings) = (report.count(State::Failure), report.count(State::Warning));
        let (state, headline) = match (failures, warnings) {
            (0, 0) => ("active", format!("It will work at {title}")),
            (0, 1) => ("expiring", format!("Nothing will break at {title}, one thing may")),
            (0, some) => ("expiring", format!("Nothing will break at {title}, {some} things may")),
            (1, _) => ("failing", format!("One thing will break at {title}")),
            (some, _) => ("failing", format!("{some} things will break at {title}")),
        };
        let mut findings = report.findings;
        let mut take = |state| findings.extract_if(.., |one| one.state == state).collect::<Vec<_>>();
        let broken = Group { id: "broken", title: "What will break", state: "failing", findings: take(State::Failure) };
        let doubtful = Group { id: "doubtful", title: "What may", state: "expiring", findings: take(State::Warning) };
        let grave = [broken, doubtful].into_iter().filter(|group| !group.findings.is_empty()).collect();
        Self { state, headline, grave, well: findings }
    }

    /// With a capital, as it stands alone.
    fn sentence(text: &Option<String>) -> String {
        let mut letters = text.as_deref().unwrap_or_default().chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

fn page(desk: &Desk<Edit>, id: ClientId, mut form: Form) -> Result<DoctorPage, Trouble> {
    let client = desk.broker.catalog.load().client(id.as_str());
    let client = client.ok_or_else(|| Trouble::Unknown(format!("client {id}")))?;
    if form.system.is_empty() {
        form.system = system::guessed(&client).name.into();
    }
    let frame = desk.frame(Section::Clients);
    Ok(DoctorPage {
        client: frame.to(&path(&id)),
        action: frame.to(&href(&id, None)),
        systems: SYSTEMS.iter().map(|one| (one.name, one.title)).collect(),
        errors: FieldErrors::default(),
        verdict: None,
        client_id: id,
        form,
        frame,
    })
}

async fn ask(desk: Desk<Edit>, client_id: Path<String>, asked: Query<Form>) -> Result<HttpResponse, Trouble> {
    Ok(show(&page(&desk, named(&client_id)?, asked.into_inner())?))
}

async fn look(posted: Posted<Edit, Form>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let mut page = page(&desk, named(&client_id)?, form)?;
    let examined = async {
        let user = sub_of(&desk.broker, &page.form.person).await?;
        let Form { system, issuer, audience, groups_claim, .. } = page.form.clone();
        let asked = Asked { system, user, issuer, audience, groups_claim };
        examine(&desk.broker, &desk.author, &page.client_id, &asked).await
    };
    match examined.await {
        Ok(report) => {
            page.verdict = Some(Verdict::of(report));
            Ok(show(&page))
        }
        Err(Trouble::Invalid(problems)) => {
            page.errors = FieldErrors::of(&problems, |path| (path == "user").then_some("person"));
            Ok(show_again(&page))
        }
        Err(trouble) => Err(trouble),
    }
}

/// Empty for nobody.
async fn sub_of(broker: &Broker, typed: &str) -> Result<String, Trouble> {
    let Some(typed) = given(typed).filter(|typed| !UserId::is_well_formed(typed)) else {
        return Ok(typed.trim().into());
    };
    let wanted = Filter { search: Some(Search::of(&typed)), ..Filter::default() };
    let found = list::store::page(&broker.ctx.db, &wanted, None, MOST).await?;
    let is_called = |email: &Option<String>| email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(&typed));
    let mut found = found.into_iter().filter(|one| is_called(&one.email));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id.to_string()),
        (Some(_), Some(_)) => Err(invalid("user", "Several people have that address: enter the sub of one.".into())),
        (None, _) => Err(invalid("user", "Nobody here has that address or sub.".into())),
    }
}

/// Beginnings of words are found too.
const MOST: i64 = 50;
