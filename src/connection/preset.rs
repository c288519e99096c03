//! What is known beforehand of well-known providers: how their claims become a profile. Every expression guards the
//! claims it reads, so that a provider that leaves one out causes no warning.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mapping::Mapping;
use crate::cel::Expression;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    Entra,
    Okta,
    Google,
    Keycloak,
    Auth0,
    Adfs,
    Generic,
}

impl Preset {
    pub const ALL: [Self; 7] =
        [Self::Entra, Self::Okta, Self::Google, Self::Keycloak, Self::Auth0, Self::Adfs, Self::Generic];

    /// Complete: what the preset does not change is the generic mapping.
    pub fn mapping(self) -> Mapping {
        let own = match self {
            // The standard claims are all there is to it: Okta sends `groups` when its claim filter is set up.
            Self::Generic | Self::Okta => Mapping::default(),
            // A mail attribute is what a tenant's administrator typed. `xms_edov` says whether its domain is the
            // tenant's own; where it says no, the address is not worth passing on.
            Self::Entra => Mapping {
                email: read(
                    "has(claims.email) && !(has(claims.xms_edov) && claims.xms_edov in [false, 0, '0', 'false']) ? claims.email : null",
                ),
                email_verified: read(
                    "has(claims.xms_edov) ? claims.xms_edov : has(claims.email_verified) ? claims.email_verified : null",
                ),
                ..Mapping::default()
            },
            // Google is authoritative for gmail.com and for Workspace domains, which it marks with `hd`. Anybody can
            // have a consumer account under a foreign address.
            Self::Google => Mapping {
                email_verified: read(
                    "has(claims.email_verified) && claims.email_verified in [true, 'true'] \
                     && (has(claims.hd) || has(claims.email) && claims.email.endsWith('@gmail.com'))",
                ),
                ..Mapping::default()
            },
            // Without a group mapper, realm roles are what Keycloak sends.
            Self::Keycloak => Mapping {
                groups: read(
                    "has(claims.groups) ? claims.groups \
                     : has(claims.realm_access) && has(claims.realm_access.roles) ? claims.realm_access.roles : []",
                ),
                ..Mapping::default()
            },
            // Auth0 has no preferred_username.
            Self::Auth0 => Mapping {
                preferred_username: read(
                    "has(claims.preferred_username) ? claims.preferred_username : has(claims.nickname) ? claims.nickname : null",
                ),
                ..Mapping::default()
            },
            Self::Adfs => Mapping {
                name: read("has(claims.name) ? claims.name : has(claims.unique_name) ? claims.unique_name : null"),
                preferred_username: read(
                    "has(claims.upn) ? claims.upn : has(claims.unique_name) ? claims.unique_name \
                     : has(claims.preferred_username) ? claims.preferred_username : null",
                ),
                groups: read(
                    "has(claims.groups) ? claims.groups : has(claims.group) ? claims.group : has(claims.role) ? claims.role : []",
                ),
                ..Mapping::default()
            },
        };
        own.over(generic())
    }

    /// What is asked for unless a connection says otherwise. Two providers say groups only where one more scope is asked for:
    /// Okta's own authorization server, and AD FS, whose rules else fill the access token alone (KB4019472). An authorization
    /// server that somebody set up at Okta knows no scope `groups` by itself, and would refuse it.
    pub fn scopes(self, issuer: &str) -> Vec<String> {
        let more = match self {
            Self::Okta if !issuer.contains("/oauth2/") => Some("groups"),
            Self::Adfs => Some("allatclaims"),
            _ => None,
        };
        ["openid", "profile", "email"].into_iter().chain(more).map(String::from).collect()
    }

    /// `prompt` in the words that the provider knows. Google refuses `login`, and asks for nothing stronger than a choice.
    pub fn prompt(self, words: &str) -> String {
        match self {
            Self::Google if words.split(' ').any(|word| word == "login") => "select_account".into(),
            _ => words.into(),
        }
    }

    /// How the provider is asked for a refresh token: the scope of OIDC Core §11, or in Google's own way, which gives one
    /// only where the person consents anew.
    pub const fn offline_by_parameter(self) -> bool {
        matches!(self, Self::Google)
    }

    /// The authorization parameter that names the person's organisation.
    pub const fn domain_hint_parameter(self) -> &'static str {
        match self {
            Self::Google => "hd",
            _ => "domain_hint",
        }
    }
}

/// The standard claims of OIDC Core §5.1, and `groups`.
fn generic() -> Mapping {
    Mapping {
        email: read("has(claims.email) ? claims.email : null"),
        email_verified: read("has(claims.email_verified) ? claims.email_verified : null"),
        name: read("has(claims.name) ? claims.name : null"),
        given_name: read("has(claims.given_name) ? claims.given_name : null"),
        family_name: read("has(claims.family_name) ? claims.family_name : null"),
        preferred_username: read("has(claims.preferred_username) ? claims.preferred_username : null"),
        groups: read("has(claims.groups) ? claims.groups : []"),
        attributes: BTreeMap::new(),
    }
}

fn read(source: &str) -> Option<Expression> {
    Some(Expression::parse(source).expect("expressions of presets are tested"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_asked_for_where_they_are_left_out_otherwise() {
        for (preset, issuer, more) in [
            (Preset::Okta, "https://contoso.okta.com", Some("groups")),
            (Preset::Okta, "https://login.contoso.com", Some("groups")),
            (Preset::Okta, "https://contoso.okta.com/oauth2/default", None),
            (Preset::Adfs, "https://adfs.contoso.com/adfs", Some("allatclaims")),
            (Preset::Entra, "https://login.microsoftonline.com/t/v2.0", None),
            (Preset::Google, "https://accounts.google.com", None),
            (Preset::Keycloak, "https://k.example/realms/a", None),
            (Preset::Auth0, "https://contoso.eu.auth0.com/", None),
            (Preset::Generic, "https://idp.example", None),
        ] {
            let scopes = preset.scopes(issuer);
            assert_eq!(scopes[..3], ["openid", "profile", "email"], "{preset:?}");
            assert_eq!(scopes.get(3).map(String::as_str), more, "{preset:?} {issuer}");
        }
    }

    #[test]
    fn google_is_asked_in_words_that_it_knows() {
        assert_eq!(Preset::Google.prompt("login"), "select_account");
        assert_eq!(Preset::Google.prompt("consent"), "consent");
        assert_eq!(Preset::Okta.prompt("login select_account"), "login select_account");
    }
}
