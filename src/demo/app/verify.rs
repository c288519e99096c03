//! Verifying a token with the `jsonwebtoken` crate, which never issues one here. RS256 and nothing else: the algorithm is
//! ours to choose, not the token's (RFC 8725 §3.1).

use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

/// Seconds that two clocks may differ.
const LEEWAY: u64 = 60;

pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    /// `at+jwt` keeps an ID token from passing as an access token (RFC 9068 §4).
    pub typ: &'a str,
    pub nonce: Option<&'a str>,
}

/// A token whose signature, issuer, audience, time, type and nonce were right.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub raw: String,
    pub kid: String,
    pub typ: String,
    pub claims: Map<String, Value>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
    #[error("it is signed by a key that is not in the JWKS")]
    UnknownKey,
    #[error("typ is not {0}")]
    Typ(String),
    #[error("nonce is not the one of this sign-in")]
    Nonce,
    #[error("{0}")]
    Jwt(#[from] Error),
}

pub(super) fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Verified, Invalid> {
    let header = decode_header(token)?;
    let kid = header.kid.ok_or(Invalid::UnknownKey)?;
    let key = DecodingKey::from_jwk(keys.find(&kid).ok_or(Invalid::UnknownKey)?)?;
    let typ = header.typ.unwrap_or_default();
    if !typ.eq_ignore_ascii_case(expected.typ) {
        return Err(Invalid::Typ(expected.typ.into()));
    }
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    rules.set_issuer(&[expected.issuer]);
    rules.set_audience(&[expected.audience]);
    rules.validate_nbf = true;
    rules.leeway = LEEWAY;
    let claims = decode::<Map<String, Value>>(token, &key, &rules)?.claims;
    if expected.nonce.is_some_and(|nonce| claims.get("nonce").and_then(Value::as_str) != Some(nonce)) {
        return Err(Invalid::Nonce);
    }
    Ok(Verified { raw: token.to_owned(), kid, typ, claims })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Alg, Header, KeyPair};
    use serde_json::json;

    #[test]
    fn a_token_that_is_wrong_in_one_thing_does_not_pass() {
        let (pair, _) = KeyPair::generate(Alg::RS256);
        let keys: JwkSet = serde_json::from_value(json!({ "keys": [pair.public_jwk()] })).unwrap();
        let good =
            json!({ "iss": "https://id.example", "sub": "u", "aud": "app", "exp": 4_000_000_000u64, "nonce": "n" });
        let check = |typ: &str, change: Value| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let token = pair.sign_jwt(&Header::new(Alg::RS256, typ).with_kid(&pair.public_jwk().kid), &claims);
            let expected = Expected { issuer: "https://id.example", audience: "app", typ: "JWT", nonce: Some("n") };
            verify(&token, &keys, &expected).is_ok()
        };
        assert!(check("JWT", json!({})));
        assert!(!check("at+jwt", json!({})));
        for change in [
            json!({"iss": "x"}),
            json!({"aud": "x"}),
            json!({"exp": 1}),
            json!({"nonce": "x"}),
            json!({"nbf": 3_999_999_999u64}),
        ] {
            assert!(!check("JWT", change.clone()), "{change}");
        }
    }
}
