//! A user: a person with one stable subject, and the identities by which upstreams know that person. Owns the profile.
//! It does not decide who may come in (`connection`) and keeps no passwords.

pub mod export;
pub mod import;
pub mod list;
pub mod login;
pub mod provision;
pub mod record;
pub mod store;

use crate::connection::Profile;
use crate::ids::{IdentityId, UserId};

#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub status: UserStatus,
    pub profile: Profile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    Active,
    Blocked,
}

impl UserStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "blocked" => Some(Self::Blocked),
            _ => None,
        }
    }
}

/// Who somebody is at an upstream: never an e-mail address. For Entra the subject is `oid` and the issuer names the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    pub issuer: String,
    pub subject: String,
}

#[derive(Clone, Debug)]
pub struct Identity {
    pub id: IdentityId,
    pub user: User,
}

impl User {
    pub fn is_active(&self) -> bool {
        self.status == UserStatus::Active
    }

    /// What rules and custom claims see as `user`.
    pub fn for_rules(&self) -> serde_json::Value {
        serde_json::json!({
            "sub": self.id.as_str(),
            "email": self.profile.email,
            "email_verified": self.profile.email_verified,
            "name": self.profile.name,
            "given_name": self.profile.given_name,
            "family_name": self.profile.family_name,
            "preferred_username": self.profile.preferred_username,
            "groups": self.profile.groups,
            "attributes": self.profile.attributes,
        })
    }
}
