//! Page: `/admin/connections/{slug}/versions`: what the provider's discovery document said, and what waits for a decision.

use actix_web::web::Path;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;

use super::number;
use crate::admin::connection::pages::shown;
use crate::admin::connection::view::{Head, Tab};
use crate::admin::connection::{path, slug};
use crate::admin::extract::{Desk, Posted, Seated};
use crate::admin::frame::{Done, Frame, Section};
use crate::admin::moment::Moment;
use crate::admin::pages::show;
use crate::admin::sign_in::pages::NoFields;
use crate::admin::{Edit, Read, Trouble};
use crate::connection::version::{self, State, Version};
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
    /// What waits for a decision, or was rejected and is still said.
    open: Option<Open>,
    /// What sign-ins go by.
    used: Vec<(&'static str, String)>,
    versions: Vec<Row>,
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
    let (_, head) = shown(&desk, &frame, &slug, Some(Tab::Versions)).await?;
    let known = version::list(&mut *desk.broker.ctx.db.acquire().await?, &slug).await?;
    let used = known.iter().find(|one| one.state == State::Approved);
    let newest = known.first().filter(|one| matches!(one.state, State::Pending | State::Rejected));
    let open = newest.zip(used).map(|(one, used)| Open {
        href: format!("{}/versions/{}", head.path, one.id),
        rejected: one.state == State::Rejected,
        seen: Moment::new(one.first_seen_at, now),
        changes: changes(used, one),
    });
    let versions = known.iter().map(|one| {
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
    Ok(show(&VersionsPage { frame, head, open, used, versions }))
}

fn in_use(one: &Version) -> Vec<(&'static str, String)> {
    let surface = &one.surface;
    let mut places = vec![
        ("Issuer", surface.issuer.clone()),
        ("Authorization endpoint", surface.authorization_endpoint.clone()),
        ("Token endpoint", surface.token_endpoint.clone()),
        ("Keys (jwks_uri)", surface.jwks_uri.clone()),
    ];
    let more = [("UserInfo endpoint", &surface.userinfo_endpoint), ("End of session", &surface.end_session_endpoint)];
    places.extend(more.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    places
}

fn changes(used: &Version, one: &Version) -> Vec<(String, String, String)> {
    let changes = used.surface.changes(&one.surface);
    let pairs = changes.as_object().into_iter().flatten();
    pairs.map(|(name, pair)| (name.clone(), words(&pair[0]), words(&pair[1]))).collect()
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "(absent)".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "(none)".into(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
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
