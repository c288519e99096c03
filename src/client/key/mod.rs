//! The keys by which a client signs in place of a secret (`private_key_jwt`), as far as it showed them: when each last did, how
//! often and from where. Owns whether one can go; the keys themselves stand in the client's settings or at its `jwks_uri`.

pub mod store;

use serde::Serialize;
use time::OffsetDateTime;

use super::ClientId;
use crate::db::Conn;
use crate::jose::VerificationKey;
use crate::life::Verdict;

/// A key that signed, as uses are gathered by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName {
    pub client: ClientId,
    /// RFC 7638: the same key is the same one under whatever name.
    pub thumbprint: String,
    pub kid: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct KnownKey {
    pub thumbprint: String,
    pub kid: Option<String>,
    /// In the client's settings; what stands at its `jwks_uri` is known when it has signed.
    pub registered: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    pub first_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    /// Where it was last used from.
    pub last_used_addr: Option<String>,
    /// How often, as far as it was counted.
    pub uses: i64,
    /// Whether it is believed, as far as that is known without asking the client's `jwks_uri`.
    #[serde(skip)]
    counts: bool,
}

impl KnownKey {
    /// Of one that is believed. `all`: the client's keys, this one among them.
    pub fn safe_to_retire(&self, all: &[Self], now: OffsetDateTime) -> Option<Verdict> {
        if !self.counts {
            return None;
        }
        let mut others = all.iter().filter(|one| one.counts && one.thumbprint != self.thumbprint).peekable();
        if others.peek().is_none() {
            return Some(Verdict::not_yet("It is the only one that counts."));
        }
        let Some(last) = self.last_used_at else {
            return Some(Verdict::not_yet("It was never used: it may be the next one."));
        };
        let another_is_used = others.any(|one| one.last_used_at > self.last_used_at);
        let needed = Verdict::needed(self.last_used_at, self.last_used_addr.as_deref(), last, now);
        Some(needed.unwrap_or_else(|| {
            if another_is_used {
                Verdict::safe(format!(
                    "It was not used for {} days, and another one is used.",
                    (now - last).whole_days()
                ))
            } else {
                Verdict::not_yet("It was not used lately, but no other one was used since.")
            }
        }))
    }
}

/// The registered keys in their order, then those that signed and are not registered. `published`: the client has a `jwks_uri`.
///
/// # Errors
/// the database's.
pub async fn list<'a>(
    conn: &mut Conn,
    client: &ClientId,
    registered: impl Iterator<Item = &'a VerificationKey>,
    published: bool,
) -> Result<Vec<KnownKey>, sqlx::Error> {
    let mut used = store::list(conn, client).await?;
    let mut keys: Vec<KnownKey> = Vec::new();
    for key in registered {
        let (thumbprint, kid) = (key.thumbprint(), key.kid().map(ToOwned::to_owned));
        if keys.iter().any(|known| known.thumbprint == thumbprint) {
            continue;
        }
        let at = used.iter().position(|row| row.thumbprint == thumbprint);
        let row = at.map(|at| used.remove(at));
        keys.push(KnownKey {
            thumbprint,
            kid,
            registered: true,
            first_used_at: row.as_ref().map(|row| row.first_used_at),
            last_used_at: row.as_ref().map(|row| row.last_used_at),
            uses: row.as_ref().map_or(0, |row| row.uses),
            last_used_addr: row.and_then(|row| row.last_used_addr),
            counts: true,
        });
    }
    keys.extend(used.into_iter().map(|row| KnownKey {
        thumbprint: row.thumbprint,
        kid: row.kid,
        registered: false,
        first_used_at: Some(row.first_used_at),
        last_used_at: Some(row.last_used_at),
        last_used_addr: row.last_used_addr,
        uses: row.uses,
        counts: published,
    }));
    Ok(keys)
}
