//! A role: a CEL rule over the user, granted on one resource and decided whenever a token is made.

pub mod store;
pub mod trial;

use crate::cel::Expression;

#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub name: String,
    pub resource: String,
    /// Over `user`: `'platform' in user.groups`.
    pub when: Expression,
    pub managed_by: Option<String>,
}

impl Role {
    /// Whether the rule grants it to whom these facts are about. A rule that fails grants nothing.
    pub fn is_held_by(&self, facts: &serde_json::Value) -> bool {
        self.when.is_true(&[("user", facts)]).unwrap_or(false)
    }
}
