//! Standard Webhooks 1.0: the secret both sides know, and the signature by which a receiver believes a message. Any library
//! for it verifies ours.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::rng::Rng;
use crate::secret::Secret;

const PREFIX: &str = "whsec_";

/// 256 random bits: `whsec_` and base64.
pub fn mint(rng: &Rng) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(rng.bytes::<32>())))
}

/// The header `webhook-signature`: one signature for each secret that is good now, with a blank between them.
pub fn sign(secrets: &[Secret<String>], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signature = |secret: &Secret<String>| {
        let key = STANDARD.decode(secret.expose().trim_start_matches(PREFIX)).unwrap_or_default();
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference implementations.
    #[test]
    fn it_signs_as_the_specification_does() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let signed = sign(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let minted = mint(&Rng::default());
        assert_eq!(STANDARD.decode(minted.expose().strip_prefix(PREFIX).unwrap()).unwrap().len(), 32);
    }
}
