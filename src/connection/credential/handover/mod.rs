//! After a secret has taken over: the one before stands by, may be put back in one step, and is removed once nothing needs
//! it. Owns these rules, and what is known of a credential's use at its provider.

pub mod store;

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::client_secret::{KnownSecret, Promoted, UpstreamSecretError, find, of_state, oidc};
use super::{CredentialState, store as credentials};
use crate::audit::{self, Author};
use crate::connection::{self, Slug};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::life::Verdict;

/// So long a secret stays after another has taken over, and after it was last needed.
pub const QUIET: Duration = Duration::hours(24);
/// Replicas hear of a change within moments: what one of them still did by the old one says nothing.
const HEARING: Duration = Duration::minutes(1);

/// The secret before takes over again, and the one in use becomes the next one: nothing is lost, and the same step can be
/// done again. For as long as the one before was not removed.
///
/// # Errors
/// [`UpstreamSecretError::NotRetiring`], [`UpstreamSecretError::NextExists`]; then nothing was changed.
pub async fn restore(ctx: &Ctx, author: &Author, slug: &Slug, id: &str) -> Result<Promoted, UpstreamSecretError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
        let before = find(&connection, id)?;
        if before.state != CredentialState::Retiring {
            return Err(UpstreamSecretError::NotRetiring(before.id.clone(), before.state));
        }
        if let Some(next) = of_state(&connection, CredentialState::Next) {
            return Err(UpstreamSecretError::NextExists(next.id.clone()));
        }
        let active = of_state(&connection, CredentialState::Active);
        if let Some(active) = active {
            credentials::set_state(conn, &active.id, CredentialState::Next).await?;
        }
        credentials::set_state(conn, &before.id, CredentialState::Active).await?;
        store::took_over(conn, &before.id, ctx.now()).await?;
        let next = active.map(|active| active.id.clone());
        let detail = json!({ "secret": before.id, "next": next });
        audit::record(ctx, conn, author.did("connection.secret_restored").connection(slug).detail(detail)).await?;
        Ok(Promoted { active: before.id.clone(), retiring: None })
    })
    .await
}

/// What is known of a credential's use, whatever its kind.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    pub state: CredentialState,
    /// In use since then, if it ever took over.
    pub since: OffsetDateTime,
    pub last: Option<OffsetDateTime>,
    /// The provider refuses it, and another one stands in.
    pub refused: bool,
}

impl Use {
    /// Of one that retires, and of no other. `active`: the one in use in its place.
    pub fn safe_to_retire(self, active: Option<Self>, now: OffsetDateTime) -> Option<Verdict> {
        if self.state != CredentialState::Retiring {
            return None;
        }
        let Some(active) = active else { return Some(Verdict::not_yet("No other one is in use.")) };
        let needed = self.last.filter(|at| *at > active.since + HEARING);
        let quiet_from = needed.unwrap_or(active.since);
        Some(if active.refused {
            Verdict::not_yet("The provider refuses the one in use: sign-ins go on by this one.")
        } else if needed.is_some() && now - quiet_from < QUIET {
            Verdict::not_yet("It was needed less than a day ago, although another one is in use.")
                .before(quiet_from + QUIET)
        } else if now - quiet_from < QUIET {
            Verdict::not_yet("The one in use took over less than a day ago.").before(quiet_from + QUIET)
        } else if active.last.is_none_or(|at| at <= quiet_from) {
            Verdict::not_yet("The one in use was not used since it took over.")
        } else {
            Verdict::safe("The provider takes the one in use, and this one was not needed for a day.")
        })
    }
}

impl KnownSecret {
    /// Whether the provider refused it when it was last asked, so that another one stands in for it.
    pub fn is_refused(&self) -> bool {
        self.refused_at.is_some_and(|refused| self.last_used_at.is_none_or(|used| used < refused))
    }

    fn usage(&self) -> Use {
        Use {
            state: self.state,
            since: self.active_since.unwrap_or(self.created_at),
            last: self.last_used_at,
            refused: self.is_refused(),
        }
    }

    /// Of a secret that retires, and of no other; `all`: the connection's secrets.
    pub fn safe_to_retire(&self, all: &[Self], now: OffsetDateTime) -> Option<Verdict> {
        let active = all.iter().find(|one| one.state == CredentialState::Active);
        self.usage().safe_to_retire(active.map(Self::usage), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CredentialId;

    const DAY: Duration = Duration::DAY;

    #[test]
    fn the_former_secret_goes_when_a_day_has_passed_in_which_only_the_other_was_used() {
        let begin = OffsetDateTime::UNIX_EPOCH + Duration::days(9000);
        let known = |id: &str, state| KnownSecret {
            id: CredentialId::from_stored(id.into()),
            state,
            created_by: "cli".into(),
            created_at: begin,
            expires_at: None,
            last_used_at: None,
            uses: 0,
            active_since: None,
            refused_at: None,
        };
        let mut active = known("new", CredentialState::Active);
        let mut before = known("old", CredentialState::Retiring);
        active.active_since = Some(begin + DAY);
        before.last_used_at = Some(begin + DAY + Duration::seconds(5));
        let verdict = |before: &KnownSecret, active: &KnownSecret, days: i64| {
            let both = [active.clone(), before.clone()];
            assert_eq!(active.safe_to_retire(&both, begin), None);
            let verdict = before.safe_to_retire(&both, begin + DAY * days as i32 + Duration::hours(1)).unwrap();
            (verdict.safe, verdict.not_before.map(|at| (at - begin).whole_days()))
        };
        assert_eq!(verdict(&before, &active, 1), (false, Some(2)));
        assert_eq!(verdict(&before, &active, 2), (false, None), "nobody signed in since");
        active.last_used_at = Some(begin + DAY * 2);
        assert_eq!(verdict(&before, &active, 2), (true, None));
        before.last_used_at = Some(begin + DAY * 3);
        active.refused_at = Some(begin + DAY * 3);
        assert_eq!(verdict(&before, &active, 9), (false, None), "it is the one that works");
        active.last_used_at = Some(begin + DAY * 3 + Duration::hours(2));
        assert_eq!(verdict(&before, &active, 3), (false, Some(4)));
        assert_eq!(verdict(&before, &active, 4), (true, None));
    }
}
