//! Operators at the desk, the keys of programs, and the rules by which people come through connections.

pub mod api;
pub mod key;
pub mod pages;
pub mod rule;

use super::Trouble;
use crate::ids::{OperatorId, OperatorKeyId, OperatorRuleId};
use crate::operator::{OperatorError, OperatorRole};
use crate::provisioning::Problem;

const ROLES: [(&str, &str); 3] = [
    ("auditor", "Auditor: reads everything but secrets"),
    ("editor", "Editor: changes connections, clients, resources, roles and users"),
    ("owner", "Owner: operators, keys and settings too"),
];

/// # Errors
/// [`Trouble::Invalid`]: no word for a role.
fn role(word: &str) -> Result<OperatorRole, Trouble> {
    let known = OperatorRole::parse(word);
    known.ok_or_else(|| invalid("role", "is owner, editor or auditor"))
}

/// # Errors
/// [`Trouble::Unknown`]: nothing of ours is named so.
fn operator_id(text: String) -> Result<OperatorId, Trouble> {
    let known = OperatorId::is_well_formed(&text).then(|| OperatorId::from_stored(text));
    known.ok_or_else(|| Trouble::Unknown("such operator".into()))
}

/// # Errors
/// as [`operator_id`].
fn key_id(text: String) -> Result<OperatorKeyId, Trouble> {
    let known = OperatorKeyId::is_well_formed(&text).then(|| OperatorKeyId::from_stored(text));
    known.ok_or_else(|| Trouble::Unknown("such operator key".into()))
}

/// # Errors
/// as [`operator_id`].
fn rule_id(text: String) -> Result<OperatorRuleId, Trouble> {
    let known = OperatorRuleId::is_well_formed(&text).then(|| OperatorRuleId::from_stored(text));
    known.ok_or_else(|| Trouble::Unknown("such operator rule".into()))
}

fn invalid(path: &str, reason: impl Into<String>) -> Trouble {
    Trouble::Invalid(vec![Problem { path: path.into(), reason: reason.into() }])
}

/// The field that an error is about, and its sentence; the error itself where it is about none.
fn beside(error: OperatorError) -> Result<(&'static str, String), OperatorError> {
    let sentence = match &error {
        OperatorError::NotAnEmail(_) => ("email", "Write an e-mail address, such as you@example.com.".to_owned()),
        OperatorError::Exists(email) => ("email", format!("There is an operator {email} already.")),
        OperatorError::KeyName => ("name", "Write 1 to 100 characters on one line.".to_owned()),
        OperatorError::KeyExists(_) => ("name", "Another key has this name already. Choose another.".to_owned()),
        OperatorError::KeyEnded(_) => ("expires", "This day has passed.".to_owned()),
        OperatorError::Grant { .. } | OperatorError::LastOwner | OperatorError::ThroughConnection => {
            ("role", format!("This does not go: {error}."))
        }
        _ => return Err(error),
    };
    Ok(sentence)
}

impl From<OperatorError> for Trouble {
    fn from(error: OperatorError) -> Self {
        let sentence = error.to_string();
        match error {
            OperatorError::NotAnEmail(_) => invalid("email", sentence),
            OperatorError::KeyName => invalid("name", sentence),
            OperatorError::KeyEnded(_) => invalid("expires_at", sentence),
            OperatorError::Exists(_) | OperatorError::KeyExists(_) => Self::Conflict("exists", sentence),
            OperatorError::Grant { by, wanted } => Self::Role { has: by, needs: wanted },
            OperatorError::LastOwner => Self::Conflict("last_owner", sentence),
            OperatorError::ThroughConnection => Self::Conflict("through_connection", sentence),
            OperatorError::Unknown(_) | OperatorError::Gone => Self::Unknown("such operator, key or rule".into()),
            OperatorError::Changed => Self::Changed,
            OperatorError::Database(error) => error.into(),
        }
    }
}
