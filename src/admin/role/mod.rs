//! Roles at the desk; their rules are tried on people before they are kept. What is stored is read and put with all
//! configuration, in [`super::configuration`].

pub mod api;
pub mod pages;

use super::Trouble;
use crate::broker::Broker;
use crate::cel::Expression;
use crate::role::store::by_name;
use crate::role::trial::{self, Tried};
use crate::user;
use crate::user::list::{Filter, Search, store};

/// People a rule is tried on at most: those found, the newest first.
pub const TRIED: i64 = 1000;

/// What a rule would change.
#[derive(Debug)]
pub struct Outcome {
    pub people: Vec<Tried>,
    pub before: usize,
    pub after: usize,
}

/// Tries `rule` on the people that `search` finds, against the stored rule of that role if there is one.
///
/// # Errors
/// the database's.
pub async fn tried(
    broker: &Broker,
    resource: &str,
    name: &str,
    rule: &Expression,
    search: &str,
) -> Result<Outcome, Trouble> {
    let search = Some(search.trim()).filter(|text| !text.is_empty()).map(Search::of);
    let filter = Filter { search, ..Filter::default() };
    let listed = store::page(&broker.ctx.db, &filter, None, TRIED).await?;
    let ids: Vec<String> = listed.into_iter().map(|one| one.id.to_string()).collect();
    let mut conn = broker.ctx.db.acquire().await?;
    let people = user::store::some(&mut conn, &ids).await?;
    let stored = by_name(&mut conn, resource, name).await?;
    drop(conn);
    let people = trial::on(people, stored.as_ref().map(|role| &role.when), rule);
    let count = |has: fn(&Tried) -> bool| people.iter().filter(|one| has(one)).count();
    let (before, after) = (count(|one| one.before), count(|one| one.after));
    Ok(Outcome { people, before, after })
}
