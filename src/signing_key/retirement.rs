//! Whether a signing key can go without anybody noticing: one that signs, by being rotated; one that does not any more, by
//! being revoked before it leaves by itself.

use time::OffsetDateTime;
use time::macros::format_description;

use super::consumer::{Consumer, Gate};
use super::{CLOCKS, LONGEST_TOKEN, SigningKey, State};
use crate::life::Verdict;

/// Those who are told of by name.
const NAMED: usize = 3;

impl SigningKey {
    /// Of one that signs, or that retires. `all`: the keys, this one among them.
    pub fn safe_to_retire(&self, all: &[Self], consumers: &[Consumer], now: OffsetDateTime) -> Option<Verdict> {
        match self.state {
            State::Active => Some(self.rotation(all, consumers, now)),
            State::Retiring => self.retiring_at.map(|since| {
                let end = since + LONGEST_TOKEN + CLOCKS;
                if now < end {
                    let reason = format!("Tokens that it signed may live until {}.", minute(end));
                    Verdict::not_yet(reason).before(end)
                } else {
                    Verdict::safe("Every token that it signed has ended; it leaves the JWKS by itself.")
                }
            }),
            State::Next | State::Retired | State::Revoked => None,
        }
    }

    fn rotation(&self, all: &[Self], consumers: &[Consumer], now: OffsetDateTime) -> Verdict {
        let Some(next) = all.iter().find(|one| one.alg == self.alg && one.state == State::Next) else {
            return Verdict::not_yet("It signs, and there is no next key. A restart of avouch makes one.");
        };
        let (ready, gate) = (next.ready_at(), Gate::of(next, consumers, now));
        let open = gate.at_the_latest().map_or(ready, |gate| ready.max(gate));
        if !gate.is_open() {
            let lacking = gate.names(NAMED);
            let reason = format!("It signs, and the next key was not fetched yet by {lacking}.");
            Verdict::not_yet(reason).before(open)
        } else if now < ready {
            Verdict::not_yet("It signs, and the next key is so new that a cached JWKS may lack it.").before(ready)
        } else {
            Verdict::safe("Whoever reads the JWKS has the next key: rotate, and it retires.")
        }
    }
}

fn minute(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
        .unwrap_or_default()
}
