//! Before an application's refresh: is what the provider said of the person recent enough for the connection, and if not,
//! what does it say now? Runs before the transaction that rotates our own refresh token, so that a provider that cannot be
//! asked costs nobody a token, and holds no database connection while the provider is waited for. One request asks for
//! all that wait, on whichever replica they are. See docs/decisions/2026-11-22-refresh-upstream.md.

mod ask;

use std::sync::Arc;
use std::time::Duration as Wait;

use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use super::GrantError;
use crate::broker::Broker;
use crate::connection::{Connection, RefreshPolicy};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::session::upstream_grant::{Failure, Grant, store};
use crate::token::refresh::Family;

/// How long a turn lasts at most. All requests to the provider together take less.
const TURN: Duration = Duration::seconds(60);
/// Between two looks at whether somebody else's turn is over.
const LOOK: Wait = Wait::from_millis(100);

/// How old the provider's word is on which new tokens stand.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    pub age: Duration,
    /// Why it is older than the connection asks for.
    pub stale: Option<Failure>,
}

/// What the token's own row tells already, without another look: the provider vouched recently enough and nothing failed
/// since. None: [`recheck`] finds out.
pub fn still_fresh(broker: &Broker, connection: &Connection, vouched_at: Option<OffsetDateTime>) -> Option<Freshness> {
    let (refresh, age) = (connection.refresh(), broker.ctx.now() - vouched_at?);
    let fresh = refresh.policy != RefreshPolicy::LoginOnly && age < refresh.max_age();
    fresh.then(|| {
        broker.metrics.profile_age(connection.slug.as_str(), age);
        Freshness { age, stale: None }
    })
}

/// # Errors
/// `invalid_grant` when the provider, or the connection's rule, does not vouch any more; `temporarily_unavailable` when it
/// has to and cannot be asked. Our refresh token is as good as before, unless its family was revoked.
pub async fn recheck(
    broker: &Arc<Broker>,
    connection: &Arc<Connection>,
    family: &Family,
) -> Result<Option<Freshness>, GrantError> {
    let (refresh, began) = (connection.refresh(), broker.ctx.now());
    if refresh.policy == RefreshPolicy::LoginOnly {
        return Ok(None);
    }
    let deadline = Instant::now() + patience(refresh.policy);
    loop {
        let now = broker.ctx.now();
        let mut conn = broker.ctx.db.acquire().await?;
        // a sign-in of before grants were kept has none
        let Some(grant) = store::of(&mut conn, &family.session_id).await? else {
            return verdict(broker, connection, now - family.auth_time, Failure::Missing);
        };
        let age = now - grant.checked_at;
        match next(&grant, began, now, refresh.max_age()) {
            Next::Fresh => return verdict(broker, connection, age, None),
            Next::Failed(failure) => return verdict(broker, connection, age, failure),
            Next::Wait if Instant::now() >= deadline => {
                return verdict(broker, connection, age, Failure::Unavailable);
            }
            Next::Wait => {
                drop(conn);
                tokio::time::sleep(LOOK).await;
            }
            Next::Ask => {
                if !store::take_turn(&mut conn, &family.session_id, &grant, now, now + TURN).await? {
                    continue;
                }
                drop(conn);
                // It goes on to its end although the application hangs up or we lose patience: the provider may have
                // used up its refresh token by now, and the next one must not be lost.
                let turn = ask::Turn::new(broker, connection, family, grant);
                let _ = tokio::time::timeout_at(deadline, tokio::spawn(turn.take())).await;
            }
        }
    }
}

enum Next {
    Fresh,
    Ask,
    Wait,
    Failed(Failure),
}

fn next(grant: &Grant, began: OffsetDateTime, now: OffsetDateTime, max_age: Duration) -> Next {
    let busy = grant.busy_until.is_some_and(|until| now < until);
    match grant.failure {
        Some(failure) if failure.is_final() => Next::Failed(failure),
        _ if grant.checked_at >= began || now - grant.checked_at < max_age => Next::Fresh,
        Some(failure) if busy || grant.sealed.is_none() => Next::Failed(failure),
        None if busy => Next::Wait,
        _ => Next::Ask,
    }
}

/// What the application may be kept waiting.
const fn patience(policy: RefreshPolicy) -> Wait {
    match policy {
        RefreshPolicy::Require => Wait::from_secs(15),
        RefreshPolicy::BestEffort | RefreshPolicy::LoginOnly => Wait::from_secs(5),
    }
}

fn verdict(
    broker: &Broker,
    connection: &Connection,
    age: Duration,
    failure: impl Into<Option<Failure>>,
) -> Result<Option<Freshness>, GrantError> {
    let failure = failure.into();
    let required = connection.refresh().policy == RefreshPolicy::Require;
    match failure {
        Some(failure) if failure.is_final() || required => Err(refusal(failure)),
        stale => {
            broker.metrics.profile_age(connection.slug.as_str(), age);
            Ok(Some(Freshness { age, stale }))
        }
    }
}

fn refusal(failure: Failure) -> GrantError {
    let description = match failure {
        Failure::Unavailable | Failure::Misconfigured => {
            return GrantError::Broken(OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "the identity provider has to vouch again and cannot be asked at the moment; try again with the same refresh token",
            ));
        }
        Failure::Missing => {
            "the identity provider has to vouch again, but it gave Avouch no refresh token to ask with; sign in again \
             (an operator can allow offline access there, or set the connection's refresh policy to best_effort)"
        }
        Failure::Refused => "the identity provider does not vouch for the person any more; sign in again",
        Failure::NotAllowed => "the person is not allowed in by this connection any more",
        Failure::OtherPerson => "the identity provider vouched for another person; sign in again",
        Failure::OtherIssuer => {
            "the connection does not lead to the person's identity provider any more; sign in again"
        }
    };
    GrantError::invalid_grant(failure.as_str(), description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Sealed;

    #[test]
    fn one_asks_and_the_others_wait_or_go_by_what_came_of_it() {
        let began = OffsetDateTime::UNIX_EPOCH + Duration::days(1);
        let word = |sealed: bool, age: i64, busy: i64, failure: Option<Failure>| {
            let grant = Grant {
                sealed: sealed.then(|| Sealed::from_stored(vec![1])),
                checked_at: began - Duration::seconds(age),
                busy_until: Some(began + Duration::seconds(busy)),
                failure,
            };
            match next(&grant, began, began, Duration::seconds(60)) {
                Next::Fresh => "fresh",
                Next::Ask => "ask",
                Next::Wait => "wait",
                Next::Failed(_) => "failed",
            }
        };
        assert_eq!(word(true, 59, -1, None), "fresh");
        assert_eq!(word(true, 60, -1, None), "ask");
        assert_eq!(word(true, 60, 1, None), "wait");
        assert_eq!(word(true, 60, 1, Some(Failure::Unavailable)), "failed");
        assert_eq!(word(true, 60, 0, Some(Failure::Unavailable)), "ask");
        assert_eq!(word(false, 59, 0, Some(Failure::Missing)), "fresh");
        assert_eq!(word(false, 60, 0, Some(Failure::Missing)), "failed");
        assert_eq!(word(false, 1, 0, Some(Failure::NotAllowed)), "failed", "however recent");
        assert_eq!(word(true, -1, 1, None), "fresh", "somebody asked since this request came");
    }
}
