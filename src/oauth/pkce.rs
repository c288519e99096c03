//! RFC 7636 with S256 only. A verifier is demanded exactly when a challenge was sent: a downgrade either way fails.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{ErrorCode, OAuthError};
use crate::secret::fingerprint;

/// A checked `code_challenge` (43 characters of base64url).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// From the two parameters of an authorization request.
    ///
    /// # Errors
    /// `invalid_request` for `plain`, a missing method (its default is `plain`), or a challenge of another shape.
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, OAuthError> {
        let refuse = |text: &'static str| Err(OAuthError::new(ErrorCode::InvalidRequest, text));
        match (challenge, method) {
            (None, None) => Ok(None),
            (None, Some(_)) => refuse("code_challenge_method was sent without code_challenge"),
            (Some(_), None | Some("plain")) => refuse("code_challenge_method must be S256; plain is not accepted"),
            (Some(value), Some("S256")) => match URL_SAFE_NO_PAD.decode(value) {
                Ok(bytes) if bytes.len() == 32 => Ok(Some(Self(value.into()))),
                _ => refuse("code_challenge is not the base64url of a SHA-256 digest"),
            },
            (Some(_), Some(_)) => refuse("code_challenge_method must be S256"),
        }
    }

    pub fn of_verifier(verifier: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(fingerprint(verifier)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// # Errors
/// `invalid_grant` when the verifier is missing, superfluous or wrong.
pub fn check(challenge: Option<&CodeChallenge>, verifier: Option<&str>) -> Result<(), OAuthError> {
    let refuse = |text: &'static str| Err(OAuthError::new(ErrorCode::InvalidGrant, text));
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => refuse("code_verifier was sent but the authorization request had no code_challenge"),
        (Some(_), None) => refuse("code_verifier is missing; the authorization request had a code_challenge"),
        (Some(challenge), Some(verifier)) => {
            let shaped = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            let ours = CodeChallenge::of_verifier(verifier);
            let equal = verify_slices_are_equal(ours.0.as_bytes(), challenge.0.as_bytes()).is_ok();
            if shaped && equal { Ok(()) } else { refuse("code_verifier does not match the code_challenge") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfc_7636_appendix_b_pair_matches_and_downgrades_fail() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge =
            CodeChallenge::parse(Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), Some("S256")).unwrap().unwrap();
        assert!(check(Some(&challenge), Some(verifier)).is_ok());
        assert!(check(Some(&challenge), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX")).is_err());
        assert!(check(Some(&challenge), None).is_err());
        assert!(check(None, Some(verifier)).is_err());
        assert!(CodeChallenge::parse(Some("x"), Some("plain")).is_err());
        assert!(CodeChallenge::parse(Some(challenge.as_str()), None).is_err());
    }
}
