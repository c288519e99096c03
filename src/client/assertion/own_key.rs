//! An assertion that a client signed with its own key (`private_key_jwt`, OIDC Core §9; RFC 7523 §3): it says iss = sub =
//! client_id, and it is for us alone (CVE-2025-27370: never for one of several, nor for another endpoint).

use super::{Once, Refusal, Unproven, VerifiedAssertion, cut, signature, times};
use crate::client::ClientId;
use crate::client::key::KeyName;
use crate::jose::{Jwt, VerificationKey};
use crate::urls::Urls;

/// Seconds. Camunda says 5 minutes, openid-client one.
const LONGEST: i64 = 3600;
/// `client-authentication+jwt` is what rfc7523bis introduces.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// An assertion whose claims hold; who signed it is still to be seen.
#[derive(Debug)]
pub struct OwnAssertion<'a> {
    /// Unverified.
    pub client_id: ClientId,
    jwt: &'a Jwt,
    expires: i64,
}

impl<'a> OwnAssertion<'a> {
    /// Asks nothing that depends on the client, so that nobody learns which clients there are.
    ///
    /// # Errors
    /// [`Refusal`] naming the claim that is wrong.
    pub fn read(jwt: &'a Jwt, urls: &Urls, now: i64) -> Result<Self, Refusal> {
        times::typ(jwt, &TYPES)?;
        let client_id = match (jwt.text("iss"), jwt.text("sub")) {
            (Some(iss), Some(sub)) if iss == sub => ClientId::parse(sub).ok(),
            _ => None,
        };
        let Some(client_id) = client_id else {
            let text = "the assertion must say iss = sub = client_id, or come from an issuer that the client trusts";
            return Err(Refusal::new("assertion_issuer", text));
        };
        audience(jwt, urls)?;
        let expires = times::expires(jwt, now, LONGEST)?;
        times::has_begun(jwt, now)?;
        Ok(Self { client_id, jwt, expires })
    }

    /// Whether one of these keys signed it.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn verify<'k>(
        &self,
        mut keys: impl Iterator<Item = &'k VerificationKey>,
    ) -> Result<VerifiedAssertion, Unproven> {
        let key = signature(self.jwt, &mut keys, None)?;
        let (thumbprint, kid) = (key.thumbprint(), key.kid().map(cut));
        let key = KeyName { client: self.client_id.clone(), thumbprint, kid };
        Ok(VerifiedAssertion { once: Once::of(self.jwt, self.expires), key: Some(key) })
    }
}

fn audience(jwt: &Jwt, urls: &Urls) -> Result<(), Refusal> {
    let (issuer, token_endpoint) = (urls.issuer(), urls.at("/oauth/token"));
    if jwt.text("aud").is_some_and(|aud| aud == issuer || aud == token_endpoint) {
        return Ok(());
    }
    let text = format!("the assertion's aud must be the string {issuer} (or {token_endpoint}): no list, nothing else");
    Err(Refusal::new("assertion_audience", text))
}
