//! Telling applications that a session is over: OIDC Back-Channel Logout 1.0, the provider's side. What is owed was
//! written by `session::end_many` in the transaction that ended the session; here it is paid: one POST each, again later
//! when that fails, until the application has been told or is given up. Owns the schedule and the logout token.

pub mod send;
pub mod store;
mod token;

use time::{Duration, OffsetDateTime};

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
const PAUSES: [Duration; 7] = [
    Duration::seconds(1),
    Duration::seconds(5),
    Duration::seconds(30),
    Duration::minutes(2),
    Duration::minutes(10),
    Duration::minutes(40),
    Duration::hours(1),
];

/// When to try again after so many attempts. `None`: never.
fn next_attempt(attempts: i32, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let pause = usize::try_from(attempts).ok()?.checked_sub(1).and_then(|index| PAUSES.get(index))?;
    Some(now + *pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let pauses: Vec<_> = (1..).map_while(|attempts| next_attempt(attempts, now)).map(|at| at - now).collect();
        assert_eq!(pauses, PAUSES);
        assert!(pauses.is_sorted() && next_attempt(0, now).is_none());
    }
}
