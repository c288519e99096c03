//! Clients as a list shows them, a page at a time. Owns what can be looked for.

pub mod store;

use time::OffsetDateTime;

use super::{ClientId, ClientKind};

/// What to show, and where the page before ended.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Within the id or the name.
    pub search: Option<String>,
    pub kind: Option<ClientKind>,
    pub enabled: Option<bool>,
    pub after: Option<String>,
}

/// One line of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub client_id: ClientId,
    pub name: String,
    pub kind: ClientKind,
    pub enabled: bool,
    pub audiences: Vec<String>,
    pub managed_by: Option<String>,
    /// Of the secrets that are not withdrawn.
    pub secrets: i64,
    /// When the last of them ends; none when one never does, or when there is none.
    pub secrets_end: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
}
