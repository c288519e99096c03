//! A browser's single sign-on session. Owns its lifetime, its end and its cookie value's fingerprint, and by name the
//! clients that must hear of the end.

pub mod clients;
pub mod end;
pub mod person;
pub mod store;
pub mod upstream;
pub mod upstream_grant;

pub use end::{EndReason, Ended, EndedEverywhere, end, end_many, everywhere};
pub use upstream::{EndedUpstream, NameIdAttributes, UpstreamSession};

use std::net::IpAddr;

use time::{Duration, OffsetDateTime};

use crate::ids::{IdentityId, SessionId, UserId};

/// How long a session lives: `absolute` from the sign-in, `idle` from the last use.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    pub absolute: Duration,
    pub idle: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { absolute: Duration::hours(12), idle: Duration::hours(2) }
    }
}

/// A session that stands in storage and is neither over nor revoked.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub identity_id: IdentityId,
    pub connection_slug: String,
    /// When the person really signed in; what `auth_time` says.
    pub auth_time: OffsetDateTime,
    pub acr: Option<String>,
    pub amr: Vec<String>,
    pub last_seen_at: OffsetDateTime,
}

/// What begins a session.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub id: SessionId,
    pub token_hash: [u8; 32],
    pub user_id: UserId,
    pub identity_id: IdentityId,
    pub connection_slug: String,
    pub auth_time: OffsetDateTime,
    pub acr: Option<String>,
    pub amr: Vec<String>,
    /// It ends here at the latest.
    pub not_after: Option<OffsetDateTime>,
    /// By which an operator tells a person's sessions apart.
    pub user_agent: Option<String>,
    pub remote_addr: Option<IpAddr>,
}

impl Session {
    /// `last_seen_at` is written at most once a minute.
    pub fn wants_touch(&self, now: OffsetDateTime) -> bool {
        now - self.last_seen_at > Duration::minutes(1)
    }
}
