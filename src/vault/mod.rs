//! Encryption at rest. Owns the keyring of master keys, the envelope [`Sealed`], and keyed digests of secrets that may
//! be weak. It does not know what it seals: the caller names the place (table, column, row), and a value moved to
//! another place no longer opens.

mod keyring;
pub mod pepper;
mod retirement;
pub mod rewrap;
mod sealed;
pub mod store;

use aws_lc_rs::hmac;

pub use keyring::{KeyId, Keyring, KeyringError};
pub use sealed::{OpenError, Place, Sealed};
pub use store::KnownKey;

use crate::rng::Rng;
use crate::secret::Secret;

/// The opened vault: keyring and pepper. Made by [`pepper::open`], which fails on a wrong master key.
pub struct Vault {
    keyring: Keyring,
    pepper: hmac::Key,
}

impl Vault {
    pub(crate) fn new(keyring: Keyring, pepper: &[u8; 32]) -> Self {
        Self { keyring, pepper: hmac::Key::new(hmac::HMAC_SHA256, pepper) }
    }

    /// Seals `value` for `place` under the newest master key.
    pub fn seal(&self, place: Place<'_>, value: &[u8], rng: &Rng) -> Sealed {
        sealed::seal(&self.keyring, place, value, rng)
    }

    /// # Errors
    /// [`OpenError`] when the master key is missing or the value was changed or moved.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Secret<Vec<u8>>, OpenError> {
        sealed::open(&self.keyring, place, sealed)
    }

    /// [`Vault::open`] for text.
    ///
    /// # Errors
    /// as [`Vault::open`].
    pub fn open_text(&self, place: Place<'_>, sealed: &Sealed) -> Result<Secret<String>, OpenError> {
        let bytes = self.open(place, sealed)?;
        String::from_utf8(bytes.expose().clone()).map(Secret::new).map_err(|_| OpenError::Changed)
    }

    /// HMAC-SHA256 under the pepper: compares secrets that people may have chosen without storing anything that a
    /// dictionary could be tried against.
    pub fn digest(&self, value: &str) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.pepper, value.as_bytes()).as_ref());
        out
    }

    /// A short-lived tag for forms (CSRF): HMAC over parts that cannot run into each other.
    pub fn tag(&self, parts: &[&str]) -> String {
        use base64::Engine;
        let mut context = hmac::Context::with_key(&self.pepper);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(context.sign().as_ref())
    }

    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}
