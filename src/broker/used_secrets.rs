//! When each client secret, how often and from where, and when each operator key was last used: gathered in memory and written now and then, so that a
//! token or a question at the admin API costs no row.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;

use time::OffsetDateTime;

use crate::client::secret::Use;
use crate::ids::ClientSecretId;

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

/// How often each client secret was used, and from where last.
#[derive(Default)]
pub struct SecretUses(Mutex<HashMap<ClientSecretId, Use>>);

impl SecretUses {
    pub fn note(&self, id: &ClientSecretId, at: OffsetDateTime, addr: Option<IpAddr>) {
        let mut used = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match used.get_mut(id) {
            Some(known) => *known = Use { at, times: known.times + 1, addr: addr.or(known.addr) },
            None => drop(used.insert(id.clone(), Use { at, times: 1, addr })),
        }
    }

    /// What was gathered since the last time, in the order of the ids: replicas that write at the same time lock rows in the
    /// same order.
    pub fn take(&self) -> Vec<(ClientSecretId, Use)> {
        let mut used = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut taken: Vec<_> = used.drain().collect();
        taken.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        taken
    }
}
