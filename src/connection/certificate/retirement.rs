//! Whether a certificate of the provider's can be trusted no more without anybody noticing.

use time::OffsetDateTime;

use super::Certificate;
use crate::connection::credential::handover::QUIET;
use crate::life::Verdict;

impl Certificate {
    /// Of one that is trusted, and of no other; `all`: the connection's certificates.
    pub fn safe_to_retire(&self, all: &[Self], now: OffsetDateTime) -> Option<Verdict> {
        if !self.is_usable() {
            return None;
        }
        let mut others =
            all.iter().filter(|one| one.id != self.id && one.is_usable() && one.is_in_time(now)).peekable();
        if others.peek().is_none() {
            return Some(Verdict::not_yet("There is no other one by which answers are believed."));
        }
        if let Some(last) = self.last_seen_at.filter(|at| now - *at < QUIET) {
            return Some(Verdict::not_yet("An answer was signed with it less than a day ago.").before(last + QUIET));
        }
        // one that began to sign after this one's last answer, or goes on to
        let followers = others.filter(|one| one.last_seen_at > self.last_seen_at).filter_map(|one| one.first_seen_at);
        Some(match followers.min() {
            None => Verdict::not_yet("No answer was signed with another one since."),
            Some(began) if now - began < QUIET => {
                Verdict::not_yet("The provider signs with another one for less than a day.").before(began + QUIET)
            }
            Some(_) => Verdict::safe("The provider signs with another one, and did not with this one for a day."),
        })
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::connection::certificate::{CertificateState, Facts, Source};
    use crate::ids::CertificateId;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    /// Seen first and last so many hours ago.
    fn seen(name: &str, state: CertificateState, hours: Option<(i64, i64)>) -> Certificate {
        let ago = |hours: i64| NOW - Duration::hours(hours);
        Certificate {
            id: CertificateId::from_stored(name.into()),
            facts: Facts {
                der: Vec::new(),
                sha256: name.into(),
                key_type: "rsa",
                key_bits: 2048,
                not_before: ago(9000),
                not_after: if name == "over" { ago(1) } else { ago(-9000) },
            },
            state,
            source: Source::Manual,
            added_by: String::new(),
            added_at: ago(9000),
            first_seen_at: hours.map(|(first, _)| ago(first)),
            last_seen_at: hours.map(|(_, last)| ago(last)),
            retired: None,
        }
    }

    #[test]
    fn a_certificate_may_go_once_another_one_signs_for_a_day() {
        use CertificateState::{Active, Next, Retired};
        let judge = |one: Certificate, other: Certificate| {
            let verdict = one.safe_to_retire(&[one.clone(), other], NOW)?;
            Some((verdict.safe, verdict.not_before.map(|at| (at - NOW).whole_hours())))
        };
        let old = |hours| seen("old", Active, Some((5000, hours)));
        assert_eq!(judge(old(30), seen("new", Active, Some((30, 0)))), Some((true, None)));
        assert_eq!(
            judge(old(30), seen("new", Active, Some((20, 0)))),
            Some((false, Some(4))),
            "it signs since yesterday"
        );
        assert_eq!(judge(old(3), seen("new", Active, Some((30, 0)))), Some((false, Some(21))), "both sign");
        assert_eq!(judge(old(30), seen("new", Next, None)), Some((false, None)), "nobody comes");
        assert_eq!(
            judge(old(30), seen("new", Active, Some((9000, 40)))),
            Some((false, None)),
            "the other one is the elder"
        );
        assert_eq!(
            judge(old(30), seen("new", Retired, Some((30, 0)))),
            Some((false, None)),
            "the last one that is trusted"
        );
        assert_eq!(judge(old(30), seen("over", Active, Some((30, 0)))), Some((false, None)), "the other one is over");
        assert_eq!(judge(seen("old", Retired, None), seen("new", Active, Some((30, 0)))), None);
        assert_eq!(
            judge(seen("old", Active, None), seen("new", Active, Some((30, 0)))),
            Some((true, None)),
            "never used"
        );
    }
}
