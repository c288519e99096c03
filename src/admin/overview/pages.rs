//! Page: `/admin`.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::{AHEAD, DAYS, Ending, Need, Picture, grouped};
use crate::admin::extract::Desk;
use crate::admin::frame::{Frame, Section};
use crate::admin::pages::show;
use crate::admin::when::When;
use crate::admin::{Read, Trouble};
use crate::audit::tally::Day;
use crate::connection::{Connection, Protocol};

/// Rows of the table of connections: the most used ones.
const CONNECTIONS: usize = 8;
/// Lines of the agenda.
const LINES: usize = 12;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("", web::get().to(overview));
}

#[derive(Template)]
#[template(path = "admin/overview/overview.html")]
struct OverviewPage {
    frame: Frame,
    now: When,
    facts: Vec<String>,
    /// What a new instance lacks.
    guide: Vec<Step>,
    /// Whoever looks has a password and nothing beside it.
    password_alone: bool,
    needs: Vec<Need>,
    chart: Chart,
    rows: Vec<Row>,
    more_connections: usize,
    agenda: Vec<Ending>,
    more_endings: usize,
    /// Where they stand on the agenda's line, of a thousand.
    marks: Vec<(i64, &'static str)>,
    /// Dates under the agenda's line.
    axis: [String; 4],
}

struct Step {
    heading: &'static str,
    words: &'static str,
    label: &'static str,
    path: &'static str,
}

/// Of the bars only their heights are told here, as per mille of the highest; the template places them.
struct Chart {
    bars: Vec<Bar>,
    signed_in: String,
    refused: String,
    failed: String,
    summary: String,
    any: bool,
}

struct Bar {
    day: When,
    counts: Day,
    x: i64,
    good: i64,
    bad: i64,
}

struct Row {
    name: String,
    path: String,
    kind: &'static str,
    state: &'static str,
    verdict: &'static str,
    last: String,
    count: String,
    credential: String,
    credential_state: &'static str,
    /// Of a hundred.
    left: i64,
}

async fn overview(desk: Desk<Read>) -> Result<HttpResponse, Trouble> {
    let picture = Picture::take(&desk.broker).await?;
    let (now, mut agenda) = (picture.now, picture.agenda());
    agenda.retain(|ending| !ending.at.is_over());
    let more_endings = agenda.len().saturating_sub(LINES);
    agenda.truncate(LINES);
    let rows = rows(&picture, &agenda);
    let mark = |ending: &Ending| {
        let place = (ending.at.at - now).whole_hours() * 990 / AHEAD.whole_hours();
        (place.clamp(0, 990), if ending.is_pressing() { "expiring" } else { "next" })
    };
    let connections = picture.catalog.connections().len();
    let clients = picture.catalog.client_count();
    Ok(show(&OverviewPage {
        frame: desk.frame(Section::Overview),
        now: When::new(now, now),
        facts: vec![count(connections, "connection"), count(clients, "client")],
        guide: guide(connections, clients),
        password_alone: desk.session.operator.user.is_none() && !desk.session.operator.second_factor,
        needs: picture.needs(),
        chart: chart(&picture),
        more_connections: connections.saturating_sub(rows.len()),
        rows,
        marks: agenda.iter().map(mark).collect(),
        agenda,
        more_endings,
        axis: [0, 30, 60, 90].map(|days| When::new(now + time::Duration::days(days), now).short_day()),
    }))
}

fn count(number: usize, noun: &str) -> String {
    let text = grouped(i64::try_from(number).unwrap_or(i64::MAX));
    format!("{text} {noun}{}", if number == 1 { "" } else { "s" })
}

fn guide(connections: usize, clients: usize) -> Vec<Step> {
    let provider = Step {
        heading: "Connect your first identity provider",
        words: "Where people have their accounts: Entra ID, Okta, Google, Keycloak, ADFS, or any other by OpenID Connect or SAML.",
        label: "New connection",
        path: "/admin/connections/new",
    };
    let application = Step {
        heading: "Add your first application",
        words: "What people sign in to, or a machine that fetches tokens. You get the settings to paste there.",
        label: "New client",
        path: "/admin/clients/new",
    };
    let lacking = [(connections == 0, provider), (clients == 0, application)];
    lacking.into_iter().filter_map(|(lacks, step)| lacks.then_some(step)).collect()
}

fn chart(picture: &Picture) -> Chart {
    let total = |of: fn(&Day) -> i64| picture.days.iter().map(of).sum::<i64>();
    let (signed_in, refused, failed) = (total(|d| d.signed_in), total(|d| d.refused), total(|d| d.failed));
    let all = |day: &Day| day.signed_in + day.refused + day.failed;
    let highest = picture.days.iter().map(all).max().unwrap_or_default().max(1);
    // the least that there is stays visible
    let height = |count: i64| if count == 0 { 0 } else { (count * 100 / highest).max(1) };
    let when = |day: &Day| When::new(day.day.midnight().assume_utc(), picture.now);
    let bar = |(place, day): (i64, &Day)| Bar {
        day: when(day),
        counts: *day,
        x: place * 240 / i64::from(DAYS) + 2,
        good: height(day.signed_in),
        bad: height(day.refused + day.failed),
    };
    let busiest = picture.days.iter().max_by_key(|day| day.signed_in);
    let summary = busiest.filter(|day| day.signed_in > 0).map_or_else(
        || "Sign-ins per day: none in fourteen days".into(),
        |day| format!("Sign-ins per day: the most, {}, on {}", grouped(day.signed_in), when(day).day()),
    );
    Chart {
        bars: (0..).zip(&picture.days).map(bar).collect(),
        signed_in: grouped(signed_in),
        refused: grouped(refused),
        failed: grouped(failed),
        summary,
        any: signed_in + refused + failed > 0,
    }
}

fn rows(picture: &Picture, agenda: &[Ending]) -> Vec<Row> {
    let mut connections: Vec<_> = picture.catalog.connections().iter().collect();
    let used =
        |c: &Connection| picture.lately.get(c.slug.as_str()).map_or(0, |of| of.signed_in + of.refused + of.failed);
    connections.sort_by_key(|connection| std::cmp::Reverse(used(connection)));
    connections.truncate(CONNECTIONS);
    connections.into_iter().map(|connection| row(connection, picture, agenda)).collect()
}

fn row(connection: &Connection, picture: &Picture, agenda: &[Ending]) -> Row {
    let lately = picture.lately.get(connection.slug.as_str());
    let (state, verdict) = match lately {
        _ if !connection.enabled => ("off", "Off"),
        Some(lately) if lately.is_failing() => ("failing", "Failing"),
        _ => ("active", "Active"),
    };
    let path = format!("/admin/connections/{}", connection.slug);
    let next = agenda.iter().find(|ending| ending.path.strip_suffix("/credentials") == Some(&path));
    let days = next.map(|ending| (ending.at.at - picture.now).whole_days());
    Row {
        name: connection.display_name.clone(),
        kind: match connection.protocol {
            Protocol::Oidc(_) => "OpenID Connect",
            Protocol::Saml(_) => "SAML",
        },
        state,
        verdict,
        last: lately
            .and_then(|lately| lately.last_signed_in)
            .map_or_else(|| "Not within a day".into(), |at| When::new(at, picture.now).relative()),
        count: grouped(lately.map_or(0, |lately| lately.signed_in)),
        credential: next.map_or_else(
            || format!("Nothing ends in {} days", AHEAD.whole_days()),
            |ending| format!("{}: {}", ending.what, ending.at.distance()),
        ),
        credential_state: if days.is_some_and(|days| days < 30) { "expiring" } else { "active" },
        left: days.map_or(100, |days| (days * 100 / AHEAD.whole_days()).clamp(2, 100)),
        path,
    }
}
