//! Which claims of a user go into which token of a client, and the client's own claims beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Serialize};

use crate::cel::Expression;

/// Which claims are put into which token, beyond what the scopes bring to UserInfo.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimPolicy {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub id_token: BTreeSet<ClaimName>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub access_token: BTreeSet<ClaimName>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub userinfo: BTreeSet<ClaimName>,
    /// Claims of this client's own: CEL over `user` (absent for a machine) and `client`. The lists above send them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<CustomClaim, Expression>,
    /// CEL over `group` (and `client`): only groups for which it is true are put into tokens and UserInfo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups_filter: Option<Expression>,
    /// Bytes of an access token above which the operator is warned. Absent: [`TOKEN_BUDGET`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_budget: Option<u32>,
}

/// Half of the 8 KiB that Tomcat and others allow for all headers of a request together.
pub const TOKEN_BUDGET: u32 = 4096;

impl ClaimPolicy {
    pub fn token_budget(&self) -> usize {
        self.token_budget.unwrap_or(TOKEN_BUDGET) as usize
    }

    /// Names in the lists that mean nothing, and custom claims that no list sends anywhere.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let lists = [("id_token", &self.id_token), ("access_token", &self.access_token), ("userinfo", &self.userinfo)];
        for (list, names) in lists {
            for name in names {
                if let ClaimName::Custom(name) = name
                    && !self.custom.contains_key(name)
                {
                    faults
                        .push(format!("{list} names {name}, which is neither a claim of a user nor defined in custom"));
                }
            }
        }
        let sent = |name: &CustomClaim| lists.iter().any(|(_, names)| names.contains(&ClaimName::Custom(name.clone())));
        faults.extend(self.custom.keys().filter(|name| !sent(name)).map(|name| {
            format!(
                "custom defines {name}, but no list sends it anywhere: add it to id_token, access_token or userinfo"
            )
        }));
        faults
    }
}

/// A name in one of the lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum ClaimName {
    User(UserClaim),
    Custom(CustomClaim),
}

// by hand, so that a name which is neither is told why
impl<'de> Deserialize<'de> for ClaimName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        match UserClaim::parse(&name) {
            Some(claim) => Ok(Self::User(claim)),
            None => CustomClaim::parse(&name).map(Self::Custom).map_err(serde::de::Error::custom),
        }
    }
}

impl From<UserClaim> for ClaimName {
    fn from(claim: UserClaim) -> Self {
        Self::User(claim)
    }
}

/// The claims a user has with us, in the words of OIDC Core §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserClaim {
    Email,
    EmailVerified,
    Name,
    GivenName,
    FamilyName,
    PreferredUsername,
    Groups,
    Roles,
}

impl UserClaim {
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::EmailVerified,
        Self::Name,
        Self::GivenName,
        Self::FamilyName,
        Self::PreferredUsername,
        Self::Groups,
        Self::Roles,
    ];

    pub fn parse(name: &str) -> Option<Self> {
        let known: Result<_, serde::de::value::Error> = Self::deserialize(name.into_deserializer());
        known.ok()
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::PreferredUsername => "preferred_username",
            Self::Groups => "groups",
            Self::Roles => "roles",
        }
    }

    /// OIDC Core §5.4: the scope that brings it. `groups` is a scope of its own; roles come by registration only.
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            Self::Name | Self::GivenName | Self::FamilyName | Self::PreferredUsername => Some("profile"),
            Self::Email | Self::EmailVerified => Some("email"),
            Self::Groups => Some("groups"),
            Self::Roles => None,
        }
    }
}

/// The name of a claim that is not ours: whatever its consumers look for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CustomClaim(String);

/// Names that say something already, in our tokens or in the specifications that their readers follow.
const TAKEN: [&str; 37] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "client_id",
    "scope",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "cnf",
    "act",
    "may_act",
    "events",
    "typ",
    "alg",
    "kid",
    "permissions",
    "active",
    "token_type",
    "authorization_details",
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "groups",
    "roles",
];

impl CustomClaim {
    /// # Errors
    /// a sentence: the name is empty, long, not printable, or taken.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 200 || !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!("claim name {text:?} must be 1 to 200 visible ASCII characters"));
        }
        if TAKEN.contains(&text) {
            return Err(format!("claim name {text:?} has a meaning of its own and cannot be a custom claim"));
        }
        Ok(Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CustomClaim {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> ClaimPolicy {
        serde_json::from_str(yaml).unwrap()
    }

    #[test]
    fn lists_and_definitions_must_fit() {
        let policy = read(r#"{"access_token": ["email", "oid"], "custom": {"oid": "user.sub"}}"#);
        assert_eq!(policy.faults(), Vec::<String>::new());
        assert!(policy.access_token.contains(&ClaimName::User(UserClaim::Email)));
        let policy = read(r#"{"id_token": ["emial"], "custom": {"oid": "user.sub"}}"#);
        let faults = policy.faults();
        assert!(faults[0].contains("id_token names emial") && faults[1].contains("custom defines oid"), "{faults:?}");
    }

    #[test]
    fn claims_are_stored_by_the_names_they_are_read_by() {
        for claim in UserClaim::ALL {
            assert_eq!(UserClaim::parse(claim.as_str()), Some(claim));
        }
    }

    #[test]
    fn no_custom_claim_passes_for_one_of_ours() {
        for name in ["sub", "aud", "exp", "cnf", "groups", "", "with space", "new\nline"] {
            let policy = serde_json::json!({"custom": {name: "'x'"}, "id_token": []});
            assert!(serde_json::from_value::<ClaimPolicy>(policy).is_err(), "{name:?}");
        }
    }
}
