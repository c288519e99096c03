//! What was last read from the `metadata_url` of a SAML connection, and when to ask again. Stored, so that a broker
//! starts and people sign in while the provider's metadata cannot be had. Fetching and believing it is done elsewhere.

pub mod schedule;
pub mod store;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::SamlSettings;
use super::saml::{IdpSource, SsoBinding};

/// One service of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub binding: SsoBinding,
    pub location: String,
    /// Where answers go, if elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_location: Option<String>,
}

/// What a connection uses of its provider's metadata. The certificates in it stand with the connection's certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Pinned by the first document: the provider's identity does not change under the same connection.
    pub entity_id: String,
    /// At least one.
    pub single_sign_on: Vec<Endpoint>,
    pub single_logout: Vec<Endpoint>,
    /// When it was last found to be current.
    pub fetched_at: OffsetDateTime,
    pub valid_until: Option<OffsetDateTime>,
    pub cache_duration: Option<Duration>,
}

/// A connection's metadata and the state of refreshing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshing {
    pub url: String,
    pub metadata: Option<Metadata>,
    /// Validators of the last answer (RFC 9110 §8.8).
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub next_refresh_at: OffsetDateTime,
    pub attempted_at: Option<OffsetDateTime>,
    /// Somebody fetches until then at most.
    pub leased_until: Option<OffsetDateTime>,
    /// When it was last fetched because of an unknown certificate.
    pub asked_at: Option<OffsetDateTime>,
    /// Since the last success.
    pub failures: u32,
    pub last_error: Option<String>,
    /// When operators were last told that it is old.
    pub alerted_at: Option<OffsetDateTime>,
    /// SHA-256 of the certificates that operators were told of and that still are as they were told.
    pub told: Vec<String>,
}

impl Refreshing {
    /// Whether it was read under these settings: another URL or entity id is another provider.
    pub fn is_of(&self, settings: &SamlSettings) -> bool {
        let same_url = matches!(&settings.source, IdpSource::MetadataUrl { url, .. } if *url == self.url);
        let same_entity = match (&settings.entity_id, &self.metadata) {
            (Some(wanted), Some(metadata)) => *wanted == metadata.entity_id,
            _ => true,
        };
        same_url && same_entity
    }
}
