//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a creation that is repeated, because its answer got lost,
//! is answered as it was the first time and not done again. Owns how requests are told apart and what is kept of an
//! answer; it does not know what was created.

pub mod api;
pub mod store;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::Duration;

use crate::secret;
use crate::vault::Place;

/// How long an answer can be had again.
const KEPT: Duration = Duration::DAY;
/// A first request that took longer than this died with its process: the next one does it.
const LONGEST: Duration = Duration::minutes(2);
/// Characters of a key.
const MOST: usize = 255;

/// A request as far as its repetition has to be the same.
#[derive(Debug)]
pub struct Request<'a> {
    /// Who calls, and with which role: a key of somebody else is another key.
    pub actor: &'a str,
    pub role: &'a str,
    pub key: &'a str,
    pub target: &'a str,
    pub body: &'a [u8],
}

impl Request<'_> {
    /// Whether a key is one to be remembered: visible ASCII.
    fn is_well_formed(key: &str) -> bool {
        (1..=MOST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    }

    fn id(&self) -> String {
        // no actor has a line end in it
        URL_SAFE_NO_PAD.encode(secret::fingerprint(&format!("{}\n{}", self.actor, self.key)))
    }

    fn hash(&self) -> [u8; 32] {
        let body = URL_SAFE_NO_PAD.encode(self.body);
        secret::fingerprint(&format!("{}\n{}\n{body}", self.role, self.target))
    }
}

/// What is kept of an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

fn place(id: &str) -> Place<'_> {
    Place { table: "idempotency_keys", column: "sealed", row: id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_caller_and_key_and_is_the_same_by_all_of_it() {
        let one = |actor, key, target, body| Request { actor, role: "owner", key, target, body };
        let first = one("operator_key:ci", "k1", "/clients", b"{}");
        for other in [one("operator_key:cd", "k1", "/clients", b"{}"), one("operator_key:ci", "k2", "/clients", b"{}")]
        {
            assert_ne!(first.id(), other.id());
        }
        for other in [one("operator_key:ci", "k1", "/roles", b"{}"), one("operator_key:ci", "k1", "/clients", b"{ }")] {
            assert_eq!(first.id(), other.id());
            assert_ne!(first.hash(), other.hash());
        }
        assert!(Request::is_well_formed("8e03978e-40d5-43dd-bc93-6894a57f9324"));
        assert!(!Request::is_well_formed("") && !Request::is_well_formed("a\tb") && !Request::is_well_formed("é"));
    }
}
