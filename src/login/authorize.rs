//! `/authorize` and coming back to it: decide what is next, as far as that goes without a person.

use std::sync::Arc;

use serde_json::json;

use super::answer::ClientAnswer;
use super::depart::depart;
use super::{Next, Problem, Refusal, Visitor, chooser, told};
use crate::audit::{self, Event};
use crate::authorization::next_step::{Person, SignIn};
use crate::authorization::{self, Authorization, AuthorizeRequest, State, Step, Target, next_step, pushed};
use crate::broker::{Broker, Catalog};
use crate::client::Client;
use crate::consent::{self, Consent};
use crate::db;
use crate::ids::AuthorizationId;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::params::Params;
use crate::secret::{Kind, fingerprint, mint};
use crate::session::{self, Session};
use crate::trace::{Outcome, Word};

/// A new request.
///
/// # Errors
/// a [`Refusal`] for what must not be redirected; everything else goes back to the client as [`Next::Client`].
pub async fn begin(broker: &Broker, visitor: &Visitor, params: &Params) -> Result<Next, Refusal> {
    require_live(broker)?;
    let catalog = broker.catalog.load_full();
    if let Some(reference) = pushed::reference(params) {
        let (client, request) = pushed::take_up(broker, &catalog, params, reference).await?.map_err(Problem::Target)?;
        return take_up(broker, visitor, &catalog, &client, request).await;
    }
    let target = Target::check(params, |id| catalog.client(id)).map_err(Problem::Target)?;
    let issuer = broker.ctx.urls.issuer();
    let early = |error: OAuthError| {
        let event = Event::refused("authorization", error.code.as_str(), "anonymous").client(&target.client.client_id);
        let detail = serde_json::json!({ "detail": error.description });
        visitor.trace.client(&target.client.client_id);
        visitor.trace.stopped(Word::AuthorizeReceived, Outcome::Refused, error.code.as_str(), detail.clone());
        broker.audit.record(event.trace(&visitor.trace_id).from_addr(visitor.addr).detail(detail));
        Ok(Next::Client(ClientAnswer::early_error(&target, &error, issuer)))
    };
    if target.client.settings.require_pushed_authorization_requests {
        let text = "this client must push its requests: use the pushed_authorization_request_endpoint (RFC 9126)";
        return early(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    let request = match AuthorizeRequest::check(broker, &catalog, params, &target) {
        Ok(request) => request,
        Err(error) => return early(error),
    };
    take_up(broker, visitor, &catalog, &target.client, request).await
}

/// A request that is checked: remembered, and taken as far as it goes.
///
/// # Errors
/// as [`begin`].
pub async fn take_up(
    broker: &Broker,
    visitor: &Visitor,
    catalog: &Catalog,
    client: &Client,
    request: AuthorizeRequest,
) -> Result<Next, Refusal> {
    let now = broker.ctx.now();
    told::received(visitor, client.client_id.as_str(), &request);
    let session = usable_session(broker, visitor, catalog, client).await?;
    let mut authorization = Authorization {
        id: AuthorizationId::new(now, &broker.ctx.rng),
        state: State::Pending,
        client_id: client.client_id.clone(),
        request,
        browser_hash: visitor.browser_hash(),
        trace_id: visitor.trace_id.clone(),
        created_at: now,
        expires_at: now + authorization::LIFETIME,
    };
    let step = step(broker, &authorization, client, session.as_ref(), false).await?;
    if let (Some(session), Step::Issue | Step::Consent | Step::ApproveDevice) = (&session, &step) {
        authorization.state = State::Identified { session: session.id.clone() };
        told::session(visitor, session);
    }
    if !matches!(step, Step::Refuse(_)) {
        let mut conn = broker.ctx.db.acquire().await?;
        authorization::store::insert(&mut conn, &authorization).await?;
    }
    carry_out(broker, visitor, catalog, authorization, client, session, step).await
}

/// An authorization that goes on: after a sign-in, or after the person reloaded a page.
///
/// # Errors
/// [`Problem::Stale`] when it is not this browser's or has ended.
pub async fn resume(broker: &Broker, visitor: &Visitor, id: &str) -> Result<Next, Refusal> {
    let (authorization, client) = find(broker, visitor, id).await?;
    let catalog = broker.catalog.load_full();
    let session = usable_session(broker, visitor, &catalog, &client).await?;
    let for_this =
        matches!((&authorization.state, &session), (State::Identified { session: s }, Some(now)) if *s == now.id);
    let step = step(broker, &authorization, &client, session.as_ref(), for_this).await?;
    // a session that began elsewhere may serve this request too, but the row must name it first
    if let (Step::Issue | Step::Consent | Step::ApproveDevice, Some(session), false) = (&step, &session, for_this) {
        let mut conn = broker.ctx.db.acquire().await?;
        if !authorization::store::identify(&mut conn, &authorization.id, &session.id).await? {
            return Err(Refusal::from(Problem::Stale).at(&authorization));
        }
        told::session(visitor, session);
    }
    carry_out(broker, visitor, &catalog, authorization, &client, session, step).await
}

/// The authorization behind a page of ours.
///
/// # Errors
/// [`Problem::Stale`].
pub async fn find(broker: &Broker, visitor: &Visitor, id: &str) -> Result<(Authorization, Arc<Client>), Refusal> {
    require_live(broker)?;
    if !AuthorizationId::is_well_formed(id) {
        return Err(Problem::Stale.into());
    }
    let mut conn = broker.ctx.db.acquire().await?;
    let found = authorization::store::find(&mut conn, id, &visitor.browser_hash(), broker.ctx.now()).await?;
    let authorization = found.ok_or(Problem::Stale)?;
    visitor.trace.of(&authorization.trace_id);
    visitor.trace.client(&authorization.client_id);
    if !matches!(authorization.state, State::Pending | State::Identified { .. }) {
        return Err(Problem::Stale.into());
    }
    let client = broker.catalog.load().client(authorization.client_id.as_str()).filter(|c| c.enabled);
    let client = client.ok_or_else(|| Refusal::from(Problem::Stale).at(&authorization))?;
    Ok((authorization, client))
}

/// Nothing is decided while configuration may have changed without our knowing.
///
/// # Errors
/// [`Problem::NotLive`].
pub fn require_live(broker: &Broker) -> Result<(), Problem> {
    if broker.is_live() { Ok(()) } else { Err(Problem::NotLive) }
}

async fn carry_out(
    broker: &Broker,
    visitor: &Visitor,
    catalog: &Catalog,
    authorization: Authorization,
    client: &Client,
    session: Option<Session>,
    step: Step,
) -> Result<Next, Refusal> {
    match (step, session) {
        (Step::Refuse(error), _) => {
            let event = Event::refused("authorization", error.code.as_str(), actor(None));
            broker.audit.record(event.client(&client.client_id).trace(&visitor.trace_id).from_addr(visitor.addr));
            let detail = json!({ "detail": error.description });
            visitor.trace.stopped(Word::AuthorizeReceived, Outcome::Refused, error.code.as_str(), detail);
            // it may stand in storage, identified: what was refused must not be taken up again
            let mut conn = broker.ctx.db.acquire().await?;
            authorization::deny(&mut conn, &authorization).await?;
            Ok(Next::Client(ClientAnswer::error(&authorization.request, &error, broker.ctx.urls.issuer())))
        }
        (Step::SignIn(kind), session) => sign_in(broker, visitor, catalog, authorization, client, session, kind).await,
        (Step::Consent, _) => Ok(Next::Consent(Box::new(authorization))),
        (Step::ApproveDevice, _) => Ok(Next::ApproveDevice(Box::new(authorization))),
        (Step::Issue, Some(session)) => issue(broker, visitor, authorization, client, &session).await,
        (Step::Issue, None) => Err(Refusal::from(Problem::Stale).at(&authorization)),
    }
}

/// Straight through when only one connection is possible; otherwise the chooser.
async fn sign_in(
    broker: &Broker,
    visitor: &Visitor,
    catalog: &Catalog,
    authorization: Authorization,
    client: &Client,
    session: Option<Session>,
    kind: SignIn,
) -> Result<Next, Refusal> {
    let possible = catalog.connections_for(client);
    if possible.is_empty() {
        return Err(Refusal::from(Problem::NoConnection { app: client.name.clone() }).at(&authorization));
    }
    let chosen = chooser::preselected(&possible, &authorization.request, session.as_ref(), kind);
    match chosen {
        Some(connection) => depart(broker, visitor, &authorization, &connection).await,
        None => Ok(Next::Choose(Box::new(authorization))),
    }
}

/// What is next, by all that is known now.
///
/// # Errors
/// the database's.
pub async fn step(
    broker: &Broker,
    authorization: &Authorization,
    client: &Client,
    session: Option<&Session>,
    signed_in_for_this: bool,
) -> Result<Step, sqlx::Error> {
    let consent: Option<Consent> = match session {
        Some(session) if !client.first_party => {
            let mut conn = broker.ctx.db.acquire().await?;
            consent::store::find(&mut conn, &session.user_id, &client.client_id).await?
        }
        _ => None,
    };
    let person = Person { session, signed_in_for_this, consent: consent.as_ref() };
    Ok(next_step(&authorization.request, client, person, broker.ctx.now()))
}

/// The browser's session, if its connection is still one by which people may sign in to this client.
pub async fn usable_session(
    broker: &Broker,
    visitor: &Visitor,
    catalog: &Catalog,
    client: &Client,
) -> Result<Option<Session>, sqlx::Error> {
    let session = live_session(broker, visitor).await?;
    Ok(session.filter(|session| {
        catalog.connection(&session.connection_slug).is_some_and(|c| c.may_login() && client.allows_connection(&c.slug))
    }))
}

/// The browser's session, whatever it may be used for.
pub async fn live_session(broker: &Broker, visitor: &Visitor) -> Result<Option<Session>, sqlx::Error> {
    let Some(token) = &visitor.session else { return Ok(None) };
    let now = broker.ctx.now();
    let mut conn = broker.ctx.db.acquire().await?;
    let session =
        session::store::by_token(&mut conn, &fingerprint(token.expose()), broker.session_lifetimes, now).await?;
    if let Some(session) = session.as_ref().filter(|session| session.wants_touch(now)) {
        session::store::touch(&mut conn, &session.id, now).await?;
    }
    Ok(session)
}

/// Makes the code: identified -> granted.
pub async fn issue(
    broker: &Broker,
    visitor: &Visitor,
    authorization: Authorization,
    client: &Client,
    session: &Session,
) -> Result<Next, Refusal> {
    let ctx = &broker.ctx;
    let code = mint(Kind::AuthorizationCode, &ctx.rng);
    let expires_at = ctx.now() + authorization::CODE_LIFETIME;
    let hash = fingerprint(code.expose());
    let event = Event::success("authorization", actor(Some(session)))
        .client(&client.client_id)
        .about(&session.user_id)
        .connection(&session.connection_slug)
        .trace(&visitor.trace_id)
        .from_addr(visitor.addr);
    let granted = db::in_tx(&ctx.db, async |conn| {
        if !pushed::use_up(conn, &authorization.request).await? {
            return Ok(false);
        }
        let scope = &authorization.request.scope;
        let granted =
            authorization::store::grant(conn, &authorization.id, &session.id, &hash, expires_at, scope).await?;
        if granted {
            audit::record(ctx, conn, event).await?;
        }
        Ok::<_, sqlx::Error>(granted)
    })
    .await?;
    if !granted {
        return Err(Refusal::from(Problem::Stale).at(&authorization));
    }
    visitor.trace.user(&session.user_id);
    visitor.trace.connection(&session.connection_slug);
    let scope = authorization.request.scope.to_string();
    let detail = json!({ "scope": scope, "valid_for_seconds": authorization::CODE_LIFETIME.whole_seconds() });
    visitor.trace.passed(Word::CodeIssued, detail);
    Ok(Next::Client(ClientAnswer::code(&authorization.request, &code, ctx.urls.issuer())))
}

pub fn actor(session: Option<&Session>) -> String {
    session.map_or_else(|| "anonymous".into(), |session| format!("user:{}", session.user_id))
}

/// The person goes back to the application without having signed in: what was begun ends here.
///
/// # Errors
/// [`Problem::Stale`].
pub async fn give_up(broker: &Broker, visitor: &Visitor, id: &str, error: OAuthError) -> Result<Next, Refusal> {
    let (authorization, _) = find(broker, visitor, id).await?;
    let mut conn = broker.ctx.db.acquire().await?;
    authorization::deny(&mut conn, &authorization).await?;
    visitor.trace.passed(Word::Returned, json!({ "error": error.code.as_str() }));
    Ok(Next::Client(ClientAnswer::error(&authorization.request, &error, broker.ctx.urls.issuer())))
}
