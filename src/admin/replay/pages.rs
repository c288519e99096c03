//! `/admin/connections/{slug}/replay`: the mapping and the rule to edit, and what would have become of the last sign-ins.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::run;
use crate::admin::extract::{Desk, Posted};
use crate::admin::form::{FieldErrors, given, lines};
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::{show, show_again};
use crate::admin::trace::view;
use crate::admin::{Edit, Trouble};
use crate::cel::Expression;
use crate::connection::{Connection, Mapping};
use crate::trace::Summary;
use crate::trace::replay::{self, Change, Difference};

pub fn routes(app: &mut web::ServiceConfig) {
    app.service(web::resource("/connections/{slug}/replay").route(web::get().to(ask)).route(web::post().to(compare)));
}

/// Expressions as they are typed; blank is "as the preset has it".
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    allow: String,
    email: String,
    email_verified: String,
    name: String,
    given_name: String,
    family_name: String,
    preferred_username: String,
    groups: String,
    /// `name: expression`, one a line.
    attributes: String,
}

impl Typed {
    fn of(connection: &Connection) -> Self {
        let text = |expression: &Option<Expression>| expression.as_ref().map_or("", Expression::source).to_owned();
        let mapping = &connection.mapping;
        Self {
            allow: text(&connection.allow),
            email: text(&mapping.email),
            email_verified: text(&mapping.email_verified),
            name: text(&mapping.name),
            given_name: text(&mapping.given_name),
            family_name: text(&mapping.family_name),
            preferred_username: text(&mapping.preferred_username),
            groups: text(&mapping.groups),
            attributes: mapping.attributes.iter().map(|(name, e)| format!("{name}: {}\n", e.source())).collect(),
        }
    }

    fn read(&self) -> Result<(Mapping, Option<Expression>), FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut parse = |field: &str, text: &str| parsed(field, text, &mut errors);
        let mapping = Mapping {
            email: parse("email", &self.email),
            email_verified: parse("email_verified", &self.email_verified),
            name: parse("name", &self.name),
            given_name: parse("given_name", &self.given_name),
            family_name: parse("family_name", &self.family_name),
            preferred_username: parse("preferred_username", &self.preferred_username),
            groups: parse("groups", &self.groups),
            attributes: BTreeMap::new(),
        };
        let allow = parse("allow", &self.allow);
        let mut attributes = BTreeMap::new();
        for line in lines(&self.attributes) {
            let Some((name, text)) = line.split_once(':') else {
                errors.add("attributes", format!("Write {line:?} as name: expression."));
                continue;
            };
            let expression = parsed("attributes", text, &mut errors);
            attributes.extend(expression.map(|expression| (name.trim().to_owned(), expression)));
        }
        if errors.is_empty() { Ok((Mapping { attributes, ..mapping }, allow)) } else { Err(errors) }
    }
}

fn parsed(field: &str, text: &str, errors: &mut FieldErrors) -> Option<Expression> {
    let expression = Expression::parse(&given(text)?);
    expression.map_err(|error| errors.add(field, format!("This is not CEL: {}.", error.reason))).ok()
}

/// One sign-in that would have been another.
struct Line {
    href: String,
    at: String,
    machine_time: String,
    who: String,
    changes: Vec<Shown>,
    warnings: Vec<String>,
}

struct Shown {
    field: String,
    before: String,
    after: String,
}

struct Compared {
    looked_at: usize,
    let_in: usize,
    kept_out: usize,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "admin/replay/replay.html")]
struct ReplayPage {
    frame: Frame,
    connection: Arc<Connection>,
    path: String,
    typed: Typed,
    /// What counts where nothing is typed.
    usual: Typed,
    errors: FieldErrors,
    compared: Option<Compared>,
}

impl ReplayPage {
    fn fields(&self) -> [(&'static str, &'static str, &str, String); 7] {
        let (typed, usual) = (&self.typed, &self.usual);
        let help = |expression: &str| match expression {
            "" => "Blank: left out.".to_owned(),
            expression => format!("Blank: {expression}"),
        };
        [
            ("email", "E-mail address", &typed.email, help(&usual.email)),
            ("email_verified", "E-mail address verified", &typed.email_verified, help(&usual.email_verified)),
            ("name", "Name", &typed.name, help(&usual.name)),
            ("given_name", "Given name", &typed.given_name, help(&usual.given_name)),
            ("family_name", "Family name", &typed.family_name, help(&usual.family_name)),
            ("preferred_username", "User name", &typed.preferred_username, help(&usual.preferred_username)),
            ("groups", "Groups", &typed.groups, help(&usual.groups)),
        ]
    }
}

fn page(desk: &Desk<Edit>, slug: &str) -> Result<ReplayPage, Trouble> {
    let connection = desk.broker.catalog.load().connection(slug);
    let connection = connection.ok_or_else(|| Trouble::Unknown(format!("connection {slug}")))?;
    let frame = desk.frame(Section::Connections);
    let bare = replay::edited(&connection, Mapping::default(), None);
    let usual = replay::edited(&bare, bare.effective_mapping(), None);
    Ok(ReplayPage {
        path: frame.to(&format!("/admin/connections/{}", segment(slug))),
        typed: Typed::of(&connection),
        usual: Typed::of(&usual),
        errors: FieldErrors::default(),
        compared: None,
        connection,
        frame,
    })
}

async fn ask(desk: Desk<Edit>, slug: Path<String>) -> Result<HttpResponse, Trouble> {
    Ok(show(&page(&desk, &slug)?))
}

async fn compare(posted: Posted<Edit, Typed>, slug: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let mut page = page(&desk, &slug)?;
    page.typed = form;
    match page.typed.read() {
        Ok((mapping, allow)) => {
            let after = replay::edited(&page.connection, mapping, allow);
            let all = run(&desk.broker, &page.connection, &after).await?;
            page.compared = Some(compared(&page.frame, &all));
            Ok(show(&page))
        }
        Err(errors) => {
            page.errors = errors;
            Ok(show_again(&page))
        }
    }
}

fn compared(frame: &Frame, all: &[(Summary, Difference)]) -> Compared {
    let became = |to: bool| {
        let allowed = |change: &Change| change.field == "allowed" && change.after == to;
        all.iter().filter(|(_, difference)| difference.changes.iter().any(allowed)).count()
    };
    let line = |(summary, difference): &(Summary, Difference)| Line {
        href: frame.to(&format!("/admin/traces/{}", summary.id)),
        at: view::human_time(summary.started_at),
        machine_time: view::machine_time(summary.started_at),
        who: view::who(summary).unwrap_or_else(|| "Nobody known".into()),
        changes: difference.changes.iter().map(shown).collect(),
        warnings: difference.warnings.clone(),
    };
    let told = all.iter().filter(|(_, d)| !d.changes.is_empty() || !d.warnings.is_empty());
    Compared { looked_at: all.len(), let_in: became(true), kept_out: became(false), lines: told.map(line).collect() }
}

fn shown(change: &Change) -> Shown {
    let text = |value: &serde_json::Value| match view::shown(value) {
        nothing if nothing.is_empty() => "nothing".into(),
        text => text,
    };
    Shown { field: change.field.clone(), before: text(&change.before), after: text(&change.after) }
}
