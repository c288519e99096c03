//! `/api/v1/users`: people, what they are signed in to, and what may be done about it.

use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Asked, found, nobody, places, problems, sub};
use crate::admin::api::{body, created, done, expected, list as listed, one};
use crate::admin::extract::Api;
use crate::admin::paging::{ListQuery, Page};
use crate::admin::{Edit, Read, Trouble};
use crate::broker::Broker;
use crate::consent;
use crate::ids::{SessionId, UserId};
use crate::role;
use crate::session::person::{self, unlink};
use crate::token::withdrawal;
use crate::user::import::{self, Row};
use crate::user::list::Listed;
use crate::user::provision::{self, Created, CreatedAhead};
use crate::user::record;

pub fn routes(app: &mut web::ServiceConfig) {
    app.configure(super::import::api::routes)
        .configure(super::groups::api::routes)
        .route("/users", web::get().to(list))
        .route("/users", web::post().to(create))
        .route("/users/{sub}", web::get().to(show))
        .route("/users/{sub}", web::patch().to(patch))
        .route("/users/{sub}", web::delete().to(delete))
        .route("/users/{sub}/block", web::post().to(block))
        .route("/users/{sub}/unblock", web::post().to(unblock))
        .route("/users/{sub}/sessions", web::get().to(sessions))
        .route("/users/{sub}/sessions", web::delete().to(sign_out))
        .route("/users/{sub}/sessions/{id}", web::delete().to(end_session))
        .route("/users/{sub}/identities/{id}", web::delete().to(unlink))
        .route("/users/{sub}/grants", web::get().to(grants))
        .route("/users/{sub}/grants/{client_id}", web::delete().to(withdraw))
        .route("/users/{sub}/consents", web::get().to(consents))
        .route("/users/{sub}/consents/{client_id}", web::delete().to(forget));
}

#[derive(Serialize)]
struct Line {
    sub: String,
    status: &'static str,
    email: Option<String>,
    name: Option<String>,
    connections: Vec<String>,
    managed_by: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_sign_in_at: Option<OffsetDateTime>,
}

impl From<Listed> for Line {
    fn from(one: Listed) -> Self {
        Self {
            sub: one.id.to_string(),
            status: one.status.as_str(),
            email: one.email,
            name: one.name,
            connections: one.connections,
            managed_by: one.managed_by,
            created_at: one.created_at,
            last_sign_in_at: one.last_login_at,
        }
    }
}

