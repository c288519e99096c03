//! When each credential that others come to us with was used, how often and from where: gathered in memory and written
//! now and then, so that a token or a question at the admin API costs no row.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

use crate::life::Use;

pub struct Uses<Id>(Mutex<HashMap<Id, Use>>);

impl<Id> Default for Uses<Id> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Id: Clone + Eq + Hash + Ord> Uses<Id> {
    pub fn note(&self, id: &Id, at: OffsetDateTime, addr: Option<IpAddr>) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get_mut(id) {
            Some(known) => *known = Use { at, times: known.times + 1, addr: addr.or(known.addr) },
            None => drop(used.insert(id.clone(), Use { at, times: 1, addr })),
        }
    }

    /// What was gathered since the last time, in the order of the ids: replicas that write at the same time lock rows in the
    /// same order.
    pub fn take(&self) -> Vec<(Id, Use)> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<_> = used.drain().collect();
        taken.sort_by(|(one, _), (other, _)| one.cmp(other));
        taken
    }
}
