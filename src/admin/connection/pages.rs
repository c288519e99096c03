//! Pages: the list, one connection as it stands, and switching it on and off, deleting and releasing it.

use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::guide::{self, Addresses, Paste};
use super::provider::Provider;
use super::view::{Head, Tab, protocol, protocol_name};
use super::{credential, item, path, renewal, settings, setup, slug, stored};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::frame::{Done, Frame, Section, segment};
use crate::admin::moment::Moment;
use crate::admin::pages::{ConfirmPage, confirm_release, show};
use crate::admin::paging::{ListQuery, Page};
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble, configuration};
use crate::audit;
use crate::connection::listing::{self, Listed, MOST_COUNTED, Wanted};
use crate::connection::{Connection, Preset, Protocol, Slug, version};
use crate::db;
use crate::provisioning::EntryProtocol;
use crate::provisioning::impact::{Counted, impact};
use crate::provisioning::one::{self, Entry, Expect};
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections", web::get().to(list))
        .configure(setup::pages::routes)
        .route("/connections/{slug}", web::get().to(overview))
        .route("/connections/{slug}/enable", web::post().to(enable))
        .route("/connections/{slug}/disable", web::get().to(ask_disable))
        .route("/connections/{slug}/disable", web::post().to(disable))
        .route("/connections/{slug}/delete", web::get().to(ask_delete))
        .route("/connections/{slug}/delete", web::post().to(delete))
        .route("/connections/{slug}/release", web::get().to(ask_release))
        .route("/connections/{slug}/release", web::post().to(release))
        .configure(settings::pages::routes)
        .configure(credential::pages::routes)
        .configure(renewal::pages::routes);
}

const PROTOCOLS: [(&str, &str); 3] = [("", "Any"), ("oidc", "OpenID Connect"), ("saml", "SAML 2.0")];
const STATES: [(&str, &str); 3] = [("", "Any"), ("on", "On"), ("off", "Off")];

#[derive(Template)]
#[template(path = "admin/connection/list.html")]
struct ListPage {
    frame: Frame,
    search: String,
    protocol: String,
    state: String,
    first: bool,
    page: Page<Row>,
}

struct Row {
    href: String,
    name: String,
    slug: String,
    provider: &'static str,
    protocol: &'static str,
    enabled: bool,
    domains: String,
    people: String,
    managed_by: Option<String>,
}

impl ListPage {
    fn is_filtered(&self) -> bool {
        !(self.search.is_empty() && self.protocol.is_empty() && self.state.is_empty())
    }

    fn list_href(&self) -> String {
        let words = [("q", &self.search), ("protocol", &self.protocol), ("state", &self.state)];
        let query: String = words.iter().map(|(name, value)| format!("{name}={}&", segment(value))).collect();
        self.frame.to(&format!("/admin/connections?{query}"))
    }
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    state: String,
}

async fn list(desk: Desk<Read>, query: Query<ListQuery>, filter: Query<Filter>) -> Result<HttpResponse, Trouble> {
    let (after, limit) = (query.after()?, query.limit()?);
    let known = |options: &[(&str, &str)], word: &str| options.iter().any(|(known, _)| *known == word);
    let protocol = Some(filter.protocol.clone()).filter(|word| !word.is_empty() && known(&PROTOCOLS, word));
    let state = Some(filter.state.clone()).filter(|word| !word.is_empty() && known(&STATES, word));
    let wanted = Wanted {
        search: query.search().map(Into::into),
        protocol: protocol.clone(),
        enabled: state.as_deref().map(|word| word == "on"),
        after: after.first().cloned(),
    };
    let found = listing::store::page(&mut *desk.broker.ctx.db.acquire().await?, &wanted, limit + 1).await?;
    let frame = desk.frame(Section::Connections);
    let page = Page::of(found, limit, |one| vec![one.slug.to_string()]).map(|one| row(&frame, one));
    Ok(show(&ListPage {
        search: wanted.search.unwrap_or_default(),
        protocol: protocol.unwrap_or_default(),
        state: state.unwrap_or_default(),
        first: after.is_empty(),
        page,
        frame,
    }))
}

