//! An operator's test of a connection: a real sign-in, whether or not the connection is enabled, that signs nobody in. It makes
//! no user and no session; what came of it is a trace, down to the token that a client would get. As any trip it comes
//! back once and in the browser that left.

pub mod endpoint;
pub mod store;

use std::sync::Arc;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::arrive::admit;
use super::authorize::require_live;
use super::depart::{Why, leave};
use super::store::{Attempt, remember_assertion};
use super::verified::answered;
use super::{Next, Problem, Refusal, Visitor, told};
use crate::audit::{self, Author};
use crate::authorization::request::TargetError;
use crate::broker::Broker;
use crate::client::Client;
use crate::connection::credential::rehearsal::{self, Method, Rehearsal, Verdict};
use crate::connection::{Connection, Profile};
use crate::db;
use crate::ids::{CredentialId, SessionId, TraceId, UserId};
use crate::oauth::params::Params;
use crate::secret::{Kind, Secret, fingerprint, is_well_formed, mint};
use crate::token::{Person, preview};
use crate::trace::Word;
use crate::upstream::{StartHints, UpstreamError, UpstreamIdentity};
use crate::user::{self, User, UserStatus};

/// An address that begins a test is good for this long.
const INVITATION: Duration = Duration::minutes(15);

/// What is remembered of a test while somebody is at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Who tests, as in audit.
    pub by: String,
    /// The client whose token is to be shown.
    pub client: Option<String>,
    /// The credential to prove us with, where it is not to be the one in use.
    pub credential: Option<String>,
}

/// What a test is to show and to prove.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    pub client: Option<&'a str>,
    pub credential: Option<&'a str>,
}

/// An address that lets whoever opens it first begin one test, in that browser.
#[derive(Debug)]
pub struct Invitation {
    pub url: Secret<String>,
    /// Where the result will stand.
    pub trace_id: TraceId,
    pub expires_at: OffsetDateTime,
}

/// Begins a test in this browser.
///
/// # Errors
/// `connection_unknown`, `client_unknown`, `credential_missing`; as a departure.
pub async fn begin(
    broker: &Broker,
    visitor: &Visitor,
    slug: &str,
    wanted: Wanted<'_>,
    author: &Author,
) -> Result<Next, Refusal> {
    let connection = testable(broker, slug, wanted)?;
    audit::record(&broker.ctx, &mut *broker.ctx.db.acquire().await?, began(author, &connection, wanted)).await?;
    let trial = wanted.by(author);
    go(broker, visitor, &connection, &trial, &visitor.trace_id).await
}

/// Lets a test begin in another browser: an operator's key has none.
///
/// # Errors
/// `connection_unknown`, `client_unknown`; the database's.
pub async fn invite(broker: &Broker, slug: &str, wanted: Wanted<'_>, author: &Author) -> Result<Invitation, Refusal> {
    let ctx = &broker.ctx;
    let connection = testable(broker, slug, wanted)?;
    let trial = wanted.by(author);
    let handle = mint(Kind::Trial, &ctx.rng);
    let (trace_id, expires_at) = (TraceId::new(&ctx.rng), ctx.now() + INVITATION);
    db::in_tx(&ctx.db, async |conn| {
        let new = store::NewInvitation {
            handle_hash: fingerprint(handle.expose()),
            connection: &connection.id,
            trial: &trial,
            trace_id: &trace_id,
            expires_at,
        };
        store::invite(conn, new).await?;
        audit::record(ctx, conn, began(author, &connection, wanted)).await
    })
    .await?;
    let url = ctx.urls.at(&format!("/connections/{slug}/test?invitation={}", handle.expose()));
    Ok(Invitation { url: Secret::new(url), trace_id, expires_at })
}

