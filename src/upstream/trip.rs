//! What is known of a trip to a provider: before it begins, while the person is away, and when they come back.

use crate::secret::Secret;

/// What a downstream request asks of the trip.
#[derive(Clone, Debug, Default)]
pub struct StartHints {
    pub login_hint: Option<String>,
    pub domain_hint: Option<String>,
    /// `login`, `select_account`, `consent` as the person must be asked anew.
    pub prompt: Option<String>,
    /// Seconds. The connection's own limit stays in force: the smaller one counts.
    pub max_age: Option<u32>,
    pub acr_values: Option<String>,
    pub ui_locales: Option<String>,
}

/// What must be remembered until the person comes back.
#[derive(Debug)]
pub struct Trip {
    /// Where to send the browser.
    pub url: String,
    /// The fields of a form to post there (SAML's HTTP-POST binding), instead of a redirect.
    pub form: Option<Vec<(&'static str, String)>>,
    /// The issuer (SAML: entity id) asked: the answer must come from it.
    pub issuer: String,
    /// The opaque `state`; storage keeps its fingerprint.
    pub state: Secret<String>,
    /// SAML: the id of the request.
    pub nonce: String,
    /// SAML: empty.
    pub pkce_verifier: Secret<String>,
    /// The `max_age` that was sent, in seconds.
    pub max_age: Option<u32>,
}

/// The stored side of a trip, as it is handed to [`super::Upstreams::finish`].
#[derive(Debug)]
pub struct Pending {
    pub issuer: String,
    pub nonce: String,
    pub pkce_verifier: Secret<String>,
    /// [`Trip::max_age`]. The connection's own limit holds without it.
    pub max_age: Option<u32>,
}
