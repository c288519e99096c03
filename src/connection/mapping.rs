//! From upstream claims to a profile: one CEL expression per attribute.

use serde::{Deserialize, Serialize};

use crate::cel::Expression;

/// Unset keys fall back: operator's, preset's, generic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<Expression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Expression>,
}

/// What mapping makes of a login: the attributes a user has with us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub email: Option<String>,
    /// True only with evidence: see the connection's `email_domains`.
    pub email_verified: bool,
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub preferred_username: Option<String>,
    pub groups: Vec<String>,
}

impl Mapping {
    /// `self` where it is set, `base` where it is not.
    pub fn over(self, base: Self) -> Self {
        Self {
            email: self.email.or(base.email),
            email_verified: self.email_verified.or(base.email_verified),
            name: self.name.or(base.name),
            given_name: self.given_name.or(base.given_name),
            family_name: self.family_name.or(base.family_name),
            preferred_username: self.preferred_username.or(base.preferred_username),
            groups: self.groups.or(base.groups),
        }
    }
}
