//! Pages: `/admin/clients` and `/admin/clients/{client_id}`.

use actix_web::HttpResponse;
use actix_web::web::{self, Path, Query};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::key::KeyRow;
use super::secret::SecretRow;
use super::{doctor, entry, item, kind_words, named, path, secret, settings, setup};
use crate::admin::extract::Desk;
use crate::admin::form::given;
use crate::admin::frame::{Frame, Section, segment};
use crate::admin::integration::snippet;
use crate::admin::moment::Moment;
use crate::admin::pages::show;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Read, Trouble, configuration};
use crate::audit::{self, Filter};
use crate::client::listing::{self, Listed, Wanted};
use crate::client::{ClientKind, secret as secrets};
use crate::oauth::grant_type::GrantType;
use crate::provisioning::ClientEntry;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/clients", web::get().to(list))
        .configure(setup::pages::routes)
        .configure(settings::pages::routes)
        .configure(secret::pages::routes)
        .configure(doctor::pages::routes)
        .route("/clients/{client_id}", web::get().to(client));
}

/// What else the list can be asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    /// `on` or `off`.
    state: String,
}

const KINDS: [(&str, &str); 5] = [
    ("", "Any"),
    ("web", "Web application"),
    ("spa", "Single-page application"),
    ("native", "Native or command line"),
    ("machine", "Machine"),
];
const STATES: [(&str, &str); 3] = [("", "Any"), ("on", "Switched on"), ("off", "Switched off")];

#[derive(Template)]
#[template(path = "admin/client/list.html")]
struct ListPage {
    frame: Frame,
    search: String,
    asked: Asked,
    first: bool,
    page: Page<Row>,
}

impl ListPage {
    fn list_href(&self) -> String {
        let Asked { kind, state } = &self.asked;
        self.frame.to(&format!("/admin/clients?q={}&kind={kind}&state={state}&", segment(&self.search)))
    }

    fn is_filtered(&self) -> bool {
        !(self.search.is_empty() && self.asked.kind.is_empty() && self.asked.state.is_empty())
    }
}

struct Row {
    href: String,
    client_id: String,
    name: Option<String>,
    kind: &'static str,
    enabled: bool,
    audiences: Vec<String>,
    /// What there is to say of its secrets, and since when the last was used.
    secrets: String,
    used: Option<Moment>,
    managed_by: Option<String>,
}

async fn list(desk: Desk<Read>, query: Query<ListQuery>, asked: Query<Asked>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let mut asked = asked.into_inner();
    let kind = ClientKind::parse(&asked.kind);
    let enabled = match asked.state.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    // what means nothing is not repeated
    asked.kind = kind.map(|kind| kind.as_str().into()).unwrap_or_default();
    asked.state = enabled.map(|_| asked.state.clone()).unwrap_or_default();
    let wanted = Wanted { search: query.search().map(Into::into), kind, enabled, after: after.first().cloned() };
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let found = listing::store::page(&mut conn, &wanted, limit + 1).await?;
    let frame = desk.frame(Section::Clients);
    let now = desk.broker.ctx.now();
    let page = Page::of(found, limit, |one| vec![one.client_id.to_string()]).map(|one| row(&frame, one, now));
    let search = query.search().unwrap_or_default().into();
    Ok(show(&ListPage { search, asked, first: after.is_empty(), page, frame }))
}

fn row(frame: &Frame, one: Listed, now: time::OffsetDateTime) -> Row {
    let end = one.secrets_end.map(|at| Moment::new(at, now));
    let secrets = match (one.kind.is_confidential(), one.secrets, end) {
        (false, ..) => "Public, needs none".into(),
        (true, 0, _) => "None".into(),
        (true, count, None) => format!("{count}, no end"),
        (true, count, Some(end)) if end.is_past() => format!("{count}, expired {}", end.distance()),
        (true, count, Some(end)) => format!("{count}, until {}", end.distance().trim_start_matches("in ")),
    };
    Row {
        href: frame.to(&path(&one.client_id)),
        name: Some(one.name).filter(|name| *name != one.client_id.as_str()),
        client_id: one.client_id.to_string(),
        kind: kind_words(one.kind),
        enabled: one.enabled,
        audiences: one.audiences,
        secrets,
        used: one.last_used_at.map(|at| Moment::new(at, now)),
        managed_by: one.managed_by,
    }
}

