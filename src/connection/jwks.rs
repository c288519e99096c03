//! The public keys of a connection, as an upstream fetches them to check our client assertions (RFC 7523). A key is
//! shown before it signs and until everybody has stopped using it, so that an upstream may cache.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::credential::PublicPart;
use super::{Connection, CredentialState};

/// The members of a public key (RFC 7518 §6, RFC 8037 §2). Anything else in storage stays there.
const PUBLIC_MEMBERS: [&str; 8] = ["kty", "kid", "alg", "crv", "x", "y", "n", "e"];

/// RFC 7517 §5 JWK set of the next, active and retiring keys, each with its certificate and both thumbprints.
pub fn jwks(connection: &Connection) -> Value {
    let shown = connection.credentials.iter().filter(|credential| {
        matches!(credential.state, CredentialState::Next | CredentialState::Active | CredentialState::Retiring)
    });
    let keys: Vec<Value> = shown.filter_map(|credential| credential.public.as_ref()).map(jwk).collect();
    json!({ "keys": keys })
}

fn jwk(public: &PublicPart) -> Value {
    let mut jwk: Map<String, Value> =
        PUBLIC_MEMBERS.iter().filter_map(|name| Some(((*name).into(), public.jwk.get(name)?.clone()))).collect();
    jwk.insert("use".into(), "sig".into());
    if !public.certificate.is_empty() {
        let thumbprint = |algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, &public.certificate));
        jwk.insert("x5c".into(), json!([STANDARD.encode(&public.certificate)]));
        jwk.insert("x5t".into(), thumbprint(&SHA1_FOR_LEGACY_USE_ONLY).into());
        jwk.insert("x5t#S256".into(), thumbprint(&SHA256).into());
    }
    Value::Object(jwk)
}
