//! A JWT that somebody shows us (RFC 7519, JWS compact form), taken apart. Nothing in it is true until a key of whoever
//! should have signed it says so: [`Jwt::signed_by`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::SignatureAlg;

/// Longer is no token that anybody uses.
const LONGEST: usize = 32 << 10;

#[derive(Clone)]
pub struct Jwt {
    pub header: JwtHeader,
    /// Unverified.
    pub claims: Map<String, Value>,
    pub(super) signed: String,
    pub(super) signature: Vec<u8>,
}

/// What of the header helps to choose a key, and what forbids to read on.
#[derive(Clone, Debug, Deserialize)]
pub struct JwtHeader {
    #[serde(deserialize_with = "known_alg")]
    pub alg: Result<SignatureAlg, String>,
    #[serde(default)]
    pub typ: Option<String>,
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default)]
    pub x5t: Option<String>,
    #[serde(default, rename = "x5t#S256")]
    pub x5t_s256: Option<String>,
    /// Entra puts one into tokens that are for Microsoft Graph alone; nobody else can verify those.
    #[serde(default)]
    pub nonce: Option<Value>,
    /// A key that the sender brings along: it proves nothing but that the sender has it.
    #[serde(default)]
    pub jwk: Option<Value>,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("it is not a signed JWT: three parts in base64url, a header and claims in JSON")]
    Malformed,
    #[error("it is longer than 32 KiB")]
    TooLong,
    #[error("it is encrypted; send a signed JWT")]
    Encrypted,
    #[error("its header has critical extensions (crit) that are not supported")]
    Critical,
    #[error("it is signed with {0}; RS256, PS256, ES256, EdDSA and their longer kin are accepted, never none or HS*")]
    AlgNotAllowed(String),
}

impl Jwt {
    /// # Errors
    /// [`JwtError`], whose texts are safe to show to the sender.
    pub fn parse(text: &str) -> Result<Self, JwtError> {
        if text.len() > LONGEST {
            return Err(JwtError::TooLong);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err(if parts.len() == 5 { JwtError::Encrypted } else { JwtError::Malformed });
        };
        let header: JwtHeader = decode(header)?;
        if let Err(alg) = &header.alg {
            return Err(JwtError::AlgNotAllowed(alg.clone()));
        }
        if header.crit.is_some() {
            return Err(JwtError::Critical);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtError::Malformed)?;
        let signed = text.rsplit_once('.').map(|(signed, _)| signed.to_owned()).ok_or(JwtError::Malformed)?;
        Ok(Self { claims: decode(claims)?, header, signed, signature })
    }

    /// A claim that is a string.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// A claim that is a NumericDate (RFC 7519 §2), in whole seconds.
    pub fn seconds(&self, claim: &str) -> Option<i64> {
        let value = self.claims.get(claim)?;
        value.as_i64().or_else(|| value.as_f64().filter(|f| f.abs() < 1e15).map(|f| f as i64))
    }
}

/// Without what would let somebody else show it.
impl std::fmt::Debug for Jwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwt").field("header", &self.header).finish_non_exhaustive()
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, JwtError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| JwtError::Malformed)
}

/// What it is instead, cut short: it is repeated to the sender.
fn known_alg<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Result<SignatureAlg, String>, D::Error> {
    let text = String::deserialize(d)?;
    Ok(SignatureAlg::parse(&text).ok_or_else(|| text.chars().take(20).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(header: &str, claims: &str) -> Result<Jwt, JwtError> {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Jwt::parse(&format!("{}.{}.{}", part(header), part(claims), part("signature")))
    }

    #[test]
    fn only_what_could_be_verified_is_read() {
        let good = jwt(r#"{"alg":"RS256","typ":"JWT"}"#, r#"{"iss":"a","exp":12,"nbf":3.7,"iat":"x"}"#).unwrap();
        assert_eq!((good.text("iss"), good.seconds("exp"), good.seconds("nbf")), (Some("a"), Some(12), Some(3)));
        assert_eq!(good.seconds("iat"), None);
        let table = [
            (r#"{"alg":"none"}"#, "{}", JwtError::AlgNotAllowed("none".into())),
            (r#"{"alg":"HS256"}"#, "{}", JwtError::AlgNotAllowed("HS256".into())),
            (r#"{"alg":"RS256","crit":["exp"]}"#, "{}", JwtError::Critical),
            (r#"{"alg":"RS256"}"#, "[]", JwtError::Malformed),
            (r#"{"typ":"JWT"}"#, "{}", JwtError::Malformed),
        ];
        for (header, claims, expected) in table {
            assert_eq!(jwt(header, claims).unwrap_err(), expected, "{header}");
        }
        assert_eq!(Jwt::parse("a.b.c.d.e").unwrap_err(), JwtError::Encrypted);
        assert_eq!(Jwt::parse(&"a".repeat(LONGEST + 1)).unwrap_err(), JwtError::TooLong);
        for garbage in ["", ".", "..", "a.b.c", "eyJ9.e30."] {
            assert_eq!(Jwt::parse(garbage).unwrap_err(), JwtError::Malformed, "{garbage}");
        }
    }
}
