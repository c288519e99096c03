//! Its ID tokens, and the ways in which their signatures can be false.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::endpoint::extend;
use super::{Code, State, key};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    Honest,
    /// `alg: none`, and no signature.
    None,
    /// HS256 with the public key for a secret.
    HmacWithPublicKey,
    /// A stranger's key under its own `kid`, which is published nowhere.
    UnknownKid,
    /// A stranger's key under our `kid`.
    KidSwap,
    /// Our key, and one bit of the payload changed afterwards.
    Broken,
}

pub fn make(state: &State, issuer: &str, code: &Code, now: i64) -> String {
    let script = &state.script;
    let mut claims = json!({
        "iss": issuer,
        "sub": script.subject,
        "aud": code.client_id,
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
    });
    if let Some(nonce) = &code.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    extend(&mut claims, &script.claims);
    if let Some(alter) = &script.id_token {
        alter(&mut claims);
    }
    sign(state, &claims)
}

/// A logout token of this issuer for this client, in which `change` may lie; signed as the script says.
pub fn logout_token(state: &State, issuer: &str, client_id: &str, now: i64, change: &Value) -> String {
    let mut claims = json!({
        "iss": issuer,
        "aud": client_id,
        "iat": now,
        "exp": now + 120,
        "jti": crate::harness::app::random(),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    extend(&mut claims, change);
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    sign(state, &claims)
}

fn sign(state: &State, claims: &Value) -> String {
    let ours = state.signing.public_jwk();
    let stranger = key(2);
    let signed = |header: Value, claims: &Value, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(input.as_bytes()));
        format!("{input}.{signature}")
    };
    let alg = ours.alg.as_str();
    match state.script.signature {
        Signature::Honest => signed(json!({ "alg": alg, "kid": ours.kid }), claims, &|m| state.signing.sign(m)),
        Signature::None => signed(json!({ "alg": "none" }), claims, &|_| Vec::new()),
        Signature::HmacWithPublicKey => {
            let public = serde_json::to_vec(&ours).unwrap();
            let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public);
            let header = json!({ "alg": "HS256", "kid": ours.kid });
            signed(header, claims, &|m| aws_lc_rs::hmac::sign(&secret, m).as_ref().to_vec())
        }
        Signature::UnknownKid => {
            signed(json!({ "alg": "RS256", "kid": stranger.public_jwk().kid }), claims, &|m| stranger.sign(m))
        }
        Signature::KidSwap => signed(json!({ "alg": "RS256", "kid": ours.kid }), claims, &|m| stranger.sign(m)),
        Signature::Broken => {
            let honest = signed(json!({ "alg": alg, "kid": ours.kid }), claims, &|m| state.signing.sign(m));
            let (head, signature) = honest.rsplit_once('.').unwrap();
            let mut other = claims.clone();
            other["sub"] = "somebody-else".into();
            let header = head.split('.').next().unwrap();
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(other.to_string()))
        }
    }
}
