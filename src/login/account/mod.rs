//! The page at which a person sees their own account, and what they may do to it: link a further identity, and take one
//! away. Both need a sign-in of the last minutes. Nothing here is reached by a sign-in to an application: that never
//! links anything.

mod fault;
pub mod link;
pub mod pages;
pub mod sign_in;
pub mod unlink;

use time::Duration;

pub use fault::{Asked, Fault};

use super::authorize::{live_session, require_live};
use super::{Problem, Refusal, Visitor};
use crate::broker::Broker;
use crate::ids::SessionId;
use crate::session::Session;
use crate::upstream::StartHints;
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

/// The provider asks the person, whoever is signed in there already.
fn anew() -> StartHints {
    StartHints { prompt: Some("login".into()), ..StartHints::default() }
}
