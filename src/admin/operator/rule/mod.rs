//! Operator rules at the desk.

pub mod api;
pub mod pages;

use crate::admin::Trouble;
use crate::admin::form::FieldErrors;
use crate::admin::operator::role;
use crate::broker::Broker;
use crate::cel::Expression;
use crate::ids::ConnectionId;
use crate::operator::rule::Wanted;
use crate::provisioning::Problem;

/// From what was written; the messages go beside their fields.
///
/// # Errors
/// everything that is wrong with it.
fn wanted(broker: &Broker, connection: &str, when: &str, role_word: &str) -> Result<Wanted, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut wrong = |path: &str, reason: String| problems.push(Problem { path: path.into(), reason });
    let known = broker.catalog.load().connection(connection);
    if known.is_none() {
        wrong("connection", "There is no such connection.".into());
    }
    let when = Expression::parse(when.trim());
    match &when {
        Err(error) => wrong("when", error.to_string()),
        Ok(when) if when.source().contains('\0') => wrong("when", "A rule holds no NUL.".into()),
        Ok(when) if when.source().len() > 2000 => wrong("when", "A rule has 2000 characters at most.".into()),
        Ok(_) => {}
    }
    let role = role(role_word);
    if role.is_err() {
        wrong("role", "A role is owner, editor or auditor.".into());
    }
    match (known, when, role) {
        (Some(connection), Ok(when), Ok(role)) if problems.is_empty() => {
            Ok(Wanted { connection: connection.id.clone(), slug: connection.slug.to_string(), when, role })
        }
        _ => Err(problems),
    }
}

/// The slug of a rule's connection.
fn slug(broker: &Broker, id: &ConnectionId) -> String {
    let catalog = broker.catalog.load();
    let found = catalog.connections().iter().find(|connection| connection.id == *id);
    found.map_or_else(String::new, |connection| connection.slug.to_string())
}

fn errors(problems: &[Problem]) -> FieldErrors {
    FieldErrors::of(problems, |_| None)
}

fn invalid(problems: Vec<Problem>) -> Trouble {
    Trouble::Invalid(problems)
}