/// Uses an invitation up.
///
/// # Errors
/// [`Problem::Stale`] when there is no such one any more; as a departure.
pub async fn accept(broker: &Broker, visitor: &Visitor, slug: &str, handle: &str) -> Result<Next, Refusal> {
    require_live(broker)?;
    if !is_well_formed(Kind::Trial, handle) {
        return Err(Problem::Stale.into());
    }
    let connection = broker.catalog.load().connection(slug).ok_or(Problem::UnknownConnection)?;
    let mut conn = broker.ctx.db.acquire().await?;
    let taken = store::accept(&mut conn, &fingerprint(handle), &connection.id, broker.ctx.now()).await?;
    drop(conn);
    let (trial, trace_id) = taken.ok_or(Problem::Stale)?;
    go(broker, visitor, &connection, &trial, &trace_id).await
}

impl Wanted<'_> {
    fn by(self, author: &Author) -> Trial {
        let own = |text: &str| text.to_owned();
        Trial { by: author.actor.clone(), client: self.client.map(own), credential: self.credential.map(own) }
    }
}

fn testable(broker: &Broker, slug: &str, wanted: Wanted<'_>) -> Result<Arc<Connection>, Refusal> {
    require_live(broker)?;
    let catalog = broker.catalog.load_full();
    if let Some(id) = wanted.client
        && catalog.client(id).is_none()
    {
        return Err(Problem::Target(TargetError::UnknownClient(id.into())).into());
    }
    let connection = catalog.connection(slug).ok_or(Problem::UnknownConnection)?;
    proving(&connection, wanted.credential)?;
    Ok(connection)
}

/// The connection as it proves itself in this test.
fn proving(connection: &Arc<Connection>, credential: Option<&str>) -> Result<Arc<Connection>, Problem> {
    let Some(id) = credential else { return Ok(connection.clone()) };
    let only = connection.proving_with(id).ok_or_else(|| Problem::Upstream {
        connection: connection.display_name.clone(),
        error: UpstreamError::Misconfigured {
            reason: "credential_missing",
            detail: "the secret that was to be tested is not there any more".into(),
        },
    })?;
    Ok(Arc::new(only))
}

fn began(author: &Author, connection: &Connection, wanted: Wanted<'_>) -> audit::Event {
    let event = author.did("connection.tested").connection(&connection.slug);
    let mut event = match wanted.credential {
        Some(id) => event.detail(json!({ "secret": id })),
        None => event,
    };
    event.client_id = wanted.client.map(Into::into);
    event
}

async fn go(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    trial: &Trial,
    trace_id: &TraceId,
) -> Result<Next, Refusal> {
    visitor.trace.is_test();
    visitor.trace.of(trace_id);
    if let Some(client) = &trial.client {
        visitor.trace.client(client);
    }
    visitor.trace.passed(
        Word::TestStarted,
        json!({ "by": trial.by, "connection": connection.slug, "enabled": connection.enabled, "client_id": trial.client, "proves_with": trial.credential }),
    );
    let left = leave(broker, visitor, Why::Trial { trial, trace_id }, connection, &StartHints::default()).await;
    Ok(left.unwrap_or_else(|refusal| {
        told::problem(visitor, &refusal.problem, "login");
        Next::Tested { trace: trace_id.clone() }
    }))
}

/// Coming back. Whatever came of it, the operator is shown the trace.
pub(super) async fn arrive(
    broker: &Broker,
    visitor: &Visitor,
    connection: Arc<Connection>,
    attempt: &Attempt,
    trial: &Trial,
    params: &Params,
) -> Next {
    visitor.trace.is_test();
    match look(broker, visitor, connection, attempt, trial, params).await {
        Ok(()) => visitor.trace.succeeded(),
        Err(problem) => told::problem(visitor, &problem, "login"),
    }
    Next::Tested { trace: attempt.trace_id.clone().unwrap_or_else(|| visitor.trace_id.clone()) }
}

