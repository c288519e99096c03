//! Linking a further identity. The person leaves from a session of theirs and signs in at the provider; what comes back is a
//! proof, bound to the person, the provider's own name for somebody, the session and the browser (CVE-2026-9087 and -82968
//! were proofs bound to less). It counts once, for a few minutes, when the person has read both names and says yes. An
//! e-mail address is never compared.

pub mod pages;
pub mod store;

use std::sync::Arc;

use serde_json::json;
use time::Duration;

use super::{Fault, Trip, anew, the_session};
use crate::audit::{self, Event};
use crate::broker::Broker;
use crate::connection::{Connection, Profile, certificate};
use crate::db::{self, Conn};
use crate::ids::{ConnectionId, IdentityId, LinkProofId, SessionId, UserId};
use crate::login::arrive::{admit, is_fresh};
use crate::login::authorize::actor;
use crate::login::depart::{Why, leave};
use crate::login::store::{Attempt, remember_assertion};
use crate::login::verified::answered;
use crate::login::{Next, Problem, Refusal, Visitor, told};
use crate::oauth::params::Params;
use crate::session::{self, Session};
use crate::trace::Word;
use crate::upstream::UpstreamIdentity;
use crate::user::{self, IdentityKey, UserStatus};

const LIFETIME: Duration = Duration::minutes(5);

/// The audit word.
pub const ACTION: &str = "identity.linked";

/// Whom and what a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    pub user: &'a UserId,
    pub session: &'a SessionId,
    pub browser_hash: &'a [u8; 32],
}

/// What a provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub connection: ConnectionId,
    pub key: IdentityKey,
    /// For the page only.
    pub called: String,
}

/// Those that this person may choose among.
pub fn offered(broker: &Broker) -> Vec<Arc<Connection>> {
    broker.catalog.load().connections().iter().filter(|c| c.may_link() && c.listed).cloned().collect()
}

/// Leaves. The session is fresh, as the caller has seen.
///
/// # Errors
/// [`Problem::UnknownConnection`] where the connection is not offered; as a departure.
pub async fn begin(broker: &Broker, visitor: &Visitor, session: &Session, slug: &str) -> Result<Next, Refusal> {
    let offered = offered(broker);
    let connection = offered.iter().find(|c| c.slug.as_str() == slug).ok_or(Problem::UnknownConnection)?;
    let trip = Trip::Link { session: session.id.clone() };
    leave(broker, visitor, Why::Account(&trip), connection, &anew()).await
}

/// Comes back. Nobody is signed in by it, and nothing is linked yet.
pub(in crate::login) async fn arrive(
    broker: &Broker,
    visitor: &Visitor,
    connection: Arc<Connection>,
    attempt: &Attempt,
    began_in: &SessionId,
    params: &Params,
) -> Result<Next, Refusal> {
    let refused = |refusal: Refusal| refusal.asked(ACTION, "anonymous".into());
    let session = the_session(broker, visitor, began_in).await.map_err(refused)?;
    visitor.trace.user(&session.user_id);
    let proven = prove(broker, visitor, connection, attempt, &session, params).await;
    let proof = proven.map_err(|refusal| refusal.asked(ACTION, actor(Some(&session))))?;
    visitor.trace.succeeded();
    Ok(Next::ConfirmLink { proof })
}

async fn prove(
    broker: &Broker,
    visitor: &Visitor,
    mut connection: Arc<Connection>,
    attempt: &Attempt,
    session: &Session,
    params: &Params,
) -> Result<LinkProofId, Refusal> {
    require_linking(&connection)?;
    let identity = answered(broker, visitor, &mut connection, attempt, params).await?;
    if !is_fresh(&identity, attempt.created_at) {
        return Err(Problem::NotAnew { connection: connection.display_name.clone() }.into());
    }
    let mapped = connection.effective_mapping().mapped(identity.claims(), &connection);
    told::mapped(visitor, &mapped);
    admit(broker, visitor, &connection, None, &identity)?;
    visitor.trace.begin(Word::User);
    let proof = Proof {
        connection: connection.id.clone(),
        key: identity.key().clone(),
        called: called(&mapped.profile, identity.key()),
    };
    let written = db::in_tx(&broker.ctx.db, async |conn: &mut Conn| {
        write(broker, visitor, &connection, &identity, session, &proof, conn).await
    })
    .await?;
    let id = written.map_err(Problem::Account)?;
    visitor.trace.passed(Word::User, json!({ "user": session.user_id, "link": "asks the person" }));
    Ok(id)
}

async fn write(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    identity: &UpstreamIdentity,
    session: &Session,
    proof: &Proof,
    conn: &mut Conn,
) -> Result<Result<LinkProofId, Fault>, Refusal> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    if let Some(once) = identity.once()
        && !remember_assertion(conn, &connection.id, &once.id, once.until).await?
    {
        return Err(Problem::AssertionReplayed.into());
    }
    if let Some(sha256) = identity.signed_by() {
        certificate::seen_signing(ctx, conn, connection, sha256).await?;
    }
    if let Err(fault) = require_nobodys(conn, connection, proof, session).await? {
        return Ok(Err(fault));
    }
    let id = LinkProofId::new(now, &ctx.rng);
    let hash = visitor.browser_hash();
    let bound = Bound { user: &session.user_id, session: &session.id, browser_hash: &hash };
    store::insert(conn, &id, bound, proof, now, now + LIFETIME).await?;
    Ok(Ok(id))
}

