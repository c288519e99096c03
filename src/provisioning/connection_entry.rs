//! A connection as the file writes it, and the way to and from the stored one.

use serde::{Deserialize, Deserializer, Serialize};

use super::entry::{is_default, is_yes, yes};
use super::secret_ref::SecretRef;
use crate::cel::Expression;
use crate::connection::oidc::{AssertionAudience, Endpoints};
use crate::connection::{
    ClientAuthentication, Connection, CredentialKind, Mapping, OidcSettings, Preset, Protocol, Slug,
};
use crate::ids::ConnectionId;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionEntry {
    pub slug: Slug,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default)]
    pub protocol: EntryProtocol,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub listed: bool,
    pub issuer: String,
    pub client_id: String,
    #[serde(default = "basic")]
    pub client_authentication: ClientAuthentication,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// Absent: the token endpoint for presets that demand it, the issuer for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_audience: Option<AssertionAudience>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_hint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub email_domains: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Expression>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub mapping: Mapping,
}

/// Which protocols a file may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryProtocol {
    #[default]
    Oidc,
}

impl<'de> Deserialize<'de> for EntryProtocol {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match String::deserialize(d)?.as_str() {
            "oidc" => Ok(Self::Oidc),
            "saml" => Err(serde::de::Error::custom("protocol saml is not in this version yet; take the provider's OIDC side")),
            other => Err(serde::de::Error::custom(format!("protocol {other:?} is unknown; write oidc"))),
        }
    }
}

impl ConnectionEntry {
    pub(super) fn of(connection: &Connection) -> Self {
        let Protocol::Oidc(settings) = &connection.protocol;
        let settings = settings.clone();
        let endpoints = settings.endpoints;
        let slug = connection.slug.as_str();
        let has_secret = connection.active(CredentialKind::ClientSecret).is_some();
        Self {
            display_name: Some(connection.display_name.clone()).filter(|name| name != slug),
            protocol: EntryProtocol::Oidc,
            preset: connection.preset,
            enabled: connection.enabled,
            listed: connection.listed,
            issuer: settings.issuer,
            client_id: settings.client_id,
            client_authentication: settings.client_authentication,
            client_secret: has_secret.then(|| SecretRef::Env(secret_variable("", slug))),
            scopes: settings.scopes,
            tenants: settings.tenants,
            authorization_endpoint: endpoints.as_ref().map(|e| e.authorization_endpoint.clone()),
            token_endpoint: endpoints.as_ref().map(|e| e.token_endpoint.clone()),
            jwks_uri: endpoints.as_ref().map(|e| e.jwks_uri.clone()),
            userinfo_endpoint: endpoints.as_ref().and_then(|e| e.userinfo_endpoint.clone()),
            end_session_endpoint: endpoints.and_then(|e| e.end_session_endpoint),
            assertion_audience: Some(settings.assertion_audience)
                .filter(|audience| *audience != usual_audience(connection.preset)),
            prompt: settings.prompt,
            max_age: settings.max_age,
            acr_values: settings.acr_values,
            domain_hint: settings.domain_hint,
            email_domains: connection.email_domains.clone(),
            allow: connection.allow.clone(),
            mapping: connection.mapping.clone(),
            slug: connection.slug.clone(),
        }
    }

    /// Without credentials.
    pub(super) fn to_connection(&self, id: ConnectionId, managed_by: &str) -> Connection {
        let endpoints = match (&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri) {
            (Some(authorization_endpoint), Some(token_endpoint), Some(jwks_uri)) => Some(Endpoints {
                authorization_endpoint: authorization_endpoint.clone(),
                token_endpoint: token_endpoint.clone(),
                jwks_uri: jwks_uri.clone(),
                userinfo_endpoint: self.userinfo_endpoint.clone(),
                end_session_endpoint: self.end_session_endpoint.clone(),
            }),
            _ => None,
        };
        Connection {
            id,
            slug: self.slug.clone(),
            display_name: self.display_name.clone().unwrap_or_else(|| self.slug.to_string()),
            preset: self.preset,
            enabled: self.enabled,
            listed: self.listed,
            protocol: Protocol::Oidc(OidcSettings {
                issuer: self.issuer.clone(),
                client_id: self.client_id.clone(),
                client_authentication: self.client_authentication,
                scopes: self.scopes.clone(),
                tenants: self.tenants.clone(),
                endpoints,
                assertion_audience: self.assertion_audience.unwrap_or(usual_audience(self.preset)),
                prompt: self.prompt.clone(),
                max_age: self.max_age,
                acr_values: self.acr_values.clone(),
                domain_hint: self.domain_hint.clone(),
            }),
            email_domains: self.email_domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            allow: self.allow.clone(),
            mapping: self.mapping.clone(),
            managed_by: Some(managed_by.into()),
            credentials: Vec::new(),
        }
    }
}

/// The variable that an export refers to: `AVOUCH_SECRET_` and the key in capitals.
pub(super) fn secret_variable(kind: &str, key: &str) -> String {
    let key: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("AVOUCH_SECRET_{kind}{key}")
}

fn basic() -> ClientAuthentication {
    ClientAuthentication::ClientSecretBasic
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(String::from).to_vec()
}

/// Entra and AD FS know client assertions for their token endpoint only.
fn usual_audience(preset: Option<Preset>) -> AssertionAudience {
    match preset {
        Some(Preset::Entra | Preset::Adfs) => AssertionAudience::TokenEndpoint,
        _ => AssertionAudience::Issuer,
    }
}
