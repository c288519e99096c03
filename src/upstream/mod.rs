//! Talking to an upstream: [`oidc::start`] makes the trip, [`oidc::finish`] turns its return into an
//! [`UpstreamIdentity`]. Owns discovery and key caches. It writes nothing to the database and decides nothing about users.

pub mod oidc;

use crate::user::IdentityKey;

/// Evidence of a verified sign-in at an upstream. Only this module's protocols can make one.
#[derive(Clone, Debug)]
pub struct UpstreamIdentity {
    key: IdentityKey,
    claims: serde_json::Value,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Vec<String>,
    sid: Option<String>,
}

impl UpstreamIdentity {
    pub fn key(&self) -> &IdentityKey {
        &self.key
    }
    /// ID token and UserInfo merged; the ID token wins.
    pub fn claims(&self) -> &serde_json::Value {
        &self.claims
    }
    /// When the person really signed in there (seconds since the epoch), if the provider says so.
    pub fn auth_time(&self) -> Option<i64> {
        self.auth_time
    }
    pub fn acr(&self) -> Option<&str> {
        self.acr.as_deref()
    }
    pub fn amr(&self) -> &[String] {
        &self.amr
    }
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }
}

/// What a downstream request asks of the trip.
#[derive(Clone, Debug, Default)]
pub struct StartHints {
    pub login_hint: Option<String>,
    pub domain_hint: Option<String>,
    /// `login`, `select_account`, `consent` as the person must be asked anew.
    pub prompt: Option<String>,
    pub max_age: Option<u32>,
    pub acr_values: Option<String>,
    pub ui_locales: Option<String>,
}

/// What must be remembered until the person comes back.
#[derive(Debug)]
pub struct Trip {
    /// Where to send the browser.
    pub url: String,
    /// The issuer asked: the answer must come from it.
    pub issuer: String,
    /// The opaque `state`; storage keeps its fingerprint.
    pub state: crate::secret::Secret<String>,
    pub nonce: String,
    pub pkce_verifier: crate::secret::Secret<String>,
}

/// The stored side of a trip, as it is handed to [`oidc::finish`].
#[derive(Debug)]
pub struct Pending {
    pub issuer: String,
    pub nonce: String,
    pub pkce_verifier: crate::secret::Secret<String>,
}

/// Why an upstream could not vouch. One cause, one word in audit and trace, one sentence for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be reached or answers nonsense: nobody's fault who signs in.
    #[error("{what}: {detail}")]
    Unavailable { what: &'static str, detail: String },
    /// It said no: `access_denied` and the like (RFC 6749 §4.1.2.1).
    #[error("the provider answered {error}: {description}")]
    Refused { error: String, description: String },
    /// Its answer does not hold: signature, nonce, audience and so on. `reason` is the audit word.
    #[error("{reason}: {detail}")]
    Invalid { reason: &'static str, detail: String },
    /// Our side of the connection is wrong: credential missing or refused, tenant not allowed.
    #[error("{reason}: {detail}")]
    Misconfigured { reason: &'static str, detail: String },
}