fn require_linking(connection: &Connection) -> Result<(), Problem> {
    if connection.may_link() {
        return Ok(());
    }
    Err(Problem::Account(Fault::LinkingOff { connection: connection.display_name.clone() }))
}

async fn require_nobodys(
    conn: &mut Conn,
    connection: &Connection,
    proof: &Proof,
    session: &Session,
) -> Result<Result<(), Fault>, sqlx::Error> {
    let IdentityKey { issuer, subject } = &proof.key;
    let name = connection.display_name.clone();
    Ok(match user::store::sub_of_identity(conn, &connection.id, issuer, subject).await? {
        None => Ok(()),
        Some(sub) if sub == session.user_id => Err(Fault::AlreadyLinked { connection: name }),
        Some(_) => Err(Fault::Taken { connection: name }),
    })
}

/// What is asked about: the proof, and its connection.
///
/// # Errors
/// [`Fault::ProofOver`], [`Fault::LinkingOff`]
pub async fn asked(
    broker: &Broker,
    visitor: &Visitor,
    session: &Session,
    id: &str,
) -> Result<(Proof, Arc<Connection>), Refusal> {
    let hash = visitor.browser_hash();
    let bound = Bound { user: &session.user_id, session: &session.id, browser_hash: &hash };
    let mut conn = broker.ctx.db.acquire().await?;
    let proof = store::find(&mut conn, id, bound, broker.ctx.now()).await?;
    let proof = proof.ok_or(Problem::Account(Fault::ProofOver))?;
    let connection = by_id(broker, &proof.connection).ok_or(Problem::Account(Fault::ProofOver))?;
    require_linking(&connection)?;
    Ok((proof, connection))
}

/// The person does not want it after all.
///
/// # Errors
/// the database's.
pub async fn leave_it(broker: &Broker, visitor: &Visitor, session: &Session, id: &str) -> Result<(), Refusal> {
    let hash = visitor.browser_hash();
    let bound = Bound { user: &session.user_id, session: &session.id, browser_hash: &hash };
    let mut conn = broker.ctx.db.acquire().await?;
    store::take(&mut conn, id, bound, broker.ctx.now()).await?;
    Ok(())
}

/// The person confirmed it: the identity is theirs from now on.
///
/// # Errors
/// a [`Fault`] that says why not; the database's.
pub async fn confirm(broker: &Broker, visitor: &Visitor, session: &Session, id: &str) -> Result<(), Refusal> {
    let attempt = async |conn: &mut Conn| link(broker, visitor, session, id, conn).await;
    let linked = match db::in_tx(&broker.ctx.db, attempt).await {
        // somebody signed in by it this moment; now that is found
        Err(error) if db::on_constraint(&error, "identities_key") => db::in_tx(&broker.ctx.db, attempt).await,
        done => done,
    };
    linked?.map_err(|fault| Problem::Account(fault).into())
}

/// A proof that comes to nothing is used up all the same.
async fn link(
    broker: &Broker,
    visitor: &Visitor,
    session: &Session,
    id: &str,
    conn: &mut Conn,
) -> Result<Result<(), Fault>, sqlx::Error> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    // whoever blocks the person or ends the session comes before or after, and not in between
    let status = user::record::store::lock(conn, &session.user_id).await?;
    if status != Some(UserStatus::Active) || session::store::by_id(conn, &session.id).await?.is_none() {
        return Ok(Err(Fault::SessionOver));
    }
    let hash = visitor.browser_hash();
    let bound = Bound { user: &session.user_id, session: &session.id, browser_hash: &hash };
    let Some(proof) = store::take(conn, id, bound, now).await? else { return Ok(Err(Fault::ProofOver)) };
    let Some(connection) = by_id(broker, &proof.connection) else { return Ok(Err(Fault::ProofOver)) };
    if !connection.may_link() {
        return Ok(Err(Fault::LinkingOff { connection: connection.display_name.clone() }));
    }
    if let Err(fault) = require_nobodys(conn, &connection, &proof, session).await? {
        return Ok(Err(fault));
    }
    let identity = IdentityId::new(now, &ctx.rng);
    user::store::insert_identity(conn, &identity, &session.user_id, &connection.id, &proof.key, now).await?;
    let detail = json!({ "identity": identity, "issuer": proof.key.issuer, "session_by": session.connection_slug });
    let event = Event::success(ACTION, actor(Some(session)))
        .about(&session.user_id)
        .connection(&connection.slug)
        .trace(&visitor.trace_id)
        .from_addr(visitor.addr)
        .detail(detail);
    audit::record(ctx, conn, event).await?;
    Ok(Ok(()))
}

fn by_id(broker: &Broker, id: &ConnectionId) -> Option<Arc<Connection>> {
    broker.catalog.load().connections().iter().find(|c| c.id == *id).cloned()
}

/// By what people recognise an account of theirs.
fn called(profile: &Profile, key: &IdentityKey) -> String {
    let known = profile.email.as_ref().or(profile.preferred_username.as_ref()).or(profile.name.as_ref());
    known.unwrap_or(&key.subject).chars().filter(|c| !c.is_control()).take(200).collect()
}