async fn list(api: Api<Read>, asked: Query<Asked>, paging: Query<ListQuery>) -> Result<HttpResponse, Trouble> {
    let (people, limit) = found(&api.broker, &asked, &paging).await?;
    Ok(listed(&Page::of(people, limit, |one| vec![one.id.to_string()]).map(Line::from)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ahead {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    name: Option<String>,
    connection: String,
    subject: String,
    #[serde(default)]
    issuer: Option<String>,
}

/// 201 for somebody new; 200 with who it is where the identity is known already.
async fn create(api: Api<Edit>, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let asked: Ahead = body(&bytes)?;
    let text = |text: Option<String>| text.unwrap_or_default().trim().to_owned();
    let row = Row {
        line: 1,
        email: text(asked.email),
        name: text(asked.name),
        connection: asked.connection,
        subject: asked.subject.trim().to_owned(),
        issuer: text(asked.issuer),
    };
    let broker = &api.broker;
    let ready = import::check(&[row], places(broker)).map_err(|faults| Trouble::Invalid(problems(faults, false)))?;
    let Some(ready) = ready.into_iter().next() else { return Err(Trouble::Broken) };
    let ahead = CreatedAhead {
        email: ready.email,
        name: ready.name,
        connection: ready.connection,
        key: ready.key,
        managed_by: api.author.actor.clone(),
    };
    let made = provision::create_by(&broker.ctx, &api.author, &ahead).await?;
    let (shown, version) = described(broker, made.sub()).await?;
    Ok(match made {
        Created::New(id) => created(&broker.ctx.urls.at(&format!("/api/v1/users/{id}")), &shown, Some(&version)),
        Created::Known(_) => one(&shown, Some(&version)),
    })
}

async fn show(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (shown, version) = described(&api.broker, &sub(&path)?).await?;
    Ok(one(&shown, Some(&version)))
}

/// Everything that is known of a person, and the version of it.
async fn described(broker: &Broker, id: &UserId) -> Result<(Value, String), Trouble> {
    let mut conn = broker.ctx.db.acquire().await?;
    let known = record::store::of(&mut conn, id).await?.ok_or_else(|| nobody(id))?;
    let identities = record::store::identities(&mut conn, id).await?;
    let facts = known.user.for_rules();
    let roles = role::store::all(&mut conn).await?;
    let roles = roles.into_iter().filter(|role| role.is_held_by(&facts));
    let identity = |one: record::KnownIdentity| {
        json!({
            "id": one.id, "connection": one.connection_slug, "issuer": one.issuer, "subject": one.subject,
            "created_at": stamp(one.created_at), "last_sign_in_at": one.last_login_at.map(stamp),
        })
    };
    let mut shown = json!({
        "status": known.user.status.as_str(),
        "managed_by": known.managed_by,
        "created_at": stamp(known.created_at),
        "updated_at": stamp(known.updated_at),
        "last_sign_in_at": known.last_login_at.map(stamp),
        "identities": identities.into_iter().map(identity).collect::<Vec<_>>(),
        "roles": roles.map(|role| json!({ "resource": role.resource, "name": role.name })).collect::<Vec<_>>(),
    });
    if let (Value::Object(shown), Value::Object(profile)) = (&mut shown, facts) {
        shown.extend(profile);
    }
    Ok((shown, known.version()))
}

fn stamp(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// What is left out stays, null is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default, deserialize_with = "some")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "some")]
    name: Option<Option<String>>,
}

#[allow(clippy::option_option)] // serde's way to tell null from absent
fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

async fn patch(api: Api<Edit>, path: Path<String>, req: HttpRequest, bytes: Bytes) -> Result<HttpResponse, Trouble> {
    let (id, changes) = (sub(&path)?, body::<Changes>(&bytes)?);
    let expected = expected(&req)?;
    let known = record::store::of(&mut *api.broker.ctx.db.acquire().await?, &id).await?.ok_or_else(|| nobody(&id))?;
    let profile = known.user.profile;
    let email = changes.email.unwrap_or(profile.email);
    let name = changes.name.unwrap_or(profile.name);
    super::creation::change(&api.broker, &api.author, &id, expected.as_deref(), email, name).await?;
    let (shown, version) = described(&api.broker, &id).await?;
    Ok(one(&shown, Some(&version)))
}

async fn delete(api: Api<Edit>, path: Path<String>, req: HttpRequest) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    if let Some(version) = expected(&req)? {
        let known = record::store::of(&mut *api.broker.ctx.db.acquire().await?, &id).await?;
        if known.ok_or_else(|| nobody(&id))?.version() != version {
            return Err(Trouble::Changed);
        }
    }
    person::erase(&api.broker.ctx, &api.author, &id).await?.ok_or_else(|| nobody(&id))?;
    Ok(done())
}

async fn block(api: Api<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    let ended = person::block(&api.broker.ctx, &api.author, &id).await?.ok_or_else(|| nobody(&id))?;
    Ok(one(&ended.detail(), None))
}

async fn unblock(api: Api<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    if person::unblock(&api.broker.ctx, &api.author, &id).await? { Ok(done()) } else { Err(nobody(id)) }
}

/// A person's things, in one answer: nobody has thousands of them.
fn whole(items: Vec<Value>) -> HttpResponse {
    listed(&Page { items, next: None })
}

async fn sessions(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (id, broker) = (sub(&path)?, &api.broker);
    let mut conn = broker.ctx.db.acquire().await?;
    record::store::of(&mut conn, &id).await?.ok_or_else(|| nobody(&id))?;
    let live = person::store::live(&mut conn, &id, broker.session_lifetimes, broker.ctx.now()).await?;
    let view = |one: person::Live| {
        json!({
            "id": one.id, "connection": one.connection_slug, "created_at": stamp(one.created_at),
            "last_seen_at": stamp(one.last_seen_at), "expires_at": stamp(one.expires_at),
            "user_agent": one.user_agent, "remote_addr": one.remote_addr, "clients": one.clients,
        })
    };
    Ok(whole(live.into_iter().map(view).collect()))
}

async fn sign_out(api: Api<Edit>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    let ended = person::sign_out(&api.broker.ctx, &api.author, &id).await?.ok_or_else(|| nobody(&id))?;
    Ok(one(&ended.detail(), None))
}

async fn end_session(api: Api<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, session) = path.into_inner();
    let (id, session) = (sub(&id)?, SessionId::from_stored(session));
    let ended = person::end_session(&api.broker.ctx, &api.author, &id, &session).await?;
    if ended { Ok(done()) } else { Err(Trouble::Unknown(format!("live session {session} of {id}"))) }
}

async fn unlink(api: Api<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, identity) = path.into_inner();
    let done = unlink::unlink(&api.broker.ctx, &api.author, &sub(&id)?, &identity, None).await?;
    super::unlinked(done, &id, &identity)?;
    Ok(self::done())
}

async fn grants(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let (id, broker) = (sub(&path)?, &api.broker);
    let mut conn = broker.ctx.db.acquire().await?;
    record::store::of(&mut conn, &id).await?.ok_or_else(|| nobody(&id))?;
    let held = withdrawal::store::held(&mut conn, &id, broker.ctx.now()).await?;
    let view = |one: withdrawal::Held| {
        json!({
            "client_id": one.client_id, "scope": one.scopes.join(" "), "created_at": stamp(one.created_at),
            "last_used_at": stamp(one.last_used_at), "expires_at": stamp(one.expires_at),
        })
    };
    Ok(whole(held.into_iter().map(view).collect()))
}

async fn withdraw(api: Api<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, client_id) = path.into_inner();
    let ended = withdrawal::withdraw(&api.broker.ctx, &api.author, &sub(&id)?, &client_id).await?;
    if ended > 0 { Ok(done()) } else { Err(Trouble::Unknown(format!("grant of {id} to {client_id}"))) }
}

async fn consents(api: Api<Read>, path: Path<String>) -> Result<HttpResponse, Trouble> {
    let id = sub(&path)?;
    let mut conn = api.broker.ctx.db.acquire().await?;
    record::store::of(&mut conn, &id).await?.ok_or_else(|| nobody(&id))?;
    let allowed = consent::store::of_user(&mut conn, &id).await?;
    let view = |(client_id, consent, at): (String, consent::Consent, OffsetDateTime)| {
        json!({
            "client_id": client_id, "scope": consent.scopes.to_string(), "audiences": consent.audiences,
            "granted_at": stamp(at),
        })
    };
    Ok(whole(allowed.into_iter().map(view).collect()))
}

async fn forget(api: Api<Edit>, path: Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, client_id) = path.into_inner();
    let forgotten = consent::forget(&api.broker.ctx, &api.author, &sub(&id)?, &client_id).await?;
    if forgotten { Ok(done()) } else { Err(Trouble::Unknown(format!("consent of {id} to {client_id}"))) }
}
