//! The master keys: newest first. The file holds one key a line, `KEYID:BASE64` (32 bytes); the first line seals, all
//! lines open. Rotating is putting a new line on top, `avouch keys rewrap`, and only then removing the old line.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
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
    #[error("line {0} of the master key file is not KEYID:BASE64 with 32 bytes and an id of [a-z0-9-]")]
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
    let (id, key) = line.split_once(':')?;
    let id_ok = (1..=32).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let bytes = zeroize::Zeroizing::new(STANDARD.decode(key.trim()).ok()?);
    let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
    id_ok.then(|| (KeyId(id.into()), LessSafeKey::new(key)))
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
}
