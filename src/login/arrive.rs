//! Coming back from an upstream. The `state` is used up first, then the network is asked with no connection held, then
//! everything that a sign-in changes is written in one transaction.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::json;
use time::OffsetDateTime;

use super::account::{self, Trip};
use super::authorize::require_live;
use super::depart::depart;
use super::store::{self, Attempt};
use super::verified::answered;
use super::{Next, Problem, Refusal, Visitor, desk, told, trial, unsolicited};
use crate::audit::{self, Event};
use crate::authorization::{self, Authorization, State};
use crate::broker::Broker;
use crate::connection::{Connection, Profile, Protocol, RefreshPolicy, certificate};
use crate::db::{self, Conn};
use crate::ids::SessionId;
use crate::oauth::params::Params;
use crate::operator::rule;
use crate::secret::{Kind, Secret, fingerprint, is_well_formed, mint};
use crate::session::upstream::StoredUpstreamSession;
use crate::session::upstream_grant::{self, Owner};
use crate::session::{self, EndReason, NewSession};
use crate::trace::Word;
use crate::upstream::UpstreamIdentity;
use crate::user;

/// The address that an answer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// OIDC: the redirect URI.
    Callback,
    /// SAML: the assertion consumer service.
    Acs,
}

impl Door {
    /// The parameter that we sent along and get back.
    const fn state(self) -> &'static str {
        match self {
            Self::Callback => "state",
            Self::Acs => "RelayState",
        }
    }

    fn is_of(self, protocol: &Protocol) -> bool {
        match protocol {
            Protocol::Oidc(_) => self == Self::Callback,
            Protocol::Saml(_) => self == Self::Acs,
        }
    }
}

/// # Errors
/// a [`Refusal`] that names the cause; no session is left behind.
pub async fn arrive(
    broker: &Broker,
    visitor: &Visitor,
    slug: &str,
    door: Door,
    params: &Params,
) -> Result<Next, Refusal> {
    require_live(broker)?;
    let catalog = broker.catalog.load_full();
    let mut connection =
        catalog.connection(slug).filter(|c| door.is_of(&c.protocol)).ok_or(Problem::UnknownConnection)?;
    let state = params.get(door.state());
    visitor.trace.begin(Word::UpstreamCallback);
    visitor.trace.connection(&connection.slug);
    if door == Door::Acs && unsolicited::is_unsolicited(broker, state, params).await {
        return unsolicited::arrive(broker, visitor, &connection, params).await.map_err(|r| r.by(slug));
    }
    let (attempt, authorization) = claim(broker, visitor, &connection, state).await.map_err(|r| r.by(slug))?;
    let authorization = authorization.as_ref();
    let located = |refusal: Refusal| match authorization {
        Some(authorization) => refusal.at(authorization).by(slug),
        None => refusal.by(slug),
    };
    let refused = |problem: Problem| located(problem.into());
    if let Some(trial) = &attempt.trial {
        return Ok(trial::arrive(broker, visitor, connection, &attempt, trial, params).await);
    }
    if !connection.may_login() {
        return Err(refused(Problem::UnknownConnection));
    }
    if let Some(then) = &attempt.desk_then {
        return desk::arrive(broker, visitor, connection, &attempt, then, params).await.map_err(located);
    }
    if let Some(Trip::Link { session }) = &attempt.account {
        return account::link::arrive(broker, visitor, connection, &attempt, session, params).await.map_err(located);
    }
    let identity = match answered(broker, visitor, &mut connection, &attempt, params).await {
        Ok(identity) => identity,
        // the credential that works goes first from now on: a second trip, of which the person sees nothing
        Err(problem) => match authorization.filter(|_| problem.reason() == "code_spent") {
            Some(authorization) if is_first_back(broker, authorization).await? => {
                return depart(broker, visitor, authorization, &connection).await.map_err(located);
            }
            _ => return Err(refused(problem)),
        },
    };
    let anew =
        authorization.is_some_and(|a| a.request.prompt.login) || matches!(attempt.account, Some(Trip::Again { .. }));
    if anew && !is_fresh(&identity, attempt.created_at) {
        return Err(refused(Problem::NotAnew { connection: connection.display_name.clone() }));
    }
    let mapped = connection.effective_mapping().mapped(identity.claims(), &connection);
    told::mapped(visitor, &mapped);
    admit(broker, visitor, &connection, authorization, &identity).map_err(&refused)?;
    for warning in &mapped.warnings {
        tracing::info!(connection = %connection.slug, ?warning, "a claim could not be mapped");
    }
    if let Some(Trip::Again { session }) = &attempt.account {
        account::sign_in::same_person(broker, visitor, &connection, &identity, session).await.map_err(located)?;
    }
    let ctx = &broker.ctx;
    let onward = match authorization {
        Some(authorization) => ctx.urls.local(&format!("/authorize/{}", authorization.id)),
        None if attempt.account.is_some() => ctx.urls.local(account::PATH),
        None => unsolicited::landing(ctx, &connection),
    };
    sign_in(broker, visitor, &connection, authorization, (&identity, &mapped.profile), onward).await.map_err(located)
}

