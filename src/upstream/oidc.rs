//! The verification of ID tokens (OIDC Core §3.1.3.7). The only file that names `openidconnect`, which does the
//! cryptography and most checks; what it leaves to its caller (azp, skew, `iat`, `nbf`, `auth_time`) is checked here.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreGenderClaim, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, EmptyAdditionalClaims, IdToken, IssuerUrl, Nonce, SignatureVerificationError,
};
use serde_json::{Value, json};

use super::UpstreamError;
use super::issuer;
use super::jwks::KeySet;

/// Clocks may differ by this many seconds.
const SKEW: i64 = 60;

/// Never `none`, never HS*: the algorithm has to be one that only the provider's private key can have used.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type ParsedIdToken =
    IdToken<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// What the ID token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: String,
    /// The issuer's key set serves other tenants too.
    pub(super) shared: bool,
    pub(super) client_id: &'a str,
    pub(super) nonce: ExpectedNonce<'a>,
    pub(super) max_age: Option<u32>,
    /// Seconds since the epoch.
    pub(super) now: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ExpectedNonce<'a> {
    /// It answers this request.
    Of(&'a str),
    /// It comes by refresh: it has the first ID token's nonce or none (OIDC Core §12.2).
    NoneOr(Option<&'a str>),
}

/// An ID token as it came: nothing in it is believed but to find out how to check it.
pub(super) struct Presented {
    parsed: ParsedIdToken,
    header: Value,
    payload: Value,
}

impl Presented {
    /// # Errors
    /// `id_token_malformed`, `header_not_supported`, `alg_not_allowed`, `subject_missing`.
    pub(super) fn parse(text: &str) -> Result<Self, UpstreamError> {
        let malformed = || {
            UpstreamError::invalid(
                "id_token_malformed",
                "the ID token cannot be read: it is no JWT, lacks iss, exp or iat, or a standard claim is of the wrong kind",
            )
        };
        let json = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        };
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() == 5 {
            return Err(UpstreamError::invalid(
                "header_not_supported",
                "the ID token is encrypted; configure a signed one at the provider",
            ));
        }
        let [header, payload, _] = parts[..] else {
            return Err(malformed());
        };
        let header = json(header).ok_or_else(malformed)?;
        let payload = json(payload).filter(Value::is_object).ok_or_else(malformed)?;
        // `openidconnect` cannot even parse these two, and would not say why.
        let alg = serde_json::from_value::<CoreJwsSigningAlgorithm>(header["alg"].clone()).ok();
        if !alg.is_some_and(|alg| ALGORITHMS.contains(&alg)) {
            return Err(alg_not_allowed());
        }
        if payload["sub"].as_str().is_none_or(str::is_empty) {
            return Err(UpstreamError::invalid("subject_missing", "the ID token does not say who signed in (sub)"));
        }
        let parsed = ParsedIdToken::from_str(text).map_err(|_| malformed())?;
        Ok(Self { parsed, header, payload })
    }

    /// Its claims, to be believed once [`Presented::verify`] has succeeded.
    pub(super) fn payload(&self) -> &Value {
        &self.payload
    }

    /// What it says of itself and of how it was made, for a trace: true only if [`Presented::verify`] succeeds.
    pub(super) fn evidence(&self) -> Value {
        let members = |from: &Value, names: &[&str]| -> Value {
            names.iter().filter_map(|name| Some(((*name).to_owned(), from.get(name)?.clone()))).collect()
        };
        let said = ["iss", "sub", "aud", "azp", "iat", "exp", "nbf", "auth_time", "nonce", "tid", "oid"];
        json!({ "header": members(&self.header, &["alg", "kid", "typ"]), "says": members(&self.payload, &said) })
    }

    /// # Errors
    /// `unknown_key` when another key set might help; any other word of the ID token's is final.
    pub(super) fn verify(&self, expected: &Expected<'_>, keys: &KeySet) -> Result<(), UpstreamError> {
        let verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::new(expected.client_id.to_owned()),
            IssuerUrl::new(expected.issuer.clone()).map_err(|_| {
                UpstreamError::misconfigured("discovery_issuer_mismatch", "the connection's issuer is not a URL")
            })?,
            self.signing_keys(expected, keys)?,
        );
        // A time that cannot be said lets nothing pass.
        let a_little_ago = chrono::DateTime::from_timestamp(expected.now - SKEW, 0)
            .unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC);
        let verifier = verifier
            .set_allowed_algs(ALGORITHMS)
            .set_other_audience_verifier_fn(|_| true) // several audiences need `azp`: see below
            .set_time_fn(move || a_little_ago);
        let verified = match expected.nonce {
            ExpectedNonce::Of(nonce) => self.parsed.claims(&verifier, &Nonce::new(nonce.to_owned())),
            ExpectedNonce::NoneOr(first) => self.parsed.claims(&verifier, |nonce: Option<&Nonce>| match nonce {
                Some(nonce) if Some(nonce.secret().as_str()) != first => Err("another nonce".to_owned()),
                _ => Ok(()),
            }),
        };
        verified.map_err(|error| cause(&error))?;
        self.check_parties(expected)?;
        self.check_times(expected)
    }

    fn signing_keys(&self, expected: &Expected<'_>, keys: &KeySet) -> Result<CoreJsonWebKeySet, UpstreamError> {
        let tid = self.payload["tid"].as_str().filter(|_| expected.shared);
        let own: Vec<&Value> =
            keys.keys.iter().filter(|key| issuer::key_may_sign(key, &expected.issuer, tid)).collect();
        serde_json::from_value(json!({ "keys": own }))
            .map_err(|_| UpstreamError::unavailable("the provider's signing keys", "they cannot be read"))
    }

    /// OIDC Core §3.1.3.7, 4 and 5.
    fn check_parties(&self, expected: &Expected<'_>) -> Result<(), UpstreamError> {
        let several = self.payload["aud"].as_array().is_some_and(|audiences| audiences.len() > 1);
        match &self.payload["azp"] {
            Value::Null if !several => Ok(()),
            Value::String(azp) if azp == expected.client_id => Ok(()),
            _ => Err(UpstreamError::invalid("azp_mismatch", "the ID token was issued to another client (azp)")),
        }
    }

    /// `iat`, `nbf` and, when `max_age` was asked for, `auth_time` (OIDC Core §3.1.3.7, 10 and 13).
    fn check_times(&self, expected: &Expected<'_>) -> Result<(), UpstreamError> {
        let refuse = |reason, detail: &str| Err(UpstreamError::invalid(reason, detail));
        let seconds = |claim: &str| self.payload[claim].as_f64();
        let latest = (expected.now + SKEW) as f64;
        if seconds("iat").is_none_or(|iat| iat > latest) {
            return refuse(
                "issued_in_future",
                "the ID token was issued in the future (iat); compare the clocks of both machines",
            );
        }
        if seconds("nbf").is_some_and(|nbf| nbf > latest) {
            return refuse("not_yet_valid", "the ID token is not valid yet (nbf); compare the clocks of both machines");
        }
        let Some(max_age) = expected.max_age else {
            return Ok(());
        };
        match seconds("auth_time") {
            None => refuse(
                "auth_time_missing",
                "max_age was asked for, but the ID token does not say when the person signed in (auth_time)",
            ),
            Some(at) if at < (expected.now - i64::from(max_age) - SKEW) as f64 => {
                refuse("auth_time_too_old", "the sign-in at the provider is older than max_age allows")
            }
            Some(_) => Ok(()),
        }
    }
}

