//! One-time codes by time (RFC 6238): six digits, thirty seconds, SHA-1, which is what every authenticator app takes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use time::OffsetDateTime;
use totp_rs::{Algorithm, Secret as Encoded, TOTP};

use crate::rng::Rng;
use crate::secret::Secret;

const STEP: i64 = 30;
const DIGITS: usize = 6;

/// 160 random bits, as RFC 4226 §4 recommends.
pub fn secret(rng: &Rng) -> Secret<Vec<u8>> {
    Secret::new(rng.bytes::<20>().to_vec())
}

/// For people who type it into their app.
pub fn base32(secret: &Secret<Vec<u8>>) -> String {
    Encoded::Raw(secret.expose().clone()).to_encoded().to_string()
}

/// What the QR code says: `otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=ISSUER`.
pub fn uri(secret: &Secret<Vec<u8>>, issuer: &str, account: &str) -> String {
    let text =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let (issuer, account) = (text(issuer), text(account));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", base32(secret))
}

/// The step that `code` is of, when it is of this one or of a neighbour: clocks differ, and typing takes time.
pub fn step_of(secret: &Secret<Vec<u8>>, code: &str, now: OffsetDateTime) -> Option<i64> {
    let totp = TOTP::new(Algorithm::SHA1, DIGITS, 0, STEP.unsigned_abs(), secret.expose().clone()).ok()?;
    let present = now.unix_timestamp().div_euclid(STEP);
    [present, present - 1, present + 1].into_iter().find(|step| {
        let seconds = u64::try_from(step * STEP).unwrap_or_default();
        verify_slices_are_equal(totp.generate(seconds).as_bytes(), code.as_bytes()).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, in six digits.
    #[test]
    fn the_codes_are_those_of_the_standard_and_hold_for_a_step_before_and_after() {
        let secret = Secret::new(b"12345678901234567890".to_vec());
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            let step = seconds / 30;
            for around in [-30, 0, 30] {
                assert_eq!(step_of(&secret, code, at(seconds + around)), Some(step), "{code}");
            }
            assert_eq!(step_of(&secret, code, at(seconds + 61)), None);
        }
        assert_eq!(step_of(&secret, "", at(59)), None);
        assert_eq!(
            uri(&secret, "id.example", "a b@x"),
            "otpauth://totp/id.example:a%20b%40x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=id.example"
        );
    }
}
