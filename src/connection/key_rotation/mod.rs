//! The life of the keys by which a connection proves itself without a secret (`private_key_jwt`): a next key is published
//! before it signs, takes over at its date, and the one before stays published for a while, so that the change can be
//! taken back. Owns the order of these steps and their dates, those of SAML keys included; `upstream` signs.

mod change;
mod schedule;
pub(super) mod store;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::credential::handover::Use;
use super::{CredentialState, KeyUse, Slug};
use crate::db::Conn;
use crate::ids::CredentialId;
use crate::jose::CertificateError;
use crate::life::Verdict;

pub use change::{Ground, Promoted, prepare, promote, put_back, withdraw};
pub use schedule::{Takeover, keep_schedule, plan_takeover};

/// A key that another has replaced goes on being published, and what was encrypted to it is read. Our SAML metadata says
/// of itself that it is good for seven days: nobody goes by an older one.
pub const KEPT: Duration = Duration::days(8);

/// How the provider comes to know a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// An administrator pastes each one there. Keys change by hand only.
    #[default]
    Upload,
    /// It reads the connection's JWKS URL: a new key needs nothing done there.
    JwksUri,
}

/// Of `private_key_jwt`, as it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    #[serde(default)]
    pub delivery: Delivery,
    /// A key signs for so long; 0: until somebody changes it.
    #[serde(default = "usual_days")]
    pub days: u16,
    /// A next key is published so long before it signs: longer than the provider works with a JWKS that it has read.
    #[serde(default = "usual_hours")]
    pub publish_ahead_hours: u16,
}

const fn usual_days() -> u16 {
    90
}

const fn usual_hours() -> u16 {
    24
}

impl Default for KeyRotation {
    fn default() -> Self {
        Self { delivery: Delivery::default(), days: usual_days(), publish_ahead_hours: usual_hours() }
    }
}

impl KeyRotation {
    pub fn publish_ahead(self) -> Duration {
        Duration::hours(self.publish_ahead_hours.into())
    }

    /// Absent: keys change by hand only.
    pub fn every(self) -> Option<Duration> {
        (self.delivery == Delivery::JwksUri && self.days > 0).then(|| Duration::days(self.days.into()))
    }

    /// What is wrong with it, for who has written it.
    pub fn fault(self) -> Option<&'static str> {
        match self {
            Self { publish_ahead_hours: 0 | 721.., .. } => Some("publish_ahead_hours must be 1 to 720"),
            Self { days: 731.., .. } => Some("days must be at most 730; 0 rotates by hand only"),
            Self { days: 1.., publish_ahead_hours, .. }
                if Duration::days(self.days.into()) <= Duration::hours(publish_ahead_hours.into()) =>
            {
                Some("days must be longer than publish_ahead_hours: a key is published before it signs")
            }
            _ => None,
        }
    }
}

/// What a key is known by. The private part is not in here.
#[derive(Clone, Debug)]
pub struct KnownKey {
    pub id: CredentialId,
    pub state: CredentialState,
    pub created_by: String,
    /// Published since.
    pub created_at: OffsetDateTime,
    /// The end of the certificate around it.
    pub expires_at: Option<OffsetDateTime>,
    pub promote_at: Option<OffsetDateTime>,
    /// Absent of keys that never took over, and of those from before this was written down.
    pub active_since: Option<OffsetDateTime>,
    /// Statements that the provider took; of SAML keys, messages that were signed or opened.
    pub uses: i64,
    pub last_used_at: Option<OffsetDateTime>,
    /// When another one last stood in for it.
    pub refused_at: Option<OffsetDateTime>,
    /// Of SAML keys; absent: both.
    pub key_use: Option<KeyUse>,
    pub retire_at: Option<OffsetDateTime>,
    pub jwk: Value,
    /// DER.
    pub certificate: Vec<u8>,
}

impl KnownKey {
    /// Since when it signs, as far as that is known.
    pub fn signs_since(&self) -> OffsetDateTime {
        self.active_since.unwrap_or(self.created_at)
    }

    fn usage(&self) -> Use {
        let refused = self.refused_at.is_some_and(|at| self.last_used_at.is_none_or(|used| used < at));
        Use { state: self.state, since: self.signs_since(), last: self.last_used_at, refused }
    }

    /// Of a key that retires, and of no other; `all`: the connection's keys.
    pub fn safe_to_retire(&self, all: &[Self], now: OffsetDateTime) -> Option<Verdict> {
        if self.key_use == Some(KeyUse::Signing) && self.state == CredentialState::Retiring {
            // what it signed was read in its moment; only to put it back it would be needed
            return Some(Verdict::safe("It signs nothing any more."));
        }
        let replaces = |one: &&Self| {
            one.state == CredentialState::Active
                && (one.key_use == self.key_use || one.key_use != Some(KeyUse::Signing))
        };
        self.usage().safe_to_retire(all.iter().find(replaces).map(Self::usage), now)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot change the connection's keys: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the connection {0} speaks SAML, whose keys are its sp-keys")]
    NotOidc(Slug),
    #[error("the connection {0} has no such key")]
    NoSuchKey(Slug),
    #[error("the next key is {0} already; promote it, or withdraw it first")]
    NextExists(CredentialId),
    #[error("only the next key can be promoted, and {0} is {state}", state = .1.as_str())]
    NotNext(CredentialId, CredentialState),
    #[error(
        "the key is published since {published_at}, and the provider may work with an older JWKS until {ready_at}; wait, or \
         say why not"
    )]
    TooEarly { published_at: OffsetDateTime, ready_at: OffsetDateTime },
    #[error(
        "nothing shows that the provider knows this key; register it there, try it out, or say why it may take over"
    )]
    NotProven,
    #[error("write why it is promoted all the same")]
    NoReason,
    #[error("{0} is in use; promote another first")]
    Active(CredentialId),
    #[error("no key of the connection {0} has been replaced lately")]
    NothingToPutBack(Slug),
    #[error("there is no next key that a date could be given")]
    NoNext,
    #[error("the date must lie ahead, and before the certificate of the key in use ends")]
    Date,
    #[error("cannot make a key: {0}")]
    Certificate(#[from] CertificateError),
}

/// The keys that still do something, of either protocol; the newest first.
///
/// # Errors
/// [`KeyError::Unknown`].
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<Vec<KnownKey>, KeyError> {
    let connection = super::store::by_slug(conn, slug).await?.ok_or_else(|| KeyError::Unknown(slug.clone()))?;
    Ok(store::known(conn, &connection.id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_before_it_signs_or_the_settings_are_refused() {
        let with = |days, publish_ahead_hours| KeyRotation { delivery: Delivery::JwksUri, days, publish_ahead_hours };
        for (days, hours, ok) in [
            (90, 24, true),
            (0, 24, true),
            (1, 24, false),
            (2, 24, true),
            (90, 0, false),
            (731, 24, false),
            (90, 721, false),
        ] {
            assert_eq!(with(days, hours).fault().is_none(), ok, "{days} days, {hours} hours");
        }
        assert_eq!(with(0, 24).every(), None);
        assert_eq!(KeyRotation::default().every(), None, "nobody has said that the provider reads our JWKS");
    }
}
