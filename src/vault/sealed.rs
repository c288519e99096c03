//! The envelope: `1 | len(key id) | key id | nonce (12) | AES-256-GCM ciphertext and tag`. The additional data is the
//! place, so that a row copied over another one does not open.

use aws_lc_rs::aead::{Aad, Nonce};

use super::keyring::Keyring;
use crate::rng::Rng;
use crate::secret::Secret;

const VERSION: u8 = 1;

/// Where a sealed value lives.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub table: &'static str,
    pub column: &'static str,
    pub row: &'a str,
}

impl Place<'_> {
    fn aad(&self) -> Vec<u8> {
        format!("{}/{}/{}", self.table, self.column, self.row).into_bytes()
    }
}

/// A sealed value as it stands in a `bytea` column.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Sealed(Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed(key {:?})", self.key_id().unwrap_or("?"))
    }
}

impl Sealed {
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
    /// The id of the master key it was sealed under.
    pub fn key_id(&self) -> Option<&str> {
        let len = usize::from(*self.0.get(1)?);
        std::str::from_utf8(self.0.get(2..2 + len)?).ok()
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    #[error("sealed under master key {0:?}, which the master key file does not hold; put that key back into the file")]
    UnknownKey(String),
    #[error("a sealed value does not open: the master key is another one, or the row was changed or moved")]
    Changed,
}

pub(super) fn seal(keyring: &Keyring, place: Place<'_>, value: &[u8], rng: &Rng) -> Sealed {
    let (id, key) = keyring.newest();
    let nonce: [u8; 12] = rng.bytes();
    let mut out = Vec::with_capacity(2 + id.as_str().len() + 12 + value.len() + 16);
    out.extend([VERSION, id.as_str().len() as u8]);
    out.extend(id.as_str().as_bytes());
    out.extend(nonce);
    let mut sealed = value.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.aad()), &mut sealed)
        .expect("AES-GCM seals anything shorter than 64 GiB");
    out.append(&mut sealed);
    Sealed(out)
}

pub(super) fn open(keyring: &Keyring, place: Place<'_>, sealed: &Sealed) -> Result<Secret<Vec<u8>>, OpenError> {
    let id = sealed.key_id().filter(|_| sealed.0[0] == VERSION).ok_or(OpenError::Changed)?;
    let key = keyring.find(id).ok_or_else(|| OpenError::UnknownKey(id.into()))?;
    let rest = &sealed.0[2 + id.len()..];
    let (nonce, ciphertext) = rest.split_at_checked(12).ok_or(OpenError::Changed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Changed)?;
    let mut buffer = ciphertext.to_vec();
    let plain = key.open_in_place(nonce, Aad::from(place.aad()), &mut buffer).map_err(|_| OpenError::Changed)?;
    let len = plain.len();
    buffer.truncate(len);
    Ok(Secret::new(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_where_it_was_sealed() {
        let rng = Rng::default();
        let ring = Keyring::parse(&Keyring::generate(&rng)).unwrap();
        let here = Place { table: "t", column: "c", row: "r1" };
        let sealed = seal(&ring, here, b"hush", &rng);
        assert_eq!(open(&ring, here, &sealed).unwrap().expose(), b"hush");
        let there = Place { row: "r2", ..here };
        assert_eq!(open(&ring, there, &sealed).err(), Some(OpenError::Changed));
        for cut in 0..sealed.0.len() {
            assert!(open(&ring, here, &Sealed(sealed.0[..cut].to_vec())).is_err());
        }
        let other = Keyring::parse(&Keyring::generate(&rng).replace("k1:", "k9:")).unwrap();
        assert_eq!(open(&other, here, &sealed).err(), Some(OpenError::UnknownKey("k1".into())));
    }
}
