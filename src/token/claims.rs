//! A user's claims, by scope for UserInfo and by the client's choice for tokens. Groups and roles are arrays always.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::client::UserClaim;
use crate::oauth::scope::Scope;
use crate::user::User;

/// OIDC Core §5.1, plus `groups` and `roles`. Absent members are left out.
#[derive(Debug, Default, Serialize)]
pub struct UserClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<&'a [String]>,
}

impl<'a> UserClaims<'a> {
    pub fn select(user: &'a User, roles: &'a [String], wanted: &BTreeSet<UserClaim>) -> Self {
        let mut out = Self::default();
        for claim in wanted {
            out.add(*claim, user, roles);
        }
        out
    }

    fn add(&mut self, claim: UserClaim, user: &'a User, roles: &'a [String]) {
        let profile = &user.profile;
        match claim {
            UserClaim::Email => {
                self.email = profile.email.as_deref();
                self.email_verified = profile.email.is_some().then_some(profile.email_verified);
            }
            UserClaim::EmailVerified => self.email_verified = profile.email.is_some().then_some(profile.email_verified),
            UserClaim::Name => self.name = profile.name.as_deref(),
            UserClaim::GivenName => self.given_name = profile.given_name.as_deref(),
            UserClaim::FamilyName => self.family_name = profile.family_name.as_deref(),
            UserClaim::PreferredUsername => self.preferred_username = profile.preferred_username.as_deref(),
            UserClaim::Groups => self.groups = Some(&profile.groups),
            UserClaim::Roles => self.roles = Some(roles),
        }
    }
}

/// OIDC Core §5.4: what a scope brings to UserInfo. `groups` is a scope of its own.
pub fn by_scope(scope: &Scope) -> BTreeSet<UserClaim> {
    let mut wanted = BTreeSet::new();
    if scope.contains("profile") {
        wanted.extend([UserClaim::Name, UserClaim::GivenName, UserClaim::FamilyName, UserClaim::PreferredUsername]);
    }
    if scope.contains("email") {
        wanted.insert(UserClaim::Email);
    }
    if scope.contains("groups") {
        wanted.insert(UserClaim::Groups);
    }
    wanted
}
