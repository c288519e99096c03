//! People at the desk: found, shown, created ahead, blocked, signed out, exported and forgotten.

pub mod api;
pub mod creation;
pub mod groups;
pub mod import;
pub mod pages;
pub mod withdrawal;

use std::sync::Arc;

use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::Trouble;
use super::frame::segment;
use super::paging::ListQuery;
use crate::broker::Broker;
use crate::ids::{ConnectionId, UserId};
use crate::provisioning::{Problem, default_issuer};
use crate::session::person::unlink::Unlinked;
use crate::user::UserStatus;
use crate::user::import::{Fault, Place};
use crate::user::list::store::page as read_page;
use crate::user::list::{Filter, Listed, Search};
use crate::user::provision::Edited;

/// People that one export has at most.
pub const MOST_EXPORTED: usize = 100_000;

/// Who is looked for, as pages and API write it in the query.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub q: String,
    /// A slug.
    #[serde(default)]
    pub connection: String,
    /// `active`, `blocked`, or `never_signed_in`.
    #[serde(default)]
    pub status: String,
}

impl Asked {
    /// `None`: nobody can be meant, because there is no such connection.
    ///
    /// # Errors
    /// [`Trouble::Malformed`]
    pub fn filter(&self, broker: &Broker) -> Result<Option<Filter>, Trouble> {
        let mut filter = Filter::default();
        match self.status.as_str() {
            "" => {}
            "never_signed_in" => filter.never_signed_in = true,
            word => {
                let status = UserStatus::parse(word);
                let known = || Trouble::Malformed("status is active, blocked or never_signed_in".into());
                filter.status = Some(status.ok_or_else(known)?);
            }
        }
        if !self.q.trim().is_empty() {
            filter.search = Some(Search::of(&self.q));
        }
        if !self.connection.is_empty() {
            let Some(id) = connection(broker, &self.connection) else { return Ok(None) };
            filter.connection = Some(id);
        }
        Ok(Some(filter))
    }

    pub fn is_blank(&self) -> bool {
        [&self.q, &self.connection, &self.status].into_iter().all(|text| text.trim().is_empty())
    }

    /// For a link to the same list.
    pub fn query(&self) -> String {
        let fields = [("q", &self.q), ("connection", &self.connection), ("status", &self.status)];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| format!("{name}={}&", segment(value))).collect()
    }
}

fn connection(broker: &Broker, slug: &str) -> Option<ConnectionId> {
    broker.catalog.load().connection(slug).map(|connection| connection.id.clone())
}

/// One page of the list, and one person more where there are more.
///
/// # Errors
/// [`Trouble::Malformed`], and the database's.
pub async fn found(broker: &Broker, asked: &Asked, paging: &ListQuery) -> Result<(Vec<Listed>, i64), Trouble> {
    let (after, limit) = (paging.after()?, paging.limit()?);
    let Some(filter) = asked.filter(broker)? else { return Ok((Vec::new(), limit)) };
    let people = read_page(&broker.ctx.db, &filter, after.first().map(String::as_str), limit + 1).await?;
    Ok((people, limit))
}

/// All who are meant, or only the chosen ones.
///
/// # Errors
/// [`Trouble::Malformed`]: there are too many; and the database's.
pub async fn all(broker: &Broker, asked: &Asked, chosen: &[String]) -> Result<Vec<Listed>, Trouble> {
    const PIECE: usize = 5000;
    let Some(mut filter) = asked.filter(broker)? else { return Ok(Vec::new()) };
    if !chosen.is_empty() {
        let known = chosen.iter().filter(|sub| UserId::is_well_formed(sub)).cloned().map(UserId::from_stored);
        filter = Filter { search: Some(Search::Subs(known.collect())), ..Filter::default() };
    }
    let mut people: Vec<Listed> = Vec::new();
    loop {
        let after = people.last().map(|last| last.id.to_string());
        let piece = read_page(&broker.ctx.db, &filter, after.as_deref(), PIECE as i64).await?;
        let over = piece.len() < PIECE;
        people.extend(piece);
        if people.len() > MOST_EXPORTED {
            return Err(Trouble::Malformed(format!(
                "these are more than {MOST_EXPORTED} people; narrow the list first"
            )));
        }
        if over {
            return Ok(people);
        }
    }
}

/// # Errors
/// [`Trouble::Unknown`] for what cannot be a person's.
pub fn sub(text: &str) -> Result<UserId, Trouble> {
    if UserId::is_well_formed(text) { Ok(UserId::from_stored(text.into())) } else { Err(nobody(text)) }
}

pub fn nobody(sub: impl std::fmt::Display) -> Trouble {
    Trouble::Unknown(format!("user {sub}"))
}

/// Where people of a connection are known, for creating them ahead.
pub fn places(broker: &Broker) -> impl Fn(&str) -> Option<Place> {
    let catalog: Arc<_> = broker.catalog.load_full();
    move |slug| {
        let connection = catalog.connection(slug)?;
        Some(Place { id: connection.id.clone(), issuer: default_issuer(&connection) })
    }
}

/// By the lines of a table.
pub fn problems(faults: Vec<Fault>, by_line: bool) -> Vec<Problem> {
    let path = |fault: &Fault| match (by_line, fault.column) {
        (false, column) => column.to_owned(),
        (true, "") => format!("line {}", fault.line),
        (true, column) => format!("line {}, {column}", fault.line),
    };
    faults.into_iter().map(|fault| Problem { path: path(&fault), reason: fault.reason }).collect()
}

/// # Errors
/// what kept it from being done.
pub fn edited(sub: &UserId, edited: Edited) -> Result<(), Trouble> {
    match edited {
        Edited::Done => Ok(()),
        Edited::Unknown => Err(nobody(sub)),
        Edited::Changed => Err(Trouble::Changed),
        Edited::OwnedByFile(file) => Err(Trouble::Conflict(
            "owned_by_file",
            format!("the file {file} names this person: change it there and run avouch apply"),
        )),
        Edited::SignedIn => Err(Trouble::Conflict(
            "owned_by_provider",
            "the profile is what the person's identity provider says at each sign-in: change it there".into(),
        )),
    }
}

/// A time for a page: `(for programs, for people)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub machine: String,
    pub human: String,
}

impl Moment {
    pub fn of(at: OffsetDateTime) -> Self {
        let human = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
        let text = at.format(human).unwrap_or_default();
        Self { machine: at.format(&Rfc3339).unwrap_or_default(), human: format!("{text} UTC") }
    }
}

/// # Errors
/// what kept an identity from being taken away.
pub fn unlinked(done: Unlinked, sub: &str, identity: &str) -> Result<(), Trouble> {
    match done {
        Unlinked::Done => Ok(()),
        Unlinked::Last => Err(Trouble::Conflict(
            "last_identity",
            "it is the only identity of this person, who could not sign in any more; block or delete the person instead".into(),
        )),
        Unlinked::OfFile(file) => Err(Trouble::Conflict(
            "owned_by_file",
            format!("the file {file} names this person by it; the next avouch apply would make somebody new of it, so change it there"),
        )),
        Unlinked::Unknown | Unlinked::InUse | Unlinked::SessionOver => {
            Err(Trouble::Unknown(format!("identity {identity} of user {sub}")))
        }
    }
}
