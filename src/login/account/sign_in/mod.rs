//! Signing in to see one's account, and once more before anything about it changes.

pub mod pages;

use std::sync::Arc;

use super::{Fault, Trip, anew, identities, the_session};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::ids::SessionId;
use crate::login::authorize::actor;
use crate::login::depart::{Why, leave};
use crate::login::{Next, Problem, Refusal, Visitor};
use crate::session::Session;
use crate::upstream::{StartHints, UpstreamIdentity};
use crate::user;

/// Connections by which somebody could sign in to see the page.
pub fn possible(broker: &Broker) -> Vec<Arc<Connection>> {
    broker.catalog.load().connections().iter().filter(|c| c.may_login()).cloned().collect()
}

/// Leaves to sign in, to come back to the page.
///
/// # Errors
/// as a departure.
pub async fn by(
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
pub async fn again(broker: &Broker, visitor: &Visitor, session: &Session, slug: &str) -> Result<Next, Refusal> {
    let connection = broker.catalog.load().connection(slug).ok_or(Problem::UnknownConnection)?;
    if !identities(broker, session).await?.iter().any(|known| known.connection_slug == slug) {
        return Err(Problem::UnknownConnection.into());
    }
    let trip = Trip::Again { session: session.id.clone() };
    leave(broker, visitor, Why::Account(&trip), &connection, &anew()).await
}

/// Who signs in once more is who was signed in: another person's sign-in is no proof for this account, and must not take
/// its place unnoticed.
///
/// # Errors
/// [`Fault::SessionOver`], [`Fault::AnotherPerson`]
pub(in crate::login) async fn same_person(
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
