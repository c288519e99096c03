//! The rules of one proof (RFC 9449 §4.3). Nothing here does I/O.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use url::Url;

use crate::jose::{JwkError, Jwt, JwtError, SignatureAlg, Signed, VerificationKey};
use crate::oauth::jkt::Jkt;
use crate::secret::fingerprint;

/// A key is made for this, so nothing old has to be taken: no RSA with PKCS#1 v1.5.
pub const ALGS: [SignatureAlg; 7] = [
    SignatureAlg::ES256,
    SignatureAlg::EdDsa,
    SignatureAlg::PS256,
    SignatureAlg::ES384,
    SignatureAlg::ES512,
    SignatureAlg::PS384,
    SignatureAlg::PS512,
];
/// Bytes: twice what the largest RSA key needs.
const LONGEST: usize = 8 << 10;
/// Bytes of `jti`.
const LONGEST_JTI: usize = 512;
/// Seconds since `iat`.
const MAX_AGE: i64 = 60;
/// Seconds that the sender's clock may be ahead of ours.
const SKEW: i64 = 10;

/// A proof whose rules were kept. It counts when nobody showed it before.
#[derive(Debug)]
pub struct Proof {
    pub key: Jkt,
    /// Of key and `jti`.
    pub fingerprint: [u8; 32],
    /// By then it is too old by itself.
    pub until: OffsetDateTime,
}

/// The request that the proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub method: &'a str,
    /// Absolute, from the configured issuer.
    pub url: &'a str,
    /// The token that comes along, where one is used.
    pub access_token: Option<&'a str>,
}

/// A word for audit, and a sentence for the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: &'static str,
    pub description: Cow<'static, str>,
}

impl Refusal {
    pub fn new(reason: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, description: description.into() }
    }

    /// None was sent where one is needed.
    pub fn missing() -> Self {
        Self::new("dpop_missing", "a DPoP proof is missing: send one in the header DPoP (RFC 9449)")
    }
}

impl From<JwtError> for Refusal {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::AlgNotAllowed(alg) => wrong_alg(&alg),
            other => Self::new("dpop_malformed", format!("the DPoP proof cannot be used: {other}")),
        }
    }
}

impl From<JwkError> for Refusal {
    fn from(error: JwkError) -> Self {
        Self::new("dpop_jwk", format!("the key in the DPoP proof's header (jwk) cannot be used: {error}"))
    }
}

fn wrong_alg(alg: &str) -> Refusal {
    let known = ALGS.map(SignatureAlg::as_str).join(", ");
    Refusal::new("dpop_alg", format!("the DPoP proof is signed with {alg}; these are accepted: {known}"))
}

impl Proof {
    /// `now` in seconds since the epoch.
    ///
    /// # Errors
    /// [`Refusal`] naming the rule that is broken.
    pub fn check(jwt: &str, target: Target<'_>, now: i64) -> Result<Self, Refusal> {
        if jwt.len() > LONGEST {
            return Err(Refusal::new("dpop_malformed", "the DPoP proof is longer than 8 KiB"));
        }
        let jwt = Jwt::parse(jwt)?;
        let typ = jwt.header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "dpop+jwt" {
            return Err(Refusal::new("dpop_typ", "the DPoP proof's typ must be dpop+jwt"));
        }
        match &jwt.header.alg {
            Ok(alg) if ALGS.contains(alg) => {}
            Ok(alg) => return Err(wrong_alg(alg.as_str())),
            Err(alg) => return Err(wrong_alg(alg)),
        }
        let jwk = jwt.header.jwk.as_ref();
        let jwk = jwk.ok_or_else(|| Refusal::new("dpop_jwk", "the DPoP proof's header has no public key (jwk)"))?;
        let key = VerificationKey::from_jwk(jwk)?;
        bound_to(&jwt, target)?;
        let iat = age(&jwt, now)?;
        let jti = jwt.text("jti").filter(|jti| (1..=LONGEST_JTI).contains(&jti.len()));
        let jti = jti.ok_or_else(|| {
            Refusal::new("dpop_jti", "the DPoP proof needs a jti, a string of 1 to 512 bytes that is never used again")
        })?;
        if jwt.signed_by([&key], None) != Signed::Yes {
            return Err(Refusal::new("dpop_signature", "the DPoP proof is not signed by the key in its header (jwk)"));
        }
        let thumbprint = key.thumbprint();
        let mut digest = Context::new(&SHA256);
        digest.update(thumbprint.as_bytes());
        digest.update(&[0]);
        digest.update(jti.as_bytes());
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.finish().as_ref());
        let until = OffsetDateTime::from_unix_timestamp(iat + MAX_AGE + 1)
            .map_err(|_| Refusal::new("dpop_iat", "the DPoP proof's iat is no time"))?;
        Ok(Self { key: Jkt::from_thumbprint(thumbprint), fingerprint, until })
    }
}

/// `htm`, `htu` and, with a token, `ath`.
fn bound_to(jwt: &Jwt, target: Target<'_>) -> Result<(), Refusal> {
    if jwt.text("htm") != Some(target.method) {
        let text = format!("the DPoP proof's htm must be {}, the method of this request", target.method);
        return Err(Refusal::new("dpop_htm", text));
    }
    let htu = jwt.text("htu").and_then(bare);
    if htu.is_none() || htu != bare(target.url) {
        let text = format!("the DPoP proof's htu must be {}, the address of this request", target.url);
        return Err(Refusal::new("dpop_htu", text));
    }
    let ath = target.access_token.map(|token| URL_SAFE_NO_PAD.encode(fingerprint(token)));
    if ath.is_some() && jwt.text("ath") != ath.as_deref() {
        let text = "the DPoP proof's ath must be the base64url of the access token's SHA-256";
        return Err(Refusal::new("dpop_ath", text));
    }
    Ok(())
}

/// RFC 9449 §4.3: compared as URIs, without query and fragment.
fn bare(url: &str) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// `iat`, when it is of this moment.
fn age(jwt: &Jwt, now: i64) -> Result<i64, Refusal> {
    let text = match jwt.seconds("iat") {
        None => "the DPoP proof does not say when it was made (iat)".to_owned(),
        Some(iat) if iat > now.saturating_add(SKEW) => {
            "the DPoP proof is from the future (iat); compare the clocks of both machines".into()
        }
        Some(iat) if iat < now - MAX_AGE => {
            let age = now.saturating_sub(iat);
            format!(
                "the DPoP proof is {age} s old (iat), and may be {MAX_AGE}; make one for each request, and compare the clocks"
            )
        }
        Some(iat) => return Ok(iat),
    };
    Err(Refusal::new("dpop_iat", text))
}
