//! Resources, roles and users as the file writes them, and the way to and from what is stored. What has its default value
//! is not written.

use serde::{Deserialize, Deserializer, Serialize};

use super::saml_entry;
use crate::cel::Expression;
use crate::connection::{Connection, Protocol, Slug};
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::scope::Scope;
use crate::resource::{AccessTokenProfile, Resource};
use crate::role::Role;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceEntry {
    /// The audience.
    pub identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub access_token: AccessTokenProfile,
}

impl ResourceEntry {
    pub fn of(resource: &Resource) -> Self {
        Self {
            identifier: resource.identifier.clone(),
            name: Some(resource.name.clone()).filter(|name| *name != resource.identifier),
            scopes: resource.scopes.as_slice().to_vec(),
            access_token: resource.access_token,
        }
    }

    pub(super) fn to_resource(&self, managed_by: Option<&str>) -> Resource {
        Resource {
            identifier: self.identifier.clone(),
            name: self.name.clone().unwrap_or_else(|| self.identifier.clone()),
            scopes: Scope::from_tokens(&self.scopes),
            access_token: self.access_token,
            managed_by: managed_by.map(Into::into),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RoleEntry {
    pub name: String,
    /// Over `user`.
    pub when: Expression,
    pub resource: String,
}

impl RoleEntry {
    pub fn of(role: &Role) -> Self {
        Self { name: role.name.clone(), when: role.when.clone(), resource: role.resource.clone() }
    }

    pub(super) fn to_role(&self, managed_by: Option<&str>) -> Role {
        Role {
            name: self.name.clone(),
            resource: self.resource.clone(),
            when: self.when.clone(),
            managed_by: managed_by.map(Into::into),
        }
    }
}

/// Somebody who is known before the first login.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    pub email: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub connection: Slug,
    /// What the provider calls the person: `sub`, or for Entra `oid`.
    pub subject: String,
    /// For SAML the entity id. Needed where the connection stands for several tenants or fetches its metadata; otherwise the connection's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

impl UserEntry {
    /// The issuer of the identity, unless it has to be written and is not.
    pub(super) fn issuer_at(&self, connection: &Connection) -> Option<String> {
        self.issuer.clone().or_else(|| default_issuer(connection))
    }
}

/// The issuer that every identity of the connection has; `None` when there are several, when it is fetched, and when
/// the connection is not finished.
pub fn default_issuer(connection: &Connection) -> Option<String> {
    match &connection.protocol {
        Protocol::Oidc(settings) if settings.is_multi_tenant() => None,
        Protocol::Oidc(settings) => Some(settings.issuer.clone()).filter(|issuer| !issuer.is_empty()),
        Protocol::Saml(settings) => saml_entry::entity_id(settings),
    }
}

pub(super) fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's shape
pub(super) fn is_yes(value: &bool) -> bool {
    *value
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// [`RedirectUri`] itself deserializes what is stored and was checked; a file is checked here, where line and column are.
pub(super) fn redirect_uris<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<RedirectUri>, D::Error> {
    struct Checked(RedirectUri);
    impl<'de> Deserialize<'de> for Checked {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            RedirectUri::register(&String::deserialize(d)?).map(Self).map_err(serde::de::Error::custom)
        }
    }
    Vec::<Checked>::deserialize(d).map(|uris| uris.into_iter().map(|uri| uri.0).collect())
}
