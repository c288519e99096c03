//! Page: `/admin/connections/{slug}/versions`: what the provider publishes, and what waits for a decision.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;

use super::number;
use crate::admin::connection::pages::shown;
use crate::admin::connection::view::{Head, Tab, protocol};
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::show;
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::metadata::Endpoint;
use crate::connection::version::{self, Document, State, Version};
use crate::provisioning::EntryProtocol;
use crate::web::redirect::see_other;

pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/connections/{slug}/versions", web::get().to(all))
        .route("/connections/{slug}/versions/{id}/approve", web::post().to(approve))
        .route("/connections/{slug}/versions/{id}/reject", web::post().to(reject));
}

#[derive(Template)]
#[template(path = "admin/connection/versions.html")]
struct VersionsPage {
    frame: Frame,
    head: Head,
    saml: bool,
    /// Since when the provider says that it is another one, and how.
    blocked: Option<(Moment, String)>,
    /// What waits for a decision, or was rejected and is still said.
    open: Option<Open>,
    /// What sign-ins go by.
    used: Vec<(&'static str, String)>,
    versions: Vec<Row>,
    keys: Vec<KeyRow>,
}

struct KeyRow {
    name: String,
    kind: String,
    first: Moment,
    last: Moment,
    there: bool,
}

struct Open {
    href: String,
    rejected: bool,
    seen: Moment,
    /// The member, what is approved, what the provider says.
    changes: Vec<(String, String, String)>,
}

struct Row {
    state: &'static str,
    word: &'static str,
    first: Moment,
    last: Moment,
    decided: Option<(Moment, String)>,
}

async fn all(desk: Desk<Read>, name: Path<String>) -> Result<HttpResponse, Trouble> {
    let (slug, now) = (slug(&name)?, desk.broker.ctx.now());
    let frame = desk.frame(Section::Connections);
    let (one, head) = shown(&desk, &frame, &slug, Some(Tab::Versions)).await?;
    let history = version::history(&mut *desk.broker.ctx.db.acquire().await?, &slug).await?;
    let used = history.used();
    let open = history.open().zip(used).map(|(one, used)| Open {
        href: format!("{}/versions/{}", head.path, one.id),
        rejected: one.state == State::Rejected,
        seen: Moment::new(one.first_seen_at, now),
        changes: changes(used, one),
    });
    let keys = history.keys.iter().map(|one| KeyRow {
        name: one.key.kid.clone().unwrap_or_else(|| one.thumbprint.clone()),
        kind: one.key.alg.clone().unwrap_or_else(|| one.key.kty.clone()),
        first: Moment::new(one.first_seen_at, now),
        last: Moment::new(one.last_seen_at, now),
        there: one.there,
    });
    let (keys, saml) = (keys.collect(), protocol(&one) == EntryProtocol::Saml);
    let blocked = history.blocked.as_ref().map(|one| (Moment::new(one.since, now), one.detail.clone()));
    let versions = history.versions.iter().map(|one| {
        let (state, word) = said(one.state);
        let decided = one.decided.as_ref().map(|(at, by)| (Moment::new(*at, now), by.clone()));
        Row {
            state,
            word,
            first: Moment::new(one.first_seen_at, now),
            last: Moment::new(one.last_seen_at, now),
            decided,
        }
    });
    let (versions, used) = (versions.collect(), used.map(in_use).unwrap_or_default());
    Ok(show(&VersionsPage { frame, head, saml, blocked, open, used, versions, keys }))
}

fn in_use(one: &Version) -> Vec<(&'static str, String)> {
    match &one.document {
        Document::Discovery(surface) => {
            let places = [
                ("Issuer", Some(&surface.issuer)),
                ("Authorization endpoint", Some(&surface.authorization_endpoint)),
                ("Token endpoint", Some(&surface.token_endpoint)),
                ("Keys (jwks_uri)", Some(&surface.jwks_uri)),
                ("UserInfo endpoint", surface.userinfo_endpoint.as_ref()),
                ("End of session", surface.end_session_endpoint.as_ref()),
            ];
            places.into_iter().filter_map(|(name, value)| Some((name, value?.clone()))).collect()
        }
        Document::Metadata(places) => {
            let of = |name, all: &[Endpoint]| all.iter().map(|one| (name, one.location.clone())).collect::<Vec<_>>();
            let mut rows = vec![("Entity ID", places.entity_id.clone())];
            rows.extend(of("Single sign-on", &places.single_sign_on));
            rows.extend(of("Single logout", &places.single_logout));
            rows
        }
        Document::Keys(_) => Vec::new(),
    }
}

fn changes(used: &Version, one: &Version) -> Vec<(String, String, String)> {
    let changes = used.document.changes(&one.document);
    let pairs = changes.as_object().into_iter().flatten();
    pairs.map(|(name, pair)| (name.clone(), words(&pair[0]), words(&pair[1]))).collect()
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "(absent)".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "(none)".into(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        // a service of SAML metadata: how, and where
        Value::Object(members) => members.values().map(words).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

const fn said(state: State) -> (&'static str, &'static str) {
    match state {
        State::Approved => ("active", "In use"),
        State::Pending => ("waiting", "Waits for you"),
        State::Rejected => ("revoked", "Rejected"),
        State::Superseded => ("retired", "Over"),
    }
}

fn back(desk: &Seated, name: &str) -> HttpResponse {
    see_other(&desk.broker.ctx.urls.local(&Done::Saved.at(&format!("{}/versions", path(name)))))
}

async fn approve(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let desk = &posted.desk;
    version::approve(&desk.broker.ctx, &desk.author, &slug(&at.0)?, number(&at.1)?).await?;
    Ok(back(desk, &at.0))
}

async fn reject(posted: Posted<Edit, NoFields>, at: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let desk = &posted.desk;
    version::reject(&desk.broker.ctx, &desk.author, &slug(&at.0)?, number(&at.1)?).await?;
    Ok(back(desk, &at.0))
}