fn row(frame: &Frame, one: Listed) -> Row {
    let protocol = if one.is_saml { EntryProtocol::Saml } else { EntryProtocol::Oidc };
    let known = one.preset.filter(|preset| *preset != Preset::Generic);
    let provider = known.and_then(|preset| Provider::ALL.into_iter().find(|provider| provider.preset() == preset));
    Row {
        href: frame.to(&path(one.slug.as_str())),
        name: one.display_name,
        slug: one.slug.to_string(),
        provider: provider.map_or("Other", Provider::name),
        protocol: protocol_name(protocol),
        enabled: one.enabled,
        domains: one.email_domains.join(", "),
        people: if one.people < MOST_COUNTED { one.people.to_string() } else { format!("{MOST_COUNTED} or more") },
        managed_by: one.managed_by,
    }
}

/// One as it is stored, with the head of its page.
pub(super) async fn shown(
    desk: &Seated,
    frame: &Frame,
    slug: &Slug,
    tab: Option<Tab>,
) -> Result<(Connection, Head), Trouble> {
    let ctx = &desk.broker.ctx;
    let mut conn = ctx.db.acquire().await?;
    let one = stored(&mut conn, slug).await?;
    let arrivals = listing::store::arrivals(&mut conn, &one.id).await?;
    let drift = version::drift(&mut conn, &one).await?;
    let head = Head::of(frame, &one, arrivals, tab, ctx.now()).with_drift(drift, ctx.now());
    Ok((one, head))
}

#[derive(Template)]
#[template(path = "admin/connection/overview.html")]
struct OverviewPage {
    frame: Frame,
    head: Head,
    place: &'static str,
    addresses: Vec<Paste>,
    /// What they gave us, which somebody may want to compare.
    theirs: Vec<Paste>,
    latest: Vec<Arrival>,
    domains: String,
    listed: bool,
    allow: Option<String>,
}

/// A sign-in that came to an end.
struct Arrival {
    at: Moment,
    state: &'static str,
    word: &'static str,
    reason: Option<String>,
    /// Link and words.
    user: Option<(String, String)>,
    trace: Option<(String, String)>,
}

async fn overview(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, Some(Tab::Overview)).await?;
    let (provider, protocol) = (Provider::of(&one), protocol(&one));
    let latest = latest(&desk, &frame, &slug).await?;
    Ok(show(&OverviewPage {
        place: provider.place(),
        addresses: guide::addresses(provider, protocol, &Addresses::of(&desk.broker.ctx.urls, &slug)),
        theirs: theirs(&one),
        latest,
        domains: one.email_domains.join(", "),
        listed: one.listed,
        allow: one.allow.as_ref().map(|rule| rule.source().to_owned()),
        head,
        frame,
    }))
}

fn theirs(one: &Connection) -> Vec<Paste> {
    let known = match &one.protocol {
        Protocol::Oidc(settings) => {
            vec![("Issuer", settings.issuer.clone()), ("Client id they gave us", settings.client_id.clone())]
        }
        Protocol::Saml(settings) => {
            let entity = settings.entity_id.clone().or_else(|| one.metadata().map(|known| known.entity_id.clone()));
            vec![("Their entity id", entity.unwrap_or_default())]
        }
    };
    known.into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| Paste { label, value }).collect()
}

async fn latest(desk: &Seated, frame: &Frame, slug: &Slug) -> Result<Vec<Arrival>, Trouble> {
    const MOST: usize = 10;
    let ctx = &desk.broker.ctx;
    let filter =
        audit::Filter { action: Some("login".into()), connection: Some(slug.to_string()), ..audit::Filter::default() };
    let found = db::in_tx(&ctx.db, async |conn| audit::store::page(conn, &filter, None, 50).await).await?;
    let arrival = |event: audit::Recorded| Arrival {
        at: Moment::new(event.at, ctx.now()),
        state: match event.outcome.as_str() {
            "success" => "passed",
            "refused" => "refused",
            _ => "failing",
        },
        word: match event.outcome.as_str() {
            "success" => "Signed in",
            "refused" => "Refused",
            _ => "Failed",
        },
        reason: event.reason,
        user: event.sub.map(|sub| (frame.to(&format!("/admin/users/{}", segment(&sub))), sub)),
        trace: event.trace_id.map(|trace| (frame.to(&format!("/admin/traces/{}", segment(&trace))), trace)),
    };
    // refreshes begin with the same word
    Ok(found.into_iter().filter(|event| event.action == "login").take(MOST).map(arrival).collect())
}

async fn enable(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    switch(&posted.desk, &slug, true, None).await?;
    Ok(see_other(&posted.desk.broker.ctx.urls.local(&Done::Enabled.at(&path(slug.as_str())))))
}

