//! Where a secret is to be found. The secret itself never stands in a resource file, and no message repeats one that does.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::secret::Secret;

/// `{ env: NAME }` or `{ file: PATH }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    Env(String),
    File(PathBuf),
}

/// The reference leads nowhere; the text says which and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unresolved(pub String);

impl SecretRef {
    /// Line ends after the value are not part of it.
    pub(super) fn resolve(&self, base_dir: &Path) -> Result<Secret<String>, Unresolved> {
        let text = match self {
            Self::Env(name) => {
                std::env::var(name).map_err(|_| Unresolved(format!("the variable {name} is not set")))?
            }
            Self::File(path) => std::fs::read_to_string(base_dir.join(path))
                .map_err(|error| Unresolved(format!("the file {} cannot be read: {error}", path.display())))?,
        };
        let value = text.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err(Unresolved(format!("{self} is empty")));
        }
        Ok(Secret::new(value.to_owned()))
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Reference)
    }
}

struct Reference;

fn plain<T, E: de::Error>() -> Result<T, E> {
    Err(E::custom("a secret does not stand in this file: write { env: NAME } or { file: PATH }"))
}

impl<'de> Visitor<'de> for Reference {
    type Value = SecretRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env: NAME } or { file: PATH }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let one = || de::Error::custom("a secret has exactly one of env and file");
        let key: Key = map.next_key()?.ok_or_else(one)?;
        let value: String = map.next_value()?;
        if map.next_key::<Key>()?.is_some() {
            return Err(one());
        }
        Ok(match key {
            Key::Env => SecretRef::Env(value),
            Key::File => SecretRef::File(value.into()),
        })
    }

    // A scalar is the secret itself: serde's own words would repeat it.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretRef, E> {
        plain()
    }
    fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretRef, E> {
        plain()
    }
    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretRef, E> {
        plain()
    }
    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretRef, E> {
        plain()
    }
    fn visit_i128<E: de::Error>(self, _: i128) -> Result<SecretRef, E> {
        plain()
    }
    fn visit_u128<E: de::Error>(self, _: u128) -> Result<SecretRef, E> {
        plain()
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretRef, E> {
        plain()
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Env,
    File,
}

/// The variable that an export refers to: `AVOUCH_SECRET_`, the kind, and the key in capitals. Two keys never share one:
/// where capitals and underscores would lose something, a checksum of the key stands behind it.
pub(super) fn secret_variable(kind: &str, key: &str) -> String {
    let plain = key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let capitals: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let check = if plain { String::new() } else { format!("_{:08X}", crc32fast::hash(key.as_bytes())) };
    format!("AVOUCH_SECRET_{kind}_{capitals}{check}")
}
