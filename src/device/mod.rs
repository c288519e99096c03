//! RFC 8628: a device that cannot show a browser shows a code instead; a person types it on another machine, signs in
//! and decides. Owns the device authorization: pending -> approved -> redeemed, or denied. Signing in is `login`'s, the
//! tokens are `grant`'s.

pub mod approval;
pub mod endpoint;
pub mod entry;
pub mod extract;
pub mod qr;
pub mod request;
pub mod store;
pub mod user_code;

pub use request::begin;
pub use user_code::UserCode;

use time::{Duration, OffsetDateTime};

use crate::ids::{DeviceAuthorizationId, SessionId};
use crate::oauth::scope::Scope;
use crate::vault::Sealed;

/// Of both codes. Short, because whoever sends a code to somebody else needs time (§5.4).
pub const LIFETIME: Duration = Duration::minutes(10);
/// That the device is to wait between polls.
pub const INTERVAL: Duration = Duration::seconds(5);

/// As it stands in storage.
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    pub id: DeviceAuthorizationId,
    pub state: State,
    pub client_id: String,
    pub user_code: Sealed,
    pub scopes: Scope,
    pub audiences: Vec<String>,
    /// The address of the device.
    pub requested_from: Option<String>,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    /// By the person of this session.
    Approved {
        session: SessionId,
    },
    Denied,
    Redeemed,
}

impl DeviceAuthorization {
    /// Whether somebody may decide about it.
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.state == State::Pending && !self.is_over(now)
    }

    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        now >= self.expires_at
    }
}
