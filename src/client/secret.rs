//! A client's secrets: several at a time, each with an expiry, compared by keyed digest.

use time::OffsetDateTime;

use crate::ids::ClientSecretId;

#[derive(Clone, Debug, PartialEq)]
pub struct ClientSecret {
    pub id: ClientSecretId,
    /// [`crate::vault::Vault::digest`] of the value.
    pub digest: [u8; 32],
    pub expires_at: Option<OffsetDateTime>,
}

impl ClientSecret {
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
