//! JWTs of tests' own making: any header, any claims, any signature.

use avouch::jose::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Compact form, signed by whatever `sign` does.
pub fn compact(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// Signed by the key, with its `alg` and `kid`; `header` adds to these or takes them away with null.
pub fn jwt(key: &KeyPair, header: &Value, claims: &Value) -> String {
    let jwk = key.public_jwk();
    let base = json!({ "alg": jwk.alg, "typ": "JWT", "kid": jwk.kid });
    compact(&changed(&base, header), claims, |message| key.sign(message))
}

/// Object with members replaced by `change`'s; null takes one away.
pub fn changed(object: &Value, change: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}
