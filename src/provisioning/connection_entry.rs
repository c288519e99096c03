//! A connection as the file writes it, and the way to and from the stored one.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::check::Findings;
use super::entry::{is_default, is_yes, yes};
use super::secret_ref::SecretRef;
use super::{oidc_entry, saml_entry};
use crate::cel::Expression;
use crate::connection::oidc::AssertionAudience;
use crate::connection::saml::{Encryption, SsoBinding, WantSigned};
use crate::connection::{
    ClientAuthentication, Connection, Graph, KeyRotation, Mapping, Preset, Protocol, Refresh, Slug,
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
    /// Whether people may add an identity of it to their account.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linking: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_authentication: Option<ClientAuthentication>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    /// Absent: the keys of private_key_jwt were given to the provider by hand, and change by hand only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_rotation: Option<KeyRotation>,
    /// Entra: absent for security groups, at the Graph of the issuer's cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_logout: Option<bool>,
    /// Absent: best effort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_url: Option<String>,
    /// Read relative to the file, once, and stored as `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_file: Option<PathBuf>,
    /// The document itself: how an export writes a metadata file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso_binding: Option<SsoBinding>,
    /// PEM or bare base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_entity_id: Option<String>,
    /// Absent: yes. No: certificates that appear in the metadata are reported, not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_metadata: Option<bool>,
    /// PEM or bare base64: who must have signed the metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_signing_certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_certificate_dates: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_requests: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want_assertions_signed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want_signed: Option<WantSigned>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_metadata: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_authn: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_login_hint: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_with_idp_session: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_idp_initiated: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id_format: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requested_authn_context: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_logout: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo_binding: Option<SsoBinding>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo_response_url: Option<String>,
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
    Saml,
}

impl<'de> Deserialize<'de> for EntryProtocol {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match String::deserialize(d)?.as_str() {
            "oidc" => Ok(Self::Oidc),
            "saml" => Ok(Self::Saml),
            other => Err(serde::de::Error::custom(format!("protocol {other:?} is unknown; write oidc or saml"))),
        }
    }
}

impl ConnectionEntry {
    pub(super) fn of(connection: &Connection) -> Self {
        match &connection.protocol {
            Protocol::Oidc(settings) => Self::of_oidc(connection, settings),
            Protocol::Saml(settings) => Self::of_saml(connection, settings),
        }
    }

    /// What every protocol has.
    pub(super) fn bare(connection: &Connection) -> Self {
        Self {
            display_name: Some(connection.display_name.clone()).filter(|name| name != connection.slug.as_str()),
            preset: connection.preset,
            enabled: connection.enabled,
            listed: connection.listed,
            linking: connection.linking,
            email_domains: connection.email_domains.clone(),
            allow: connection.allow.clone(),
            mapping: connection.mapping.clone(),
            slug: connection.slug.clone(),
            protocol: EntryProtocol::Oidc,
            issuer: None,
            client_id: None,
            client_authentication: None,
            client_secret: None,
            key_rotation: None,
            graph: None,
            scopes: None,
            tenants: Vec::new(),
            authorization_endpoint: None,
            token_endpoint: None,
            jwks_uri: None,
            userinfo_endpoint: None,
            end_session_endpoint: None,
            assertion_audience: None,
            prompt: None,
            max_age: None,
            acr_values: None,
            domain_hint: None,
            upstream_logout: None,
            refresh: None,
            metadata_url: None,
            metadata_file: None,
            metadata: None,
            entity_id: None,
            sso_url: None,
            sso_binding: None,
            certificates: Vec::new(),
            sp_entity_id: None,
            trust_metadata: None,
            metadata_signing_certificate: None,
            enforce_certificate_dates: None,
            sign_requests: None,
            want_assertions_signed: None,
            want_signed: None,
            encryption: None,
            sign_metadata: None,
            force_authn: None,
            send_login_hint: None,
            end_with_idp_session: None,
            allow_idp_initiated: None,
            initiate_login_uri: None,
            name_id_format: None,
            requested_authn_context: Vec::new(),
            subject: None,
            single_logout: None,
            slo_url: None,
            slo_binding: None,
            slo_response_url: None,
        }
    }

    /// Without credentials.
    pub(super) fn to_connection(&self, id: ConnectionId, managed_by: Option<&str>) -> Connection {
        Connection {
            id,
            slug: self.slug.clone(),
            display_name: self.display_name.clone().unwrap_or_else(|| self.slug.to_string()),
            preset: self.preset,
            enabled: self.enabled,
            listed: self.listed,
            linking: self.linking,
            protocol: match self.protocol {
                EntryProtocol::Oidc => Protocol::Oidc(self.oidc_settings()),
                EntryProtocol::Saml => Protocol::Saml(self.saml_settings()),
            },
            email_domains: self.email_domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            allow: self.allow.clone(),
            mapping: self.mapping.clone(),
            managed_by: managed_by.map(Into::into),
            credentials: Vec::new(),
            certificates: Vec::new(),
            refreshing: None,
            approved: Vec::new(),
        }
    }

    /// What is wrong with it by itself.
    pub(super) fn check(&self, out: &mut Findings) {
        let (foreign, theirs): (&[&str], _) = match self.protocol {
            EntryProtocol::Oidc => (saml_entry::KEYS, "saml"),
            EntryProtocol::Saml => (oidc_entry::KEYS, "oidc"),
        };
        let written = serde_json::to_value(self).expect("an entry is a plain struct with string keys");
        for key in foreign.iter().filter(|key| written.get(key).is_some()) {
            out.add(key, format!("belongs to connections of protocol {theirs}"));
        }
        self.check_urls(out);
        match self.protocol {
            EntryProtocol::Oidc => self.check_oidc(out),
            EntryProtocol::Saml => self.check_saml(out),
        }
        for domain in &self.email_domains {
            let ok =
                domain.contains('.') && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
            if !ok {
                out.add("email_domains", format!("{domain:?} is not a domain; write it like example.com"));
            }
        }
    }

    fn check_urls(&self, out: &mut Findings) {
        let urls = [
            ("issuer", &self.issuer),
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("jwks_uri", &self.jwks_uri),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("end_session_endpoint", &self.end_session_endpoint),
            ("metadata_url", &self.metadata_url),
            ("sso_url", &self.sso_url),
            ("slo_url", &self.slo_url),
            ("slo_response_url", &self.slo_response_url),
            ("initiate_login_uri", &self.initiate_login_uri),
        ];
        for (field, url) in urls {
            if let Some(url) = url
                && !Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.host().is_some())
            {
                out.add(field, format!("{url:?} is not an absolute https URL"));
            }
        }
    }
}
