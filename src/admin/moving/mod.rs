//! Moves of people to another connection, at the desk.

pub mod api;
pub mod pages;

use crate::admin::Trouble;
use crate::audit::Author;
use crate::broker::Broker;
use crate::connection::Connection;
use crate::db::Conn;
use crate::ids::MoveId;
use crate::moving::{self, Asked, Group, Move, store, table};
use crate::provisioning::default_issuer;
use crate::user::import::Fault;

/// Lines of a table that does not read.
pub type Faults = Vec<Fault>;

/// Plans a move by a table; what is wrong with the choice stands under `from` and `to`.
///
/// # Errors
/// the database's.
pub async fn plan(
    broker: &Broker,
    author: &Author,
    from: &str,
    to: &str,
    bytes: &[u8],
) -> Result<Result<MoveId, Faults>, Trouble> {
    let catalog = broker.catalog.load_full();
    let mut faults = Faults::new();
    let mut find = |column, slug: &str| {
        let found = catalog.connection(slug);
        if found.is_none() {
            faults.push(Fault { line: 0, column, reason: "Choose a connection that there is.".into() });
        }
        found
    };
    let (old, new) = (find("from", from), find("to", to));
    let (Some(old), Some(new)) = (old, new) else { return Ok(Err(faults)) };
    if old.id == new.id {
        let reason = "Choose another connection than the one that they come from.".into();
        return Ok(Err(vec![Fault { line: 0, column: "to", reason }]));
    }
    let pairs = match table::read(bytes, default_issuer(&old).as_deref(), default_issuer(&new).as_deref()) {
        Ok(pairs) => pairs,
        Err(faults) => return Ok(Err(faults)),
    };
    let named = |one: &Connection| one.slug.to_string();
    let (from, to) = (named(&old), named(&new));
    Ok(Ok(moving::plan(&broker.ctx, author, (&old.id, &from), (&new.id, &to), &pairs).await?))
}

/// # Errors
/// [`Trouble::Unknown`], and the database's.
pub async fn one(conn: &mut Conn, id: &str) -> Result<Move, Trouble> {
    let id = id_of(id)?;
    store::list(conn, Some(&id)).await?.pop().ok_or_else(|| unknown(id))
}

/// # Errors
/// [`Trouble::Unknown`] for what cannot be one.
pub fn id_of(text: &str) -> Result<MoveId, Trouble> {
    if MoveId::is_well_formed(text) { Ok(MoveId::from_stored(text.into())) } else { Err(unknown(text)) }
}

fn unknown(id: impl std::fmt::Display) -> Trouble {
    Trouble::Unknown(format!("move {id}"))
}

/// # Errors
/// what keeps the group from being one.
pub fn checked(group: &Group) -> Result<(), Trouble> {
    if group.first.is_some_and(|first| first < 1) {
        return Err(Trouble::Malformed("first is a number of people, from 1".into()));
    }
    if group.domain.as_deref().is_some_and(|domain| domain.is_empty() || domain.contains('@')) {
        return Err(Trouble::Malformed("domain is what stands behind the @ of e-mail addresses".into()));
    }
    Ok(())
}

/// Of how many people the step was asked for.
///
/// # Errors
/// why it was not.
pub fn asked(id: &MoveId, asked: Asked) -> Result<u64, Trouble> {
    let conflict = |code, sentence: &str| Err(Trouble::Conflict(code, sentence.into()));
    match asked {
        Asked::Of(people) => Ok(people),
        Asked::Unknown => Err(unknown(id)),
        Asked::Completed => conflict("move_completed", "the move is completed, and there is no way back from that"),
        Asked::Busy => conflict("move_busy", "a step of some people is not done yet; try again in a moment"),
        Asked::Open => {
            conflict("move_open", "people of it can sign in at both connections; complete it or take them back first")
        }
    }
}
