//! Values that must not be seen: `Secret<T>` in memory, and opaque tokens whose prefix names their kind and whose
//! checksum lets a scanner tell a leaked one from a look-alike.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use zeroize::{Zeroize, Zeroizing};

use crate::rng::Rng;

/// Redacted in `Debug`, wiped on drop, compared in constant time. It has no `Display` and no `Serialize` on purpose.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }
    /// The bare value. Every call is a place to review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal((*self.0).as_ref(), (*other.0).as_ref()).is_ok()
    }
}

impl<'de> serde::Deserialize<'de> for Secret<String> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self::new)
    }
}

/// What an opaque value is for; its prefix stands in front of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AuthorizationCode,
    /// What stands in the `request_uri` of a pushed authorization request.
    PushedRequest,
    DeviceCode,
    RefreshToken,
    ClientSecret,
    OperatorKey,
    /// An operator's session at the admin pages.
    OperatorSession,
    Session,
    /// Binds a browser to the requests and login attempts it began.
    Browser,
    /// The `state` parameter of a trip to an upstream.
    UpstreamState,
    /// An invitation to test a connection.
    Trial,
    /// In the address of the calendar's feed.
    CalendarFeed,
    /// By it somebody without an account renews a connection's credential.
    RenewalLink,
}

impl Kind {
    pub const fn prefix(self) -> &'static str {
        match self {
            Kind::AuthorizationCode => "avo_ac_",
            Kind::PushedRequest => "avo_pr_",
            Kind::DeviceCode => "avo_dc_",
            Kind::RefreshToken => "avo_rt_",
            Kind::ClientSecret => "avo_cs_",
            Kind::OperatorKey => "avo_ok_",
            Kind::OperatorSession => "avo_os_",
            Kind::Session => "avo_ss_",
            Kind::Browser => "avo_br_",
            Kind::UpstreamState => "avo_us_",
            Kind::Trial => "avo_ti_",
            Kind::CalendarFeed => "avo_cf_",
            Kind::RenewalLink => "avo_rl_",
        }
    }
}

/// `prefix`, 43 characters (256 bits), 6 characters of checksum; all of it `[A-Za-z0-9_]`, so that percent-encoded
/// and raw Basic credentials are the same bytes.
pub fn mint(kind: Kind, rng: &Rng) -> Secret<String> {
    let body = base62(&rng.bytes::<32>(), 43);
    let check = checksum(&body);
    Secret::new(format!("{}{body}{check}", kind.prefix()))
}

/// Whether `value` is shaped like a `kind` of ours, checksum included. Saves a database read for garbage.
pub fn is_well_formed(kind: Kind, value: &str) -> bool {
    value
        .strip_prefix(kind.prefix())
        .filter(|rest| rest.len() == 49 && rest.is_ascii())
        .is_some_and(|rest| checksum(&rest[..43]) == rest[43..])
}

/// SHA-256 of a 256-bit random value: what the database keeps of it.
pub fn fingerprint(value: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, value.as_bytes()).as_ref());
    out
}

fn checksum(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), 6)
}

/// The number in `bytes` (big endian) in exactly `digits` base-62 digits.
fn base62(bytes: &[u8], digits: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = bytes.to_vec();
    let mut out = vec![b'0'; digits];
    for place in out.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in number.iter_mut() {
            let value = (remainder << 8) | u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *place = ALPHABET[remainder as usize];
    }
    number.zeroize();
    String::from_utf8(out).expect("the alphabet is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_value_names_its_kind_and_a_typo_is_noticed() {
        let value = mint(Kind::ClientSecret, &Rng::default());
        let text = value.expose().clone();
        assert!(is_well_formed(Kind::ClientSecret, &text));
        assert!(!is_well_formed(Kind::RefreshToken, &text));
        let last = if text.ends_with('0') { '1' } else { '0' };
        assert!(!is_well_formed(Kind::ClientSecret, &format!("{}{last}", &text[..text.len() - 1])));
        assert_eq!(format!("{value:?}"), "[redacted]");
    }
}
