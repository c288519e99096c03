//! When each client secret was last used, gathered in memory and written now and then: a token costs no row.

use std::collections::HashMap;
use std::sync::Mutex;

use time::OffsetDateTime;

use crate::ids::ClientSecretId;

#[derive(Default)]
pub struct UsedSecrets(Mutex<HashMap<ClientSecretId, OffsetDateTime>>);

impl UsedSecrets {
    pub fn note(&self, id: &ClientSecretId, at: OffsetDateTime) {
        let mut used = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match used.get_mut(id) {
            Some(known) => *known = at,
            None => drop(used.insert(id.clone(), at)),
        }
    }

    /// What was gathered since the last time.
    pub fn take(&self) -> (Vec<String>, Vec<OffsetDateTime>) {
        let mut used = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        used.drain().map(|(id, at)| (id.to_string(), at)).unzip()
    }
}
