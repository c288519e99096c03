//! The master keys: newest first. The file holds one key a line, `KEYID:BASE64` (32 bytes); the first line seals, all
//! lines open. Rotating is putting a new line on top, `avouch keys rewrap`, and only then removing the old line.
//!
//! What people make first is taken too: a line without an id, in base64 or hex, and a file of 32 raw bytes. Such a key is
//! named after its own digest, so that the same key has the same id wherever it stands.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::rng::Rng;

/// Names a master key inside every sealed value: 1 to 32 characters of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub struct Keyring {
    keys: Vec<(KeyId, LessSafeKey)>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyringError {
    #[error("the master key file is empty; it needs a line KEYID:BASE64 with 32 random bytes")]
    Empty,
    #[error(
        "line {0} of the master key file is not KEYID:BASE64 with 32 bytes and an id of [a-z0-9-] (base64 or hex alone will do)"
    )]
    Line(usize),
    #[error("the master key file names the key id {0:?} twice")]
    Twice(String),
}

impl Keyring {
    /// # Errors
    /// [`KeyringError`] naming the line; never its content.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<(KeyId, LessSafeKey)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, key) = parse_line(line).ok_or(KeyringError::Line(index + 1))?;
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(KeyringError::Twice(id.0));
            }
            keys.push((id, key));
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// The content of a key file: text, or 32 raw bytes.
    ///
    /// # Errors
    /// as [`Keyring::parse`].
    pub fn read(content: &[u8]) -> Result<Self, KeyringError> {
        match std::str::from_utf8(content) {
            Ok(text) if content.len() != 32 || text.contains(':') => Self::parse(text),
            _ if content.len() == 32 => {
                let (id, key) = unnamed(content).ok_or(KeyringError::Line(1))?;
                Ok(Self { keys: vec![(id, key)] })
            }
            _ => Err(KeyringError::Line(1)),
        }
    }

    /// The text of a new key file with one key.
    pub fn generate(rng: &Rng) -> String {
        format!("k1:{}\n", STANDARD.encode(rng.bytes::<32>()))
    }

    pub fn newest(&self) -> (&KeyId, &LessSafeKey) {
        let (id, key) = &self.keys[0];
        (id, key)
    }

    pub fn find(&self, id: &str) -> Option<&LessSafeKey> {
        self.keys.iter().find(|(known, _)| known.0 == id).map(|(_, key)| key)
    }

    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(|(id, _)| id)
    }
}

fn parse_line(line: &str) -> Option<(KeyId, LessSafeKey)> {
    let Some((id, key)) = line.split_once(':') else {
        let bytes = zeroize::Zeroizing::new(from_hex(line).or_else(|| STANDARD.decode(line).ok())?);
        return unnamed(&bytes);
    };
    let id_ok = (1..=32).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(key.trim()).ok()?);
    let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
    id_ok.then(|| (KeyId(id.into()), LessSafeKey::new(key)))
}

/// A key that nobody gave a name.
fn unnamed(bytes: &[u8]) -> Option<(KeyId, LessSafeKey)> {
    let key = UnboundKey::new(&AES_256_GCM, bytes).ok()?;
    let digest = digest(&SHA256, bytes);
    let id: String = digest.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    Some((KeyId(format!("k-{id}")), LessSafeKey::new(key)))
}

/// 64 hexadecimal digits.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_seals_and_faults_are_named_by_line() {
        let rng = Rng::default();
        let old = Keyring::generate(&rng);
        let new = Keyring::generate(&rng).replace("k1:", "k2:");
        let ring = Keyring::parse(&format!("# master keys\n{new}{old}")).unwrap();
        assert_eq!(ring.newest().0.as_str(), "k2");
        assert!(ring.find("k1").is_some());
        assert_eq!(Keyring::parse("").err(), Some(KeyringError::Empty));
        assert_eq!(Keyring::parse("k1:c2hvcnQ=").err(), Some(KeyringError::Line(1)));
        assert_eq!(Keyring::parse(&format!("{old}{old}")).err(), Some(KeyringError::Twice("k1".into())));
    }

    #[test]
    fn a_key_as_people_make_it_first_is_the_same_key_in_every_form() {
        let bytes = [7u8; 32];
        let hex = "07".repeat(32);
        let base64 = STANDARD.encode(bytes);
        let ids: Vec<String> = [&bytes[..], hex.as_bytes(), base64.as_bytes(), format!("{base64}\n").as_bytes()]
            .map(|content| Keyring::read(content).unwrap().newest().0.to_string())
            .to_vec();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert!(Keyring::read(b"k1:garbage").is_err() && Keyring::read(&[0xff; 31]).is_err());
        assert!(Keyring::read(b"only thirty-two letters, no key.").is_ok(), "32 bytes are 32 bytes");
    }
}
