//! A person as the desk knows them: where the profile came from, since when, and by which identities.

pub mod store;

use time::OffsetDateTime;

use super::User;
use crate::ids::IdentityId;

#[derive(Clone, Debug)]
pub struct Record {
    pub user: User,
    /// The resource file, or who created the person ahead.
    pub managed_by: Option<String>,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub last_login_at: Option<OffsetDateTime>,
}

impl Record {
    /// What changes whenever the record does.
    pub fn version(&self) -> String {
        (self.updated_at.unix_timestamp_nanos() / 1000).to_string()
    }

    /// The resource file that names the person.
    pub fn file(&self) -> Option<&str> {
        file(self.managed_by.as_deref())
    }
}

/// Which of those who create people ahead are files: all but the actors of the audit log.
pub fn file(managed_by: Option<&str>) -> Option<&str> {
    const ACTORS: [&str; 4] = ["operator:", "operator_key:", "client:", "user:"];
    managed_by.filter(|by| !ACTORS.iter().any(|actor| by.starts_with(actor)))
}

/// Whether the person's file names them by this identity: the one that they were created with. `known`: all of theirs, the
/// longest known first.
pub fn is_of_file(person: &Record, known: &[KnownIdentity], one: &IdentityId) -> bool {
    person.file().is_some() && known.first().is_some_and(|first| first.id == *one)
}

/// By what an upstream knows the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownIdentity {
    pub id: IdentityId,
    pub connection_slug: String,
    pub connection_name: String,
    pub issuer: String,
    pub subject: String,
    pub created_at: OffsetDateTime,
    pub last_login_at: Option<OffsetDateTime>,
}
