//! What kind of token an assertion may be, and when it counts: `typ`, `exp`, `iat`, `nbf` (RFC 7523 §3, 4 to 6).

use super::Refusal;
use crate::jose::Jwt;

/// Clocks may differ by this many seconds.
pub(super) const SKEW: i64 = 60;

/// `typ`, when there is one: a token that was made for something else is no assertion (RFC 8725 §3.11).
///
/// # Errors
/// [`Refusal`] naming those that are.
pub(super) fn typ(jwt: &Jwt, known: &[&str]) -> Result<(), Refusal> {
    let Some(typ) = &jwt.header.typ else { return Ok(()) };
    let short = typ.to_ascii_lowercase();
    if known.contains(&short.strip_prefix("application/").unwrap_or(&short)) {
        return Ok(());
    }
    Err(Refusal::new("assertion_typ", format!("the assertion's typ must be {}, or be left out", known.join(" or "))))
}

/// `exp`, which must be there, ahead and at most `longest` seconds ahead.
///
/// # Errors
/// [`Refusal`] naming the claim.
pub(super) fn expires(jwt: &Jwt, now: i64, longest: i64) -> Result<i64, Refusal> {
    let Some(exp) = jwt.seconds("exp") else {
        return Err(Refusal::new("assertion_exp", "the assertion has no exp; give it one a few minutes ahead"));
    };
    if exp <= now - SKEW {
        let text = format!(
            "the assertion expired {} s ago (exp); make a new one, and compare the clocks",
            now.saturating_sub(exp)
        );
        return Err(Refusal::new("assertion_expired", text));
    }
    if exp > now.saturating_add(longest + SKEW) {
        let text = format!("the assertion lives too long (exp); it may end at most {longest} s from now");
        return Err(Refusal::new("assertion_exp", text));
    }
    Ok(exp)
}

/// `iat` and `nbf`, where present, must not lie ahead.
///
/// # Errors
/// [`Refusal`] naming the claim.
pub(super) fn has_begun(jwt: &Jwt, now: i64) -> Result<(), Refusal> {
    for claim in ["iat", "nbf"] {
        match (jwt.claims.contains_key(claim), jwt.seconds(claim)) {
            (true, None) => {
                return Err(Refusal::new("assertion_malformed", format!("the assertion's {claim} is not a number")));
            }
            (_, Some(at)) if at >= now + SKEW => {
                let text = format!("the assertion is from the future ({claim}); compare the clocks of both machines");
                return Err(Refusal::new("assertion_not_yet_valid", text));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Seconds since `iat`, which must be there.
///
/// # Errors
/// [`Refusal`].
pub(super) fn age(jwt: &Jwt, now: i64) -> Result<i64, Refusal> {
    let iat = jwt.seconds("iat");
    let iat = iat.ok_or_else(|| Refusal::new("assertion_iat", "the token does not say when it was issued (iat)"))?;
    Ok(now.saturating_sub(iat).max(0))
}
