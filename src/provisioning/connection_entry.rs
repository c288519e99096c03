//! A connection as the file writes it, and the way to and from the stored one.

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::check::Findings;
use super::entry::{is_default, is_yes, yes};
use super::secret_ref::SecretRef;
use crate::cel::Expression;
use crate::connection::oidc::{AssertionAudience, Endpoints};
use crate::connection::{
    ClientAuthentication, Connection, CredentialKind, Mapping, OidcSettings, Preset, Protocol, Slug,
};
use crate::ids::ConnectionId;
use crate::oauth::prompt::Prompt;

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
            "saml" => {
                Err(serde::de::Error::custom("protocol saml is not in this version yet; take the provider's OIDC side"))
            }
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
            client_secret: has_secret.then(|| SecretRef::Env(secret_variable("CONNECTION", slug))),
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

    /// What is wrong with it by itself.
    pub(super) fn check(&self, out: &mut Findings) {
        let urls = [
            ("issuer", Some(&self.issuer)),
            ("authorization_endpoint", self.authorization_endpoint.as_ref()),
            ("token_endpoint", self.token_endpoint.as_ref()),
            ("jwks_uri", self.jwks_uri.as_ref()),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
            ("end_session_endpoint", self.end_session_endpoint.as_ref()),
        ];
        for (field, url) in urls {
            if let Some(url) = url
                && !Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some())
            {
                out.add(field, format!("{url:?} is not an absolute https URL"));
            }
        }
        let by_hand = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let optional = self.userinfo_endpoint.is_some() || self.end_session_endpoint.is_some();
        let given = by_hand.iter().filter(|endpoint| endpoint.is_some()).count();
        if given != by_hand.len() && (given > 0 || optional) {
            out.add("authorization_endpoint", "endpoints by hand need authorization_endpoint, token_endpoint and jwks_uri together; name none for discovery");
        }
        if self.client_id.trim().is_empty() {
            out.add("client_id", "is empty");
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            out.add("scopes", "must hold openid: without it the provider says nothing about who signed in");
        }
        if self.client_authentication == ClientAuthentication::PrivateKeyJwt && self.client_secret.is_some() {
            out.add("client_secret", "has no place beside client_authentication: private_key_jwt");
        }
        let Protocol::Oidc(settings) = self.to_connection(ConnectionId::from_stored(String::new()), "").protocol;
        if settings.is_multi_tenant() && self.tenants.is_empty() {
            out.add("tenants", "the issuer stands for every Entra tenant: list the tenant ids that may sign in");
        }
        if !settings.is_multi_tenant() && !self.tenants.is_empty() {
            out.add(
                "tenants",
                "belongs to an issuer of several Entra tenants (.../organizations/v2.0 or .../common/v2.0)",
            );
        }
        if let Err(error) = Prompt::parse(self.prompt.as_deref()) {
            out.add("prompt", error.to_string());
        }
        for domain in &self.email_domains {
            let ok =
                domain.contains('.') && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
            if !ok {
                out.add("email_domains", format!("{domain:?} is not a domain; write it like example.com"));
            }
        }
    }
}

/// The variable that an export refers to: `AVOUCH_SECRET_`, the kind, and the key in capitals. Two keys never share one:
/// where capitals and underscores would lose something, a checksum of the key stands behind it.
pub(super) fn secret_variable(kind: &str, key: &str) -> String {
    let plain = key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    let capitals: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let check = if plain { String::new() } else { format!("_{:08X}", crc32fast::hash(key.as_bytes())) };
    format!("AVOUCH_SECRET_{kind}_{capitals}{check}")
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
