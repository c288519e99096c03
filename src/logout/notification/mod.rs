//! Telling applications that a session is over: OIDC Back-Channel Logout 1.0, the provider's side. What is owed was
//! written by `session::end_many` in the transaction that ended the session; here it is paid: one POST each, again later
//! when that fails, until the application has been told or is given up. Owns the schedule and the logout token; the pace is [`crate::errand`]'s.

pub mod send;
pub mod store;
mod token;

use time::Duration;

use crate::errand::Pauses;

/// One logout token that is owed, and taken by us to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub client_id: String,
    pub sub: String,
    /// The session as the client's tokens call it.
    pub sid: String,
    /// With the present one.
    pub attempts: i32,
}

/// For the whole exchange: an application that takes longer is busy with something else.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
/// Whoever took a notification and is not heard of for so long has died.
const LEASE: Duration = Duration::seconds(30);
/// Between one attempt and the next. After the last the application is given up, nearly two hours after the logout: its own
/// sessions end by themselves too.
const PAUSES: Pauses = Pauses(&[
    Duration::seconds(1),
    Duration::seconds(5),
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::minutes(40),
    Duration::hours(1),
]);