async fn look(
    broker: &Broker,
    visitor: &Visitor,
    mut connection: Arc<Connection>,
    attempt: &Attempt,
    trial: &Trial,
    params: &Params,
) -> Result<(), Problem> {
    connection = proving(&connection, trial.credential.as_deref())?;
    let answer = answered(broker, visitor, &mut connection, attempt, params).await;
    if let Some(credential) = &trial.credential {
        keep(broker, &trial.by, credential, answer.as_ref().err()).await;
    }
    let identity = answer?;
    let mapped = connection.effective_mapping().mapped(identity.claims(), &connection);
    told::mapped(visitor, &mapped);
    admit(broker, visitor, &connection, None, &identity)?;
    visitor.trace.begin(Word::User);
    let user = found(broker, &connection, &identity, mapped.profile).await.map_err(Problem::Database)??;
    let detail = match &user {
        Ok(known) => json!({ "user": known.id, "known": true }),
        Err(_) => json!({ "known": false, "note": "they would be created; a test creates nobody" }),
    };
    visitor.trace.passed(Word::User, detail);
    let catalog = broker.catalog.load_full();
    if let Some(client) = trial.client.as_ref().and_then(|id| catalog.client(id)) {
        show_token(broker, visitor, &connection, &client, &identity, user.unwrap_or_else(|fresh| fresh));
    }
    Ok(())
}

/// What came of it is a rehearsal of the credential. It is kept whether or not the person would have been let in.
async fn keep(broker: &Broker, by: &str, credential: &str, problem: Option<&Problem>) {
    let verdict = match problem {
        None => Verdict::Proven,
        Some(Problem::Upstream { error: UpstreamError::Unavailable { .. }, .. }) => Verdict::Unreachable,
        Some(problem) if problem.reason() == "invalid_client" => Verdict::Refused,
        Some(_) => Verdict::Unclear,
    };
    let ctx = &broker.ctx;
    let rehearsal = Rehearsal {
        verdict,
        method: Method::TestLogin,
        at: ctx.now(),
        by: by.into(),
        evidence: json!([{ "method": Method::TestLogin, "reason": problem.map(Problem::reason) }]),
    };
    let id = CredentialId::from_stored(credential.into());
    let kept = db::in_tx(&ctx.db, async |conn| rehearsal::store::keep(conn, &id, &rehearsal).await).await;
    if let Err(error) = kept {
        tracing::warn!(%error, credential, "what came of a test sign-in could not be kept");
    }
}

/// The user as they would be after this sign-in: `Ok` where there is one, `Err` where one would be made. Writes nothing
/// but that the assertion was used.
async fn found(
    broker: &Broker,
    connection: &Connection,
    identity: &UpstreamIdentity,
    profile: Profile,
) -> Result<Result<Result<User, User>, Problem>, sqlx::Error> {
    let ctx = &broker.ctx;
    let mut conn = ctx.db.acquire().await?;
    if let Some(once) = identity.once()
        && !remember_assertion(&mut conn, &connection.id, &once.id, once.until).await?
    {
        return Ok(Err(Problem::AssertionReplayed));
    }
    let key = identity.key();
    let known = user::store::sub_of_identity(&mut conn, &connection.id, &key.issuer, &key.subject).await?;
    let Some(id) = known else {
        let id = UserId::new(ctx.now(), &ctx.rng);
        return Ok(Ok(Err(User { id, status: UserStatus::Active, profile })));
    };
    Ok(match user::store::by_id(&mut conn, &id).await? {
        Some(user) if user.is_active() => Ok(Ok(User { profile, ..user })),
        _ => Err(Problem::Blocked),
    })
}

fn show_token(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    client: &Client,
    identity: &UpstreamIdentity,
    user: User,
) {
    let now = broker.ctx.now();
    let auth_time = identity.auth_time().and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let person = Person {
        user,
        session_id: SessionId::new(now, &broker.ctx.rng),
        auth_time: auth_time.filter(|at| *at <= now).unwrap_or(now),
        acr: identity.acr().map(Into::into),
        amr: identity.amr().to_vec(),
    };
    let mut detail = json!({
        "client_id": client.client_id,
        "client_enabled": client.enabled,
        "client_allows_connection": client.allows_connection(&connection.slug),
    });
    match preview::claims(broker, &broker.catalog.load(), client, &person) {
        Ok(preview) => {
            detail["scope"] = preview.scope.into();
            detail["access_claims"] = preview.access_token;
            detail["id_claims"] = preview.id_token;
        }
        Err(error) => detail["error"] = error.description.into(),
    }
    visitor.trace.passed(Word::TokenPreview, detail);
}
