//! A plan: what would have to change so that the stored resources say what the file says, and how that is shown to people.

use std::fmt;

use crate::client::{Client, ClientId};
use crate::connection::{Connection, KeyUse, Slug};
use crate::ids::{ConnectionId, UserId};
use crate::resource::Resource;
use crate::role::Role;
use crate::secret::Secret;
use crate::user::provision::CreatedAhead;

/// Its `Display` is what `avouch apply` prints. It holds secrets to import, and shows none.
pub struct Plan {
    /// In the order they must be made.
    pub changes: Vec<Change>,
    /// Items that are stored, not in the file, and left alone.
    pub kept: Vec<String>,
    /// What the operator should know although nothing changes.
    pub notes: Vec<String>,
    pub unchanged: usize,
    /// Users of the file that are known already.
    pub known_users: Vec<(String, UserId)>,
}

pub struct Change {
    pub sign: Sign,
    /// `connection contoso`.
    pub item: String,
    pub details: Vec<String>,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Create,
    Update,
    Delete,
}

/// One thing for `apply` to do.
pub(super) enum Step {
    InsertResource(Resource),
    UpdateResource(Resource),
    InsertConnection(Connection),
    UpdateConnection(Connection),
    ImportConnectionSecret(ConnectionId, Secret<String>),
    MakeConnectionKey(ConnectionId, Slug, Option<KeyUse>),
    InsertClient(Client),
    UpdateClient(Client),
    ImportClientSecret(ClientId, Secret<String>),
    PutRole(Role),
    CreateUser(String, CreatedAhead),
    DeleteRole { resource: String, name: String },
    DeleteClient(ClientId),
    DeleteConnection(ConnectionId),
    DeleteResource(String),
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            let sign = match change.sign {
                Sign::Create => '+',
                Sign::Update => '~',
                Sign::Delete => '-',
            };
            writeln!(f, "{sign} {}", change.item)?;
            for detail in &change.details {
                writeln!(f, "    {detail}")?;
            }
        }
        for item in &self.kept {
            writeln!(f, "  {item} is not in the file; --prune would delete it")?;
        }
        for note in &self.notes {
            writeln!(f, "  note: {note}")?;
        }
        let count = |sign| self.changes.iter().filter(|change| change.sign == sign).count();
        match self.changes.len() {
            0 => write!(f, "no changes ({} as the file says)", self.unchanged),
            _ => write!(
                f,
                "{} to create, {} to update, {} to delete, {} unchanged",
                count(Sign::Create),
                count(Sign::Update),
                count(Sign::Delete),
                self.unchanged
            ),
        }
    }
}
