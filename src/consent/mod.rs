//! What a user allowed a third-party client, so that nobody is asked twice for the same thing.

pub mod store;

use crate::oauth::scope::Scope;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub scopes: Scope,
    pub audiences: Vec<String>,
}

impl Consent {
    pub fn covers(&self, scopes: &Scope, audiences: &[String]) -> bool {
        scopes.is_subset_of(&self.scopes) && audiences.iter().all(|a| self.audiences.contains(a))
    }
}
