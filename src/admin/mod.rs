//! The operator's desk: the admin pages below `/admin` and the admin API below `/api/v1`. Both are skins over the same
//! named operations of the nouns, so that the pages cannot do what the API cannot. Owns how an operator is let in, what a
//! page and an answer look like, and what is said when something does not go; it owns no rule of any noun.
//!
//! Each noun has a folder here: `pages.rs` for people, `api.rs` for programs. A handler says by its first argument which
//! role it needs: [`extract::Desk`]`<Read>`, `<Edit>` or `<Own>` on pages, [`extract::Api`] likewise.

pub mod account;
pub mod api;
pub mod audit;
pub mod calendar;
pub mod client;
pub mod configuration;
pub mod connection;
pub mod extract;
pub mod find;
pub mod form;
pub mod frame;
pub mod idempotency;
pub mod integration;
pub mod moment;
pub mod moving;
pub mod openapi;
pub mod operator;
pub mod overview;
pub mod pages;
pub mod paging;
pub mod replay;
pub mod resource;
pub mod role;
pub mod settings;
pub mod sign_in;
pub mod signing_key;
pub mod trace;
pub mod trial;
pub mod user;
pub mod webhook;
pub mod when;

use crate::operator::OperatorRole;
use crate::provisioning::Problem;

/// What a handler needs of whoever calls it.
pub trait Right: 'static {
    const NEEDS: OperatorRole;
}
/// Looking: every role.
#[derive(Debug)]
pub struct Read;
/// Changing connections, clients, resources, roles and users.
#[derive(Debug)]
pub struct Edit;
/// Operators, their keys, signing keys and settings.
#[derive(Debug)]
pub struct Own;
impl Right for Read {
    const NEEDS: OperatorRole = OperatorRole::Auditor;
}
impl Right for Edit {
    const NEEDS: OperatorRole = OperatorRole::Editor;
}
impl Right for Own {
    const NEEDS: OperatorRole = OperatorRole::Owner;
}

/// Why a page or an answer is not what was asked for. The pages say it as a page, the API as a problem document.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("nobody is signed in here")]
    SignedOut,
    /// An API call whose credential does not count: the reason.
    #[error("{0}")]
    Credential(&'static str),
    #[error("a password of your own has to be chosen first")]
    ChoosePassword,
    #[error("this needs the role {needs}; yours is {has}")]
    Role { has: OperatorRole, needs: OperatorRole },
    #[error(
        "the form did not come from a page of ours, or the session that it was made for has ended; open the page again"
    )]
    ForeignForm,
    /// What there is none of: `client grafana`.
    #[error("there is no {0}")]
    Unknown(String),
    #[error("{0}")]
    Malformed(String),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// The stable word, and the sentence.
    #[error("{1}")]
    Conflict(&'static str, String),
    /// RFC 9110 §13.1.1: what was read is not what is stored any more.
    #[error("it was changed since it was read; read it again and repeat the change on what it is now")]
    Changed,
    #[error("the database cannot be reached; try again in a few seconds")]
    Unavailable,
    #[error("something broke on our side; the log has the cause by the trace id")]
    Broken,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        if crate::db::is_unavailable(&error) { Self::Unavailable } else { Self::Broken }
    }
}

impl Trouble {
    /// The status, and the stable word that programs match on.
    pub const fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::SignedOut => (401, "signed_out"),
            Self::Credential(_) => (401, "credential_refused"),
            Self::ChoosePassword => (403, "password_must_change"),
            Self::Role { .. } => (403, "role_too_small"),
            Self::ForeignForm => (403, "form_refused"),
            Self::Unknown(_) => (404, "not_found"),
            Self::Malformed(_) => (400, "malformed"),
            Self::Invalid(_) => (422, "invalid"),
            Self::Conflict(word, _) => (409, word),
            Self::Changed => (412, "changed_meanwhile"),
            Self::Unavailable => (503, "unavailable"),
            Self::Broken => (500, "broken"),
        }
    }
}