/// Whether nobody came back for this request before: a provider that uses up every code is not asked for ever.
async fn is_first_back(broker: &Broker, authorization: &Authorization) -> Result<bool, sqlx::Error> {
    let mut conn = broker.ctx.db.acquire().await?;
    Ok(store::completed_of(&mut conn, &authorization.id).await? == 1)
}

/// Finds the trip by its `state`, checks that this browser left with it by this connection, and uses it up.
async fn claim(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    state: Option<&str>,
) -> Result<(Attempt, Option<Authorization>), Refusal> {
    let now = broker.ctx.now();
    let state = state.filter(|s| is_well_formed(Kind::UpstreamState, s)).ok_or(Problem::StateUnknown)?;
    let mut conn = broker.ctx.db.acquire().await?;
    let attempt = store::by_state(&mut conn, &fingerprint(state)).await?.ok_or(Problem::StateUnknown)?;
    visitor.trace.evidence(json!({ "left_in": attempt.trace_id }));
    if verify_slices_are_equal(&attempt.browser_hash, &visitor.browser_hash()).is_err() {
        return Err(Problem::StateOfAnotherBrowser.into());
    }
    if attempt.connection_id != connection.id {
        return Err(Problem::StateOfAnotherConnection.into());
    }
    // it is this browser's: what comes now belongs to the login in which it left
    if let Some(trace_id) = &attempt.trace_id {
        visitor.trace.of(trace_id);
    }
    if attempt.completed {
        return Err(Problem::StateReplayed.into());
    }
    if now >= attempt.expires_at {
        return Err(Problem::Stale.into());
    }
    if !store::complete(&mut conn, &attempt.id, now).await? {
        return Err(Problem::StateReplayed.into());
    }
    visitor.trace.passed(Word::UpstreamCallback, json!({}));
    let Some(id) = &attempt.authorization_id else { return Ok((attempt, None)) };
    let found = authorization::store::find(&mut conn, id, &visitor.browser_hash(), now).await?;
    let authorization =
        found.filter(|a| matches!(a.state, State::Pending | State::Identified { .. })).ok_or(Problem::Stale)?;
    Ok((attempt, Some(authorization)))
}

/// The connection's allow rule. What cannot be evaluated does not let in.
pub(super) fn admit(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    authorization: Option<&Authorization>,
    identity: &UpstreamIdentity,
) -> Result<(), Problem> {
    told::asks_rule(visitor, connection);
    let failed = match connection.admits(identity.claims()) {
        Ok(true) => {
            visitor.trace.passed(Word::Allow, json!({ "result": true }));
            return Ok(());
        }
        Ok(false) => None,
        Err(error) => Some(error.to_string()),
    };
    let app = match authorization.map(|a| &a.client_id) {
        Some(id) => broker.catalog.load().client(id.as_str()).map_or_else(|| id.to_string(), |c| c.name.clone()),
        None => "the applications here".into(),
    };
    Err(Problem::NotAllowed { connection: connection.display_name.clone(), app, failed })
}

/// Everything a sign-in changes, at once: user, identity, session, authorization, audit.
async fn sign_in(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    authorization: Option<&Authorization>,
    vouched: (&UpstreamIdentity, &Profile),
    onward: String,
) -> Result<Next, Refusal> {
    let ctx = &broker.ctx;
    let token = mint(Kind::Session, &ctx.rng);
    visitor.trace.begin(Word::User);
    let attempt =
        async |conn: &mut Conn| write(broker, visitor, connection, authorization, vouched, &token, conn).await;
    let written = match db::in_tx(&ctx.db, attempt).await {
        // the same person's first two logins raced; the other one made the identity, so now it is found
        Err(Refusal { problem: Problem::Database(error), .. }) if db::on_constraint(&error, "identities_key") => {
            db::in_tx(&ctx.db, attempt).await
        }
        other => other,
    };
    match written? {
        Written::SignedIn(session) => Ok(Next::SignedIn {
            authorization: authorization.map(|authorization| authorization.id.clone()),
            onward,
            session: token,
            connection: connection.slug.to_string(),
        })
        .inspect(|_| {
            visitor.trace.passed(Word::User, json!({ "user": session.user_id, "session": session.id }));
            visitor.trace.user(&session.user_id);
        }),
        Written::Blocked => Err(Problem::Blocked.into()),
    }
}

enum Written {
    SignedIn(Box<NewSession>),
    Blocked,
}

