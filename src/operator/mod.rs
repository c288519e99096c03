//! An operator: who may administer Avouch. With a password and a second factor of their own, which is the way in when no
//! upstream works; or a person whom a rule lets in through a connection; or a machine with an operator key. Owns roles,
//! rules, passwords and keys, and what becomes of them.

pub mod api_key;
pub mod manage;
pub mod password;
pub mod rule;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod store;
pub mod throttle;

use time::OffsetDateTime;

use crate::ids::{OperatorId, UserId};

#[derive(Clone, Debug)]
pub struct Operator {
    pub id: OperatorId,
    pub email: String,
    pub role: OperatorRole,
    /// The password was generated; it is good for choosing one's own and nothing else.
    pub must_change: bool,
    /// Keeps them out, whatever they know.
    pub disabled: bool,
    /// The person, of those who come through a connection; their address is for reading only.
    pub user: Option<UserId>,
    /// A code is needed to sign in.
    pub second_factor: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub last_sign_in_at: Option<OffsetDateTime>,
}

impl Operator {
    /// As audit names them. A person with the address of an operator is still another one.
    pub fn actor(&self) -> String {
        match &self.user {
            Some(user) => format!("user:{user}"),
            None => format!("operator:{}", self.email),
        }
    }

    /// For `If-Match`.
    pub fn version(&self) -> String {
        self.updated_at.unix_timestamp_nanos().to_string()
    }
}

/// Ordered by power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    /// Reads everything but secrets.
    Auditor,
    /// Changes connections, clients, resources, roles and users.
    Editor,
    /// Operators, operator keys and signing keys too.
    Owner,
}

impl OperatorRole {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Editor, Self::Auditor];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Auditor => "auditor",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether it has at least the rights of `needed`.
    pub fn covers(self, needed: Self) -> bool {
        self >= needed
    }
}

impl std::fmt::Display for OperatorRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("{0:?} is not an e-mail address")]
    NotAnEmail(String),
    #[error("there is an operator {0} already; `avouch operator reset-password {0}` gives a new password")]
    Exists(String),
    #[error("there is no operator {0}; `avouch operator create {0}` makes one")]
    Unknown(String),
    #[error("there is an operator key named {0:?} already; choose another name")]
    KeyExists(String),
    #[error("a role can be given by who has it: {by} cannot make anybody {wanted}")]
    Grant { by: OperatorRole, wanted: OperatorRole },
    #[error(
        "this is the last owner with a password; make another one first, or nobody could get in when no connection works"
    )]
    LastOwner,
    #[error("the connection and its rules decide about this operator")]
    ThroughConnection,
    #[error("there is no such operator any more")]
    Gone,
    #[error("it was changed since it was read")]
    Changed,
    #[error("a key cannot end before it begins: {0} has passed")]
    KeyEnded(OffsetDateTime),
    #[error("a key's name is 1 to 100 characters on one line")]
    KeyName,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_covers_itself_and_the_weaker_ones() {
        assert!(OperatorRole::Owner.covers(OperatorRole::Editor));
        assert!(OperatorRole::Editor.covers(OperatorRole::Editor));
        assert!(!OperatorRole::Auditor.covers(OperatorRole::Editor));
    }
}