/// Switching on holds the whole connection against the rules; what is wrong with it is said by [`Trouble::Invalid`].
pub(super) async fn switch(desk: &Desk<Edit>, slug: &Slug, on: bool, version: Option<String>) -> Result<(), Trouble> {
    let known = configuration::read(&desk.broker.ctx, &item(slug.clone())).await?;
    let Entry::Connection(mut entry) = known.entry else { return Err(Trouble::Broken) };
    entry.enabled = on;
    let expect = Expect::Version(version.unwrap_or(known.version));
    one::put(&desk.broker.ctx, &desk.author, Entry::Connection(entry), expect).await?;
    Ok(())
}

/// Of the page that asked.
#[derive(Deserialize)]
struct Confirmed {
    version: String,
}

async fn ask_disable(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let known = configuration::read(&desk.broker.ctx, &item(slug.clone())).await?;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, None).await?;
    let touches = touches(&desk, &one).await?;
    Ok(show(&ConfirmPage {
        question: format!("Switch {} off?", one.display_name),
        explanation:
            "Nobody can sign in through it from then on, and tokens of people who came through it are not renewed. \
                      Switching it on again brings everything back."
                .into(),
        touches,
        fields: vec![("version", known.version)],
        action: format!("{}/disable", head.path),
        button: "Switch it off".into(),
        back_label: one.display_name,
        back: head.path,
        keep: "Leave it on",
        harmless: false,
        frame,
    }))
}

async fn disable(posted: Posted<Edit, Confirmed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let Posted { desk, form } = posted;
    switch(&desk, &slug, false, Some(form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Disabled.at(&path(slug.as_str())))))
}

async fn touches(desk: &Seated, one: &Connection) -> Result<Vec<(String, String)>, Trouble> {
    let ctx = &desk.broker.ctx;
    let mut conn = ctx.db.acquire().await?;
    let impact = impact(&mut conn, &item(one.slug.clone()), ctx.now()).await?;
    let named = |counted: &Counted| match counted.names.as_slice() {
        [] => counted.count.to_string(),
        names => format!("{}: {}", counted.count, names.join(", ")),
    };
    Ok(vec![
        ("People who sign in by it".into(), named(&impact.users)),
        ("Their sessions now".into(), impact.sessions.to_string()),
        ("Applications that stay signed in by it".into(), impact.grants.to_string()),
        ("Applications they came to in the last 30 days".into(), named(&impact.clients)),
    ])
}

async fn ask_delete(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let known = configuration::read(&desk.broker.ctx, &item(slug.clone())).await?;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, None).await?;
    let mut touches = touches(&desk, &one).await?;
    let mut conn = desk.broker.ctx.db.acquire().await?;
    let naming = crate::client::store::naming(&mut conn, None, Some(slug.as_str())).await?;
    touches.push(("Clients that name it".into(), if naming.is_empty() { "None".into() } else { naming.join(", ") }));
    Ok(show(&ConfirmPage {
        question: format!("Delete {}?", one.display_name),
        explanation: "Its secrets, keys and certificates are forgotten, and so is who people are there: whoever comes back through \
                      a new connection is a new person. While a client names it, it cannot be deleted. Switching it off hurts less."
            .into(),
        touches,
        fields: vec![("version", known.version)],
        action: format!("{}/delete", head.path),
        button: "Delete it".into(),
        back_label: one.display_name,
        back: head.path,
        keep: "Keep it",
        harmless: false,
        frame,
    }))
}

async fn delete(posted: Posted<Edit, Confirmed>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let Posted { desk, form } = posted;
    let item = item(slug(&name)?);
    one::delete(&desk.broker.ctx, &desk.author, &item, Expect::Version(form.version)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Deleted.at("/admin/connections"))))
}

async fn ask_release(desk: Desk<Edit>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let slug = slug(&name)?;
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, None).await?;
    let file = one.managed_by.as_deref().unwrap_or("its file");
    Ok(show(&confirm_release(frame, &one.display_name, file, head.path)))
}

async fn release(posted: Posted<Edit, NoFields>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let (desk, slug) = (posted.desk, slug(&name)?);
    let path = path(slug.as_str());
    one::release(&desk.broker.ctx, &desk.author, &item(slug)).await?;
    Ok(see_other(&desk.broker.ctx.urls.local(&Done::Released.at(&path))))
}