async fn write(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    authorization: Option<&Authorization>,
    (identity, profile): (&UpstreamIdentity, &Profile),
    token: &Secret<String>,
    conn: &mut Conn,
) -> Result<Written, Refusal> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    if let Some(once) = identity.once()
        && !store::remember_assertion(conn, &connection.id, &once.id, once.until).await?
    {
        return Err(Problem::AssertionReplayed.into());
    }
    if let Some(sha256) = identity.signed_by() {
        certificate::seen_signing(ctx, conn, connection, sha256).await?;
    }
    let person = user::login::resolve(ctx, conn, &connection.id, identity.key(), profile).await?;
    if !person.user.is_active() {
        visitor.trace.evidence(json!({ "user": person.user.id }));
        return Ok(Written::Blocked);
    }
    // whoever came to the operator's desk by this connection may not be an operator any more
    let for_rules = person.user.for_rules();
    rule::judge_again(ctx, conn, desk::vouched(&person.user, connection, identity, &for_rules)).await?;
    let session = NewSession {
        id: SessionId::new(now, &ctx.rng),
        token_hash: fingerprint(token.expose()),
        user_id: person.user.id.clone(),
        identity_id: person.id,
        connection_slug: connection.slug.to_string(),
        auth_time: signed_in_at(identity, now),
        acr: identity.acr().map(Into::into),
        amr: identity.amr().to_vec(),
        not_after: identity.session_ends(),
        user_agent: visitor.user_agent.clone(),
        remote_addr: visitor.addr,
    };
    let mut replaced = None;
    if let Some(old) = &visitor.session
        && let Some(old) = session::store::id_by_token(conn, &fingerprint(old.expose())).await?
    {
        replaced = session::end(conn, &old, EndReason::Replaced, now).await?;
    }
    session::store::insert(conn, &session, broker.session_lifetimes, now).await?;
    if let Some(old) = replaced.filter(|old| old.user_id == session.user_id) {
        session::clients::store::inherit(conn, &old.id, &session.id, now).await?;
    }
    let id_token = identity.id_token().map(|token| {
        ctx.vault.seal(session::upstream::id_token_place(&session.id), token.expose().as_bytes(), &ctx.rng)
    });
    let upstream = StoredUpstreamSession { session: identity.session().clone(), id_token };
    session::store::insert_upstream(conn, &session.id, &connection.id, &upstream).await?;
    let unrenewable = keep_grant(broker, conn, connection, identity, &session).await?;
    let mut event = Event::success("login", format!("user:{}", person.user.id))
        .connection(&connection.slug)
        .about(&person.user.id)
        .trace(authorization.map_or(&visitor.trace_id, |authorization| &authorization.trace_id))
        .from_addr(visitor.addr);
    if let Some(authorization) = authorization {
        if !authorization::store::identify(conn, &authorization.id, &session.id).await? {
            return Err(Problem::Stale.into());
        }
        event = event.client(&authorization.client_id);
    }
    if unrenewable {
        event.detail["upstream_refresh_token"] = "missing".into();
    }
    audit::record(ctx, conn, event).await?;
    Ok(Written::SignedIn(Box::new(session)))
}

/// Keeps what the provider gave to be asked again with, where the connection wants to ask. True: it has to, and got
/// nothing. The sign-in is good all the same.
async fn keep_grant(
    broker: &Broker,
    conn: &mut Conn,
    connection: &Connection,
    identity: &UpstreamIdentity,
    session: &NewSession,
) -> Result<bool, sqlx::Error> {
    if matches!(connection.protocol, Protocol::Saml(_)) {
        return Ok(false);
    }
    let policy = connection.refresh().policy;
    let kept = identity.kept().filter(|_| policy != RefreshPolicy::LoginOnly);
    let sealed = kept.map(|kept| kept.seal(&broker.ctx, &session.id));
    let owner = Owner { session: &session.id, connection: &connection.id, identity: &session.identity_id };
    upstream_grant::store::insert(conn, owner, sealed.as_ref(), broker.ctx.now()).await?;
    let unrenewable = sealed.is_none() && policy == RefreshPolicy::Require;
    if unrenewable {
        tracing::warn!(
            connection = %connection.slug,
            "the provider gave no refresh token, which the connection's refresh policy needs: allow offline access there, or write `prompt: consent`"
        );
    }
    Ok(unrenewable)
}

/// When the upstream says that the person signed in; now, where it does not say or speaks of the future.
fn signed_in_at(identity: &UpstreamIdentity, now: OffsetDateTime) -> OffsetDateTime {
    let at = identity.auth_time().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    at.filter(|at| *at <= now).unwrap_or(now)
}

/// With `prompt=login` the person must have signed in since the trip began (OIDC Core §3.1.2.1), as far as the provider
/// says when. A minute of clock skew is forgiven.
pub(super) fn is_fresh(identity: &UpstreamIdentity, began: OffsetDateTime) -> bool {
    identity.auth_time().is_none_or(|at| at >= began.unix_timestamp() - 60)
}
