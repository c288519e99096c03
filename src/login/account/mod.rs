//! The page at which a person sees their own account, and what they may do to it: link a further identity, and take one
//! away. Both need a sign-in of the last minutes. Nothing here is reached by a sign-in to an application: that never
//! links anything.

mod fault;
pub mod link;
pub mod pages;
pub mod unlink;

use std::sync::Arc;

use time::Duration;

pub use fault::Fault;

use super::authorize::{actor, live_session, require_live};
use super::depart::{Why, leave};
use super::{Next, Problem, Refusal, Visitor};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::ids::SessionId;
use crate::session::Session;
use crate::upstream::{StartHints, UpstreamIdentity};
use crate::user;
use crate::user::record::{self, KnownIdentity};

pub const PATH: &str = "/account";

/// Whoever changes the account has signed in no longer ago than that: a browser that was left open is no proof.
const FRESH: Duration = Duration::minutes(10);

/// What a trip from here is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trip {
    /// To see the page.
    SignIn,
    /// Who is signed in by this session signs in anew, by any identity that is theirs.
    Again { session: SessionId },
    /// Who is signed in by this session proves a further identity. It signs nobody in.
    Link { session: SessionId },
}

impl Trip {
    pub const fn word(&self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Again { .. } => "again",
            Self::Link { .. } => "link",
        }
    }

    pub const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::SignIn => None,
            Self::Again { session } | Self::Link { session } => Some(session),
        }
    }

    pub fn parse(word: &str, session: Option<String>) -> Option<Self> {
        match (word, session.map(SessionId::from_stored)) {
            ("sign_in", None) => Some(Self::SignIn),
            ("again", Some(session)) => Some(Self::Again { session }),
            ("link", Some(session)) => Some(Self::Link { session }),
            _ => None,
        }
    }
}

/// Who is in front of us. By a connection that is switched off nobody is signed in anywhere.
///
/// # Errors
/// [`Problem::NotLive`]; the database's.
pub async fn session(broker: &Broker, visitor: &Visitor) -> Result<Option<Session>, Refusal> {
    require_live(broker)?;
    let session = live_session(broker, visitor).await?;
    let catalog = broker.catalog.load();
    Ok(session.filter(|session| catalog.connection(&session.connection_slug).is_some_and(|c| c.may_login())))
}

/// The session in which something began, if it is still the one of this browser.
async fn the_session(broker: &Broker, visitor: &Visitor, began_in: &SessionId) -> Result<Session, Refusal> {
    let session = session(broker, visitor).await?;
    session.filter(|session| session.id == *began_in).ok_or_else(|| Problem::Account(Fault::SessionOver).into())
}

/// Whether the person signed in just now. Otherwise they do it again before anything changes.
pub fn is_fresh(broker: &Broker, session: &Session) -> bool {
    broker.ctx.now() - session.auth_time <= FRESH
}

async fn identities(broker: &Broker, session: &Session) -> Result<Vec<KnownIdentity>, sqlx::Error> {
    let mut conn = broker.ctx.db.acquire().await?;
    record::store::identities(&mut conn, &session.user_id).await
}

/// Connections by which somebody could sign in to see the page.
fn possible(broker: &Broker) -> Vec<Arc<Connection>> {
    broker.catalog.load().connections().iter().filter(|c| c.may_login()).cloned().collect()
}

/// Leaves to sign in, to come back to the page.
///
/// # Errors
/// as a departure.
async fn sign_in(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    login_hint: Option<String>,
) -> Result<Next, Refusal> {
    let hints = StartHints { login_hint, ..StartHints::default() };
    leave(broker, visitor, Why::Account(&Trip::SignIn), connection, &hints).await
}

/// Leaves to sign in once more.
///
/// # Errors
/// [`Problem::UnknownConnection`] where the person has no identity; as a departure.
async fn again(broker: &Broker, visitor: &Visitor, session: &Session, slug: &str) -> Result<Next, Refusal> {
    let connection = broker.catalog.load().connection(slug).ok_or(Problem::UnknownConnection)?;
    if !identities(broker, session).await?.iter().any(|known| known.connection_slug == slug) {
        return Err(Problem::UnknownConnection.into());
    }
    let trip = Trip::Again { session: session.id.clone() };
    leave(broker, visitor, Why::Account(&trip), &connection, &anew()).await
}

/// The provider asks the person, whoever is signed in there already.
fn anew() -> StartHints {
    StartHints { prompt: Some("login".into()), ..StartHints::default() }
}

/// Who signs in once more is who was signed in: another person's sign-in is no proof for this account, and must not take
/// its place unnoticed.
///
/// # Errors
/// [`Fault::SessionOver`], [`Fault::AnotherPerson`]
pub(super) async fn same_person(
    broker: &Broker,
    visitor: &Visitor,
    connection: &Connection,
    identity: &UpstreamIdentity,
    began_in: &SessionId,
) -> Result<(), Refusal> {
    let session = the_session(broker, visitor, began_in).await?;
    let key = identity.key();
    let mut conn = broker.ctx.db.acquire().await?;
    let sub = user::store::sub_of_identity(&mut conn, &connection.id, &key.issuer, &key.subject).await?;
    if sub.as_ref() == Some(&session.user_id) {
        return Ok(());
    }
    let fault = Fault::AnotherPerson { connection: connection.display_name.clone() };
    Err(Refusal::from(Problem::Account(fault)).asked("login", actor(Some(&session))))
}
