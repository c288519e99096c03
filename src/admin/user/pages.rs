//! Pages: `/admin/users` and `/admin/users/{sub}`.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;

use super::groups::pages::Source;
use super::{Asked, Moment, found, nobody, sub};
use crate::admin::extract::Desk;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::pages::show;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Read, Trouble};
use crate::audit::{self, Filter};
use crate::overage::inquiry;
use crate::session::person::{self, Live, browser};
use crate::token::withdrawal;
use crate::user::list::Listed;
use crate::user::record::{self, KnownIdentity, Record};
use crate::user::{User, UserStatus};
use crate::{consent, role};

pub fn routes(app: &mut web::ServiceConfig) {
    app.configure(super::creation::pages::routes)
        .configure(super::import::pages::routes)
        .route("/users", web::get().to(list))
        .route("/users/{sub}", web::get().to(one))
        .configure(super::groups::pages::routes)
        .configure(super::withdrawal::pages::routes);
}

#[derive(Template)]
#[template(path = "admin/user/list.html")]
struct ListPage {
    frame: Frame,
    asked: Asked,
    connections: Vec<(String, String)>,
    statuses: Vec<(String, String)>,
    page: Page<Row>,
    /// The list without `after`, ending in ? or &.
    href: String,
    first: bool,
}

struct Row {
    href: String,
    sub: String,
    called: String,
    email: Option<String>,
    pill: (&'static str, &'static str),
    connections: String,
    last: Option<Moment>,
}

async fn list(desk: Desk<Read>, asked: Query<Asked>, paging: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let asked = asked.into_inner();
    let (people, limit) = found(&desk.broker, &asked, &paging).await?;
    let frame = desk.frame(Section::Users);
    let page = Page::of(people, limit, |one| vec![one.id.to_string()]).map(|one| row(&frame, one));
    let any = |word: &str, rest: Vec<(String, String)>| [vec![(String::new(), word.to_owned())], rest].concat();
    let statuses = [("active", "Active"), ("blocked", "Blocked"), ("never_signed_in", "Never signed in")];
    let catalog = desk.broker.catalog.load();
    let connections = if catalog.connections().len() > MOST_OPTIONS {
        Vec::new()
    } else {
        let options = catalog.connections().iter().map(|one| (one.slug.to_string(), one.display_name.clone()));
        any("Any connection", options.collect())
    };
    Ok(show(&ListPage {
        connections,
        statuses: any("Any status", statuses.map(|(value, label)| (value.to_owned(), label.to_owned())).to_vec()),
        href: frame.to(&format!("/admin/users?{}", asked.query())),
        first: paging.after()?.is_empty(),
        asked,
        page,
        frame,
    }))
}

/// With more connections than that, the slug is typed.
const MOST_OPTIONS: usize = 100;

fn row(frame: &Frame, one: Listed) -> Row {
    let blocked = one.status == UserStatus::Blocked;
    Row {
        href: frame.to(&format!("/admin/users/{}", one.id)),
        called: one.name.clone().or_else(|| one.email.clone()).unwrap_or_else(|| one.id.to_string()),
        email: one.email.filter(|_| one.name.is_some()),
        pill: pill(blocked, one.last_login_at.is_some()),
        connections: one.connections.join(", "),
        last: one.last_login_at.map(Moment::of),
        sub: one.id.to_string(),
    }
}

fn pill(blocked: bool, came: bool) -> (&'static str, &'static str) {
    match (blocked, came) {
        (true, _) => ("refused", "Blocked"),
        (false, true) => ("active", "Active"),
        (false, false) => ("next", "Not here yet"),
    }
}

/// By what an operator recognises a person.
pub fn called(user: &User) -> String {
    let profile = &user.profile;
    profile.name.clone().or_else(|| profile.email.clone()).unwrap_or_else(|| user.id.to_string())
}

