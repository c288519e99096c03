//! The resource file: YAML that says which connections, resources, clients, roles and users created ahead there shall be.
//! Owns reading it, what is wrong with it, the plan against what is stored, applying that plan in one transaction, and
//! writing the same file from what is stored. A file owns configuration, never credentials: a secret it names is imported
//! once per distinct value, and nothing here ever removes one.

mod apply;
mod check;
mod client_entry;
mod client_keys;
mod client_logout;
mod connection_entry;
mod difference;
mod entry;
mod export;
mod file;
pub mod impact;
mod oidc_entry;
pub mod one;
mod plan;
mod planner;
mod saml_entry;
mod secret_ref;
mod store;
mod stored;
mod told;

pub use apply::{Applied, apply};
pub use check::Problem;
pub use client_entry::ClientEntry;
pub use connection_entry::{ConnectionEntry, EntryProtocol};
pub use entry::{ResourceEntry, RoleEntry, default_issuer};
pub use export::export;
pub use file::{FileError, ResourceFile};
pub use plan::{Change, Plan, Sign};
pub use planner::plan;

use std::fmt;

use crate::audit::Author;

/// A file together with how it is to be taken.
#[derive(Debug)]
pub struct Job {
    pub file: ResourceFile,
    pub owner: Owner,
    /// Where relative paths of secret files begin.
    pub base_dir: std::path::PathBuf,
    /// Delete what the file does not name. Users are never deleted.
    pub prune: bool,
}

/// Who says what the resources shall be.
#[derive(Clone, Debug)]
pub enum Owner {
    /// A file of that name, which is written to `managed_by` of what it brings.
    File(String),
    /// An operator, at the pages or by the API.
    Desk(Author),
}

impl Owner {
    fn file(&self) -> Option<&str> {
        match self {
            Self::File(name) => Some(name),
            Self::Desk(_) => None,
        }
    }

    /// As audit says it.
    fn author(&self) -> Author {
        match self {
            Self::File(name) => Author { actor: format!("file:{name}"), ..Author::system() },
            Self::Desk(author) => author.clone(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => write!(f, "file {name}"),
            Self::Desk(author) => f.write_str(&author.actor),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// Everything that is wrong with the file, at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
    #[error("the stored resources changed while the plan was made; run it again")]
    Changed,
    #[error(transparent)]
    Certificate(#[from] crate::jose::CertificateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
