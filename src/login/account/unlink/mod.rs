//! Taking a linked identity away again: any but the one by which the person is signed in, and never the last.

pub mod pages;

use super::{Fault, identities};
use crate::audit::Author;
use crate::broker::Broker;
use crate::login::authorize::actor;
use crate::login::{Problem, Refusal, Visitor};
use crate::session::Session;
use crate::session::person::unlink::{Unlinked, unlink};
use crate::user::record::{self, KnownIdentity};

/// The audit word.
const ACTION: &str = "identity.unlinked";

/// Why this identity stays, as far as one can say before; the same order as when it is done.
pub fn kept(session: &Session, person: &record::Record, known: &[KnownIdentity], one: &KnownIdentity) -> Option<Fault> {
    if record::is_of_file(person, known, &one.id) {
        return Some(Fault::OfFile);
    }
    if session.identity_id == one.id {
        return Some(Fault::InUse);
    }
    (known.len() < 2).then_some(Fault::Last)
}

/// What is asked about.
///
/// # Errors
/// a [`Fault`] that says why it stays; the database's.
pub async fn asked(broker: &Broker, session: &Session, id: &str) -> Result<KnownIdentity, Refusal> {
    let mut conn = broker.ctx.db.acquire().await?;
    let person = record::store::of(&mut conn, &session.user_id).await?;
    drop(conn);
    let person = person.ok_or(Problem::Account(Fault::SessionOver))?;
    let known = identities(broker, session).await?;
    let one = known.iter().find(|known| known.id.as_str() == id);
    let one = one.ok_or(Problem::Account(Fault::UnknownIdentity))?;
    match kept(session, &person, &known, one) {
        Some(fault) => Err(refused(fault, session)),
        None => Ok(one.clone()),
    }
}

/// # Errors
/// a [`Fault`] that says why it stays; the database's.
pub async fn take_away(broker: &Broker, visitor: &Visitor, session: &Session, id: &str) -> Result<(), Refusal> {
    let author =
        Author { actor: actor(Some(session)), trace_id: Some(visitor.trace_id.clone()), remote_addr: visitor.addr };
    let fault = match unlink(&broker.ctx, &author, &session.user_id, id, Some(&session.id)).await? {
        Unlinked::Done => return Ok(()),
        Unlinked::Unknown => Fault::UnknownIdentity,
        Unlinked::Last => Fault::Last,
        Unlinked::OfFile(_) => Fault::OfFile,
        Unlinked::InUse => Fault::InUse,
        Unlinked::SessionOver => Fault::SessionOver,
    };
    Err(refused(fault, session))
}

fn refused(fault: Fault, session: &Session) -> Refusal {
    Refusal::from(Problem::Account(fault)).asked(ACTION, actor(Some(session)))
}
