//! When each client secret, and each operator key, was last used: gathered in memory and written now and then, so that a
//! token or a question at the admin API costs no row.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Mutex;

use time::OffsetDateTime;

pub struct LastUsed<Id>(Mutex<HashMap<Id, OffsetDateTime>>);

impl<Id> Default for LastUsed<Id> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Id: Clone + Display + Eq + Hash> LastUsed<Id> {
    pub fn note(&self, id: &Id, at: OffsetDateTime) {
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
