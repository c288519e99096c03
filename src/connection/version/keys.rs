//! The keys that an OpenID provider publishes, over time. They need nobody's approval; when which key was there is what
//! somebody wants to know whose sign-ins fail by a signature.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Document, Key, State, Version};
use crate::connection::{Connection, Protocol};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// RFC 7638.
    pub thumbprint: String,
    pub key: Key,
    pub first_seen_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    /// Whether it was there at the last look.
    pub there: bool,
}

/// Where the keys of sign-ins are read from: what is approved, or was entered by hand.
pub fn address(connection: &Connection) -> Option<&str> {
    let Protocol::Oidc(settings) = &connection.protocol else { return None };
    match &settings.endpoints {
        Some(endpoints) => Some(&endpoints.jwks_uri),
        None => Some(&connection.approved_surface()?.jwks_uri),
    }
}

/// Of each key in these versions, those that are there first, then the newest.
pub(super) fn sightings(versions: &[Version]) -> Vec<Sighting> {
    let mut all: BTreeMap<&str, Sighting> = BTreeMap::new();
    for version in versions {
        let Document::Keys(keys) = &version.document else { continue };
        for (thumbprint, key) in &keys.0 {
            let one = all.entry(thumbprint).or_insert_with(|| Sighting {
                thumbprint: thumbprint.clone(),
                key: key.clone(),
                first_seen_at: version.first_seen_at,
                last_seen_at: version.last_seen_at,
                there: false,
            });
            one.first_seen_at = one.first_seen_at.min(version.first_seen_at);
            one.last_seen_at = one.last_seen_at.max(version.last_seen_at);
            one.there |= version.state == State::Approved;
        }
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by_key(|one| (!one.there, std::cmp::Reverse(one.first_seen_at)));
    all
}