fn alg_not_allowed() -> UpstreamError {
    UpstreamError::invalid(
        "alg_not_allowed",
        "the ID token is not signed with RS*, PS*, ES256, ES384 or EdDSA; choose RS256 at the provider",
    )
}

/// `openidconnect`'s verdict in our words. Its texts are left behind: they repeat what the token says.
fn cause(error: &ClaimsVerificationError) -> UpstreamError {
    use ClaimsVerificationError as C;
    use SignatureVerificationError as S;
    let (reason, detail) = match error {
        C::InvalidIssuer(_) => ("issuer_mismatch", "the ID token comes from another issuer (iss)"),
        C::InvalidAudience(_) => ("audience_mismatch", "the ID token is meant for another client (aud)"),
        C::InvalidNonce(_) => ("nonce_mismatch", "the ID token answers another request (nonce)"),
        C::Expired(_) => ("expired", "the ID token has expired (exp); compare the clocks of both machines"),
        C::InvalidSubject(_) => ("subject_missing", "the ID token does not say who signed in (sub)"),
        C::Unsupported(_) => ("header_not_supported", "the ID token's header has a typ, cty or crit we do not take"),
        C::SignatureVerification(S::NoMatchingKey) => {
            ("unknown_key", "no key of the provider's JWK set has the ID token's kid and algorithm")
        }
        C::SignatureVerification(S::AmbiguousKeyId(_)) => {
            ("ambiguous_key", "several keys of the provider's JWK set could have signed the ID token; it needs a kid")
        }
        C::SignatureVerification(S::DisallowedAlg(_) | S::UnsupportedAlg(_) | S::NoSignature) => {
            return alg_not_allowed();
        }
        C::SignatureVerification(_) => ("signature_invalid", "the ID token's signature does not hold"),
        _ => ("id_token_malformed", "the ID token cannot be checked"),
    };
    UpstreamError::invalid(reason, detail)
}
