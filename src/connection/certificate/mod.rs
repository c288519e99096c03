//! The certificates by which an identity provider proves its answers (SAML), each with a life of its own. `next` and
//! `active` both verify, so that one which is added ahead makes the provider's switch unnoticed; `retired` never does.
//! Owns the states and what follows from a list of the provider's. It reads no X.509: `upstream::saml` does.

mod change;
mod retirement;
pub mod store;

pub use change::{Added, ChangeError, Origin, add, counts, distrusted, follow, promote, retire, seen_signing};

use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use crate::ids::CertificateId;
pub use crate::life::State as CertificateState;

/// What is read from an X.509 certificate whose key may verify a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub der: Vec<u8>,
    /// Lower-case hex of the DER's SHA-256.
    pub sha256: String,
    /// `rsa` or `ec`.
    pub key_type: &'static str,
    pub key_bits: u32,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

/// One certificate of a connection. It reads like its [`Facts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub id: CertificateId,
    pub facts: Facts,
    /// `next`, `active` or `retired`.
    pub state: CertificateState,
    pub source: Source,
    pub added_by: String,
    pub added_at: OffsetDateTime,
    /// When an answer signed with it was first taken.
    pub first_seen_at: Option<OffsetDateTime>,
    /// Within ten minutes.
    pub last_seen_at: Option<OffsetDateTime>,
    pub retired: Option<(OffsetDateTime, Source)>,
}

/// Whose word it is that a certificate comes, or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The provider's published metadata.
    Metadata,
    /// The resource file: listed there, or in the metadata file that it names.
    File,
    /// A person, by name.
    Manual,
}

impl Source {
    pub const ALL: [Self; 3] = [Self::Metadata, Self::File, Self::Manual];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::File => "file",
            Self::Manual => "manual",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

impl Deref for Certificate {
    type Target = Facts;
    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl Certificate {
    /// Whether signatures under it are believed, as far as its state goes.
    pub fn is_usable(&self) -> bool {
        self.state.is_published()
    }
}

impl Facts {
    pub fn is_in_time(&self, now: OffsetDateTime) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

/// A certificate as a file that administrators exchange (RFC 7468).
pub fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", lines.join("\n"))
}

/// A fingerprint as people compare it: `AB:CD:..`.
pub fn fingerprint(sha256: &str) -> String {
    let pairs: Vec<_> = sha256.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    pairs.join(":")
}

/// What becomes of a connection's certificates when its configuration lists others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Following {
    pub add: Vec<Facts>,
    /// Retired because it was no longer listed, and listed again.
    pub revive: Vec<Certificate>,
    pub retire: Vec<Certificate>,
    /// No longer listed, and all there is: without them nobody could sign in.
    pub kept_as_last: Vec<Certificate>,
    /// New, and nobody has said that the list is to be trusted with new ones.
    pub distrusted: Vec<Facts>,
    /// Listed, and retired by a person: the list does not overrule people.
    pub stays_retired: Vec<Certificate>,
}

impl Following {
    /// `counts`: whether it could verify anything, for the rule of the last one. Certificates that a person added stay,
    /// whatever is listed.
    pub fn of(known: &[Certificate], listed: &[Facts], trusts_new: bool, counts: impl Fn(&Facts) -> bool) -> Self {
        let mut out = Self::default();
        for facts in listed {
            match known.iter().find(|one| one.sha256 == facts.sha256) {
                Some(one) if one.is_usable() => {}
                Some(one) if one.retired.is_some_and(|(_, by)| by == Source::Manual) => {
                    out.stays_retired.push(one.clone());
                }
                _ if !trusts_new => out.distrusted.push(facts.clone()),
                Some(one) => out.revive.push(one.clone()),
                None if out.add.iter().any(|one| one.sha256 == facts.sha256) => {}
                None => out.add.push(facts.clone()),
            }
        }
        let leaves =
            |one: &Certificate| one.source != Source::Manual && !listed.iter().any(|facts| facts.sha256 == one.sha256);
        let (leaving, staying): (Vec<_>, Vec<_>) =
            known.iter().filter(|one| one.is_usable()).partition(|one| leaves(one));
        let coming = out.revive.iter().map(|one| &one.facts).chain(&out.add);
        let somebody_stays = staying.iter().map(|one| &one.facts).chain(coming).any(counts);
        let leaving = leaving.into_iter().cloned().collect();
        *(if somebody_stays { &mut out.retire } else { &mut out.kept_as_last }) = leaving;
        out
    }

    pub fn changes_something(&self) -> bool {
        !(self.add.is_empty() && self.revive.is_empty() && self.retire.is_empty())
    }
}

#[cfg(test)]
mod tests;