#[derive(Template)]
#[template(path = "admin/client/client.html")]
struct ClientPage {
    frame: Frame,
    path: String,
    name: String,
    entry: ClientEntry,
    kind: &'static str,
    managed_by: Option<String>,
    secrets: Vec<SecretRow>,
    keys: Vec<KeyRow>,
    endpoints: Vec<(&'static str, String)>,
    /// Where it can be used: the title and the page with what to paste there.
    snippets: Vec<(&'static str, String)>,
    all_snippets: String,
    /// What is set, in the words of the settings.
    settings: Vec<(&'static str, String)>,
    events: Vec<EventRow>,
    audit: String,
}

struct EventRow {
    at: Moment,
    action: String,
    actor: String,
    outcome: String,
    reason: Option<String>,
    /// Fields that were changed.
    changed: String,
}

impl ClientPage {
    fn may_change(&self) -> bool {
        self.frame.may_edit() && self.managed_by.is_none()
    }

    /// A confidential client that has nothing to prove itself by.
    fn is_unproven(&self) -> bool {
        let keys = self.entry.jwks.is_some()
            || self.entry.jwks_uri.is_some()
            || !self.entry.certificates.is_empty()
            || !self.entry.federated_identities.is_empty();
        self.entry.kind.is_confidential() && self.secrets.is_empty() && !keys
    }
}

async fn client(desk: Desk<Read>, client_id: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = named(&client_id)?;
    let stored = configuration::read(&desk.broker.ctx, &item(&id)).await?;
    let entry = entry(&stored)?.clone();
    let ctx = &desk.broker.ctx;
    let now = ctx.now();
    let (known, keys, systems) = {
        let mut conn = ctx.db.acquire().await?;
        let keys = super::keys(&mut conn, &id, &entry).await?;
        (secrets::list(&mut conn, &id).await?, keys, snippet::fitting(&mut conn, &desk.broker, &id).await?)
    };
    // its own tokens would fill the page: what was done to it, and who failed to be it
    let filter = Filter { client_id: Some(id.to_string()), action: Some("client.".into()), ..Filter::default() };
    let events = audit::page(ctx, &filter, None, 8).await?;
    let frame = desk.frame(Section::Clients);
    let path = frame.to(&path(&id));
    let urls = &ctx.urls;
    let mut endpoints = vec![
        ("Client ID", id.to_string()),
        ("Issuer", urls.issuer().to_owned()),
        ("Token endpoint", urls.at("/oauth/token")),
        ("JWKS", urls.at("/.well-known/jwks.json")),
    ];
    if entry.effective_grants().contains(&GrantType::DeviceCode) {
        endpoints.insert(3, ("Device endpoint", urls.at("/oauth/device/code")));
    }
    Ok(show(&ClientPage {
        snippets: systems.iter().map(|one| (one.title, frame.to(&snippet::href(&id, Some(one))))).collect(),
        all_snippets: frame.to(&snippet::href(&id, None)),
        audit: frame.to(&format!("/admin/audit?client_id={}", segment(id.as_str()))),
        name: entry.name.clone().unwrap_or_else(|| id.to_string()),
        kind: kind_words(entry.kind),
        secrets: known.iter().map(|one| SecretRow::of(one.clone(), &known, &path, now)).collect(),
        keys: keys.iter().map(|one| KeyRow::of(one, &keys, now)).collect(),
        settings: settings_of(&entry),
        events: events.into_iter().map(|event| event_row(event, now)).collect(),
        managed_by: stored.managed_by,
        endpoints,
        entry,
        path,
        frame,
    }))
}

fn settings_of(entry: &ClientEntry) -> Vec<(&'static str, String)> {
    let joined = |texts: Vec<&str>| Some(texts.join(", ")).filter(|text| !text.is_empty());
    let yes = |yes: bool, says: &str| yes.then(|| says.to_owned());
    let uris = |uris: &[crate::oauth::redirect_uri::RedirectUri]| joined(uris.iter().map(|uri| uri.as_str()).collect());
    let rows = [
        ("Redirect URIs", uris(&entry.redirect_uris)),
        ("After signing out", uris(&entry.post_logout_redirect_uris)),
        ("Grants", joined(entry.effective_grants().iter().map(|grant| grant.as_str()).collect())),
        ("Scopes", entry.scopes.as_ref().map_or(Some("All of its audiences".into()), |s| given(&s.join(", ")))),
        ("Consent", Some(if entry.first_party { "Not asked for" } else { "Asked for" }.to_owned())),
        ("PKCE", Some(if entry.require_pkce { "Demanded" } else { "Not demanded" }.to_owned())),
        ("ID token signed by", Some(entry.id_token_alg.as_str().to_owned())),
        ("DPoP", yes(entry.dpop_bound_access_tokens, "Demanded for every token")),
        ("Its own secrets", yes(entry.may_rotate_secret, "It makes and ends them itself")),
        ("Requests", yes(entry.require_pushed_authorization_requests, "Pushed ahead only")),
        ("Token requests a minute", entry.rate_limit.map(|limit| limit.to_string())),
        ("Told of sign-outs at", entry.backchannel_logout_uri.clone()),
        ("API of its own", joined(entry.serves.iter().map(String::as_str).collect())),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

fn event_row(event: audit::Recorded, now: time::OffsetDateTime) -> EventRow {
    let changed =
        event.detail["changes"].as_object().into_iter().flatten().map(|(name, _): (&String, &Value)| name.as_str());
    EventRow {
        at: Moment::new(event.at, now),
        changed: changed.collect::<Vec<_>>().join(", "),
        action: event.action,
        actor: event.actor,
        outcome: event.outcome,
        reason: event.reason,
    }
}