#[derive(Template)]
#[template(path = "admin/user/one.html")]
struct UserPage {
    frame: Frame,
    sub: String,
    called: String,
    path: String,
    pill: (&'static str, &'static str),
    blocked: bool,
    /// Name and e-mail address may be changed here.
    ahead: bool,
    profile: Vec<(&'static str, String)>,
    /// All of them, where they are too many to stand beside the rest.
    groups: Vec<String>,
    /// Where groups came from, of providers that may be asked.
    sources: Vec<Source>,
    attributes: Option<String>,
    created: Moment,
    last: Option<Moment>,
    managed_by: Option<String>,
    identities: Vec<Identity>,
    sessions: Vec<Session>,
    grants: Vec<Application>,
    consents: Vec<Application>,
    /// `(role, resource)`
    roles: Vec<(String, String)>,
    events: Vec<Event>,
    all_events: String,
}

struct Identity {
    known: KnownIdentity,
    href: String,
    /// Where it is taken away, unless it is the only one or a file's.
    unlink: Option<String>,
    last: Option<Moment>,
}

struct Session {
    end: String,
    browser: String,
    address: Option<String>,
    connection: String,
    since: Moment,
    seen: Moment,
    clients: String,
}

/// A client that got something from the person.
struct Application {
    client_id: String,
    href: String,
    scope: String,
    since: Moment,
    used: Option<Moment>,
    end: String,
}

struct Event {
    at: Moment,
    action: String,
    outcome: String,
    actor: String,
    reason: Option<String>,
}

async fn one(desk: Desk<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (id, broker) = (sub(&path)?, &desk.broker);
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let known = record::store::of(&mut conn, &id).await?.ok_or_else(|| nobody(&id))?;
    let identities = record::store::identities(&mut conn, &id).await?;
    let live = person::store::live(&mut conn, &id, broker.session_lifetimes, now).await?;
    let held = withdrawal::store::held(&mut conn, &id, now).await?;
    let allowed = consent::store::of_user(&mut conn, &id).await?;
    let roles = role::store::all(&mut conn).await?;
    drop(conn);
    let standings = inquiry::standings(broker, &id).await?;
    let about = Filter { sub: Some(id.to_string()), ..Filter::default() };
    let events = audit::page(&broker.ctx, &about, None, 10).await?;

    let frame = desk.frame(Section::Users);
    let path = frame.to(&format!("/admin/users/{id}"));
    let client = |client_id: &str| frame.to(&format!("/admin/clients/{}", segment(client_id)));
    let facts = known.user.for_rules();
    let held = held.into_iter().map(|one| Application {
        href: client(&one.client_id),
        scope: one.scopes.join(" "),
        since: Moment::of(one.created_at),
        used: Some(Moment::of(one.last_used_at)),
        end: format!("{path}/grants/{}/withdraw", segment(&one.client_id)),
        client_id: one.client_id,
    });
    let allowed = allowed.into_iter().map(|(client_id, consent, at)| Application {
        href: client(&client_id),
        scope: consent.scopes.to_string(),
        since: Moment::of(at),
        used: None,
        end: format!("{path}/consents/{}/forget", segment(&client_id)),
        client_id,
    });
    let events = events.into_iter().map(|event| Event {
        at: Moment::of(event.at),
        action: event.action,
        outcome: event.outcome,
        actor: event.actor,
        reason: event.reason,
    });
    let blocked = known.user.status == UserStatus::Blocked;
    let may_unlink: Vec<bool> = identities
        .iter()
        .map(|one| identities.len() > 1 && !record::is_of_file(&known, &identities, &one.id))
        .collect();
    let identity = |(known, may_unlink): (KnownIdentity, bool)| Identity {
        unlink: may_unlink.then(|| format!("{path}/identities/{}/unlink", segment(known.id.as_str()))),
        href: frame.to(&format!("/admin/connections/{}", segment(&known.connection_slug))),
        last: known.last_login_at.map(Moment::of),
        known,
    };
    Ok(show(&UserPage {
        sub: id.to_string(),
        called: called(&known.user),
        pill: pill(blocked, known.last_login_at.is_some()),
        blocked,
        ahead: known.managed_by.is_some() && known.file().is_none() && known.last_login_at.is_none(),
        profile: profile(&known),
        groups: Some(&known.user.profile.groups).filter(|all| all.len() > GROUPS_BESIDE).cloned().unwrap_or_default(),
        sources: standings.iter().map(|one| Source::of(one, now)).collect(),
        attributes: Some(&known.user.profile.attributes)
            .filter(|attributes| !attributes.is_empty())
            .and_then(|attributes| serde_json::to_string_pretty(attributes).ok()),
        created: Moment::of(known.created_at),
        last: known.last_login_at.map(Moment::of),
        identities: identities.into_iter().zip(may_unlink).map(identity).collect(),
        sessions: live.into_iter().map(|one| session(&path, one)).collect(),
        grants: held.collect(),
        consents: allowed.collect(),
        roles: roles.into_iter().filter(|r| r.is_held_by(&facts)).map(|r| (r.name, r.resource)).collect(),
        events: events.collect(),
        all_events: frame.to(&format!("/admin/audit?sub={id}")),
        managed_by: known.managed_by,
        path,
        frame,
    }))
}

/// With more groups than that, all of them stand in a list of their own that opens.
const GROUPS_BESIDE: usize = 10;

fn profile(known: &Record) -> Vec<(&'static str, String)> {
    let profile = &known.user.profile;
    let verified = if profile.email_verified { "" } else { " (not verified)" };
    let more = profile.groups.len().saturating_sub(GROUPS_BESIDE);
    let named = profile.groups.iter().take(GROUPS_BESIDE).cloned().collect::<Vec<_>>().join(", ");
    let named = if more > 0 { format!("{named}, and {more} more") } else { named };
    let groups = Some(named).filter(|groups| !groups.is_empty());
    let lines = [
        ("E-mail address", profile.email.as_ref().map(|email| format!("{email}{verified}"))),
        ("Name", profile.name.clone()),
        ("Given name", profile.given_name.clone()),
        ("Family name", profile.family_name.clone()),
        ("User name", profile.preferred_username.clone()),
        ("Groups", groups),
    ];
    lines.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

fn session(path: &str, one: Live) -> Session {
    Session {
        end: format!("{path}/sessions/{}/end", segment(one.id.as_str())),
        browser: browser::called(one.user_agent.as_deref()),
        address: one.remote_addr,
        connection: one.connection_slug,
        since: Moment::of(one.created_at),
        seen: Moment::of(one.last_seen_at),
        clients: one.clients.join(", "),
    }
}
