//! Connections as a list shows them, a page at a time. Owns what can be looked for; it reads no credentials.

pub mod store;

use time::OffsetDateTime;

use super::{Preset, Slug};

/// What to show, and where the page before ended.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Within the name, the slug or an e-mail domain.
    pub search: Option<String>,
    /// `oidc` or `saml`.
    pub protocol: Option<String>,
    pub enabled: Option<bool>,
    pub after: Option<String>,
}

/// One line of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub slug: Slug,
    pub display_name: String,
    pub is_saml: bool,
    pub preset: Option<Preset>,
    pub enabled: bool,
    pub managed_by: Option<String>,
    pub email_domains: Vec<String>,
    /// Counted up to [`MOST_COUNTED`].
    pub people: i64,
}

/// More are not counted in a list: it has to stay quick where one connection has everybody.
pub const MOST_COUNTED: i64 = 1000;

/// Who came through a connection, all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrivals {
    pub people: i64,
    pub last: Option<OffsetDateTime>,
}
