//! Our keys as the page shows them: the public part only.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::admin::connection::credential::shown::state_word;
use crate::admin::moment::Moment;
use crate::connection::CredentialState;
use crate::connection::certificate::pem;
use crate::connection::key_rotation::KnownKey;
use crate::life::Verdict;

/// The members that a public key has (RFC 7518 §6, RFC 8037 §2): whatever else stands in storage stays there.
const PUBLIC: [&str; 9] = ["kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"];

pub fn public(jwk: &Value) -> Value {
    let members = jwk.as_object().into_iter().flatten();
    Value::Object(
        members
            .filter(|(name, _)| PUBLIC.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Map<_, _>>(),
    )
}

pub struct ShownKey {
    pub href: String,
    pub kid: String,
    pub state: &'static str,
    pub state_word: &'static str,
    pub made: Moment,
    pub by: String,
    /// What happens to it by itself, and when.
    pub comes: Option<(&'static str, Moment)>,
    pub last_used_at: Option<Moment>,
    pub uses: i64,
    /// Of one that retires.
    pub verdict: Option<Verdict>,
    pub ends: Option<Moment>,
    pub pem: String,
    pub jwk: String,
}

impl ShownKey {
    pub fn of(key: &KnownKey, all: &[KnownKey], path: &str, now: OffsetDateTime) -> Self {
        let comes = match key.state {
            CredentialState::Next => key.promote_at.map(|at| ("Takes over", at)),
            CredentialState::Retiring => key.retire_at.map(|at| ("Leaves", at)),
            _ => None,
        };
        Self {
            href: format!("{path}/keys/{}", key.id),
            kid: key.jwk["kid"].as_str().unwrap_or_default().to_owned(),
            state: key.state.as_str(),
            state_word: state_word(key.state),
            made: Moment::new(key.created_at, now),
            by: key.created_by.clone(),
            comes: comes.map(|(what, at)| (what, Moment::new(at, now))),
            last_used_at: key.last_used_at.map(|at| Moment::new(at, now)),
            uses: key.uses,
            verdict: key.safe_to_retire(all, now),
            ends: key.expires_at.map(|at| Moment::new(at, now)),
            pem: pem(&key.certificate),
            jwk: public(&key.jwk).to_string(),
        }
    }
}
