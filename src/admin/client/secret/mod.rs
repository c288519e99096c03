//! A client's secrets at the desk.

pub mod pages;

use time::OffsetDateTime;

use crate::admin::moment::{Moment, uses};
use crate::client::secret::KnownSecret;
use crate::life::Verdict;

/// One line of the table.
pub struct SecretRow {
    pub href: String,
    /// What people recognise it by.
    pub label: String,
    pub created_by: String,
    pub created: Moment,
    pub expires: Option<Moment>,
    pub used: Option<Moment>,
    /// `12 times, last from 192.0.2.7`.
    pub uses: String,
    pub verdict: Verdict,
    /// `data-state` and the word.
    pub state: (&'static str, &'static str),
}

impl SecretRow {
    /// `all`: the client's secrets, this one among them.
    pub fn of(secret: KnownSecret, all: &[KnownSecret], client: &str, now: OffsetDateTime) -> Self {
        let verdict = secret.safe_to_retire(all, now);
        let uses = uses(secret.uses, secret.last_used_addr.as_deref());
        let expires = secret.expires_at.map(|at| Moment::new(at, now));
        let state = match expires {
            Some(end) if end.is_past() => ("refused", "Expired"),
            Some(end) if end.is_near() => ("expiring", "Ends soon"),
            _ => ("active", "Active"),
        };
        Self {
            href: format!("{client}/secrets/{}/withdraw", secret.id),
            label: label(&secret),
            created_by: secret.created_by,
            created: Moment::new(secret.created_at, now),
            used: secret.last_used_at.map(|at| Moment::new(at, now)),
            expires,
            state,
            uses,
            verdict,
        }
    }
}

/// `…x7Qa`, or `imported`.
pub fn label(secret: &KnownSecret) -> String {
    if secret.hint.len() > 4 { secret.hint.clone() } else { format!("…{}", secret.hint) }
}
