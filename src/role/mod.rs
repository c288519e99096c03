//! A role: a CEL rule over the user, granted on one resource and decided whenever a token is made.

pub mod store;

use crate::cel::Expression;

#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub name: String,
    pub resource: String,
    /// Over `user`: `'platform' in user.groups`.
    pub when: Expression,
    pub managed_by: Option<String>,
}
