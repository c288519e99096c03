//! How often each credential was taken by its provider (of SAML keys: signed or opened something), and when last: gathered in memory, written by whoever has a database.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::connection::credential::handover::store::Used;
use crate::ids::CredentialId;

#[derive(Default)]
pub(super) struct CredentialUses(Mutex<HashMap<CredentialId, Used>>);

impl CredentialUses {
    pub(super) fn note(&self, id: &CredentialId, at: OffsetDateTime) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(id) {
            Some(known) => *known = Used { times: known.times + 1, last: known.last.max(at) },
            None => drop(used.insert(id.clone(), Used { times: 1, last: at })),
        }
    }

    /// In the order of the ids: replicas that write at the same time lock rows in the same order.
    pub(super) fn take(&self) -> Vec<(CredentialId, Used)> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<_> = used.drain().collect();
        taken.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        taken
    }
}
