//! The OpenID Connect side of a connection entry: its keys to and from settings, and what is wrong with them.

use super::check::Findings;
use super::connection_entry::ConnectionEntry;
use super::secret_ref::{SecretRef, secret_variable};
use crate::connection::oidc::{AssertionAudience, Endpoints};
use crate::connection::{
    ClientAuthentication, Connection, CredentialKind, KeyRotation, OidcSettings, Preset, Refresh, RefreshPolicy,
};
use crate::oauth::prompt::Prompt;

/// Keys that mean nothing in another protocol.
pub(super) const KEYS: &[&str] = &[
    "issuer",
    "client_id",
    "client_authentication",
    "client_secret",
    "key_rotation",
    "graph",
    "scopes",
    "tenants",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "assertion_audience",
    "prompt",
    "max_age",
    "acr_values",
    "domain_hint",
    "upstream_logout",
];

impl ConnectionEntry {
    pub(super) fn of_oidc(connection: &Connection, settings: &OidcSettings) -> Self {
        let settings = settings.clone();
        let endpoints = settings.endpoints;
        // one that is left over after the change to another way means nothing
        let has_secret =
            settings.client_authentication.by_secret() && connection.active(CredentialKind::ClientSecret).is_some();
        let variable = || SecretRef::Env(secret_variable("CONNECTION", connection.slug.as_str()));
        Self {
            issuer: Some(settings.issuer).filter(|issuer| !issuer.is_empty()),
            client_id: Some(settings.client_id).filter(|id| !id.is_empty()),
            client_authentication: Some(settings.client_authentication),
            client_secret: has_secret.then(variable),
            key_rotation: settings.key_rotation,
            graph: settings.graph,
            scopes: Some(settings.scopes),
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
            upstream_logout: settings.upstream_logout.then_some(true),
            refresh: Some(settings.refresh).filter(|refresh| *refresh != Refresh::default()),
            ..Self::bare(connection)
        }
    }

    pub(super) fn oidc_settings(&self) -> OidcSettings {
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
        OidcSettings {
            issuer: self.issuer.clone().unwrap_or_default(),
            client_id: self.client_id.clone().unwrap_or_default(),
            client_authentication: self.client_authentication(),
            key_rotation: self.key_rotation,
            graph: self.graph.clone(),
            scopes: self.scopes.clone().unwrap_or_else(|| {
                self.preset.unwrap_or(Preset::Generic).scopes(self.issuer.as_deref().unwrap_or_default())
            }),
            tenants: self.tenants.clone(),
            endpoints,
            assertion_audience: self.assertion_audience.unwrap_or(usual_audience(self.preset)),
            prompt: self.prompt.clone(),
            max_age: self.max_age,
            acr_values: self.acr_values.clone(),
            domain_hint: self.domain_hint.clone(),
            upstream_logout: self.upstream_logout.unwrap_or_default(),
            refresh: self.refresh.unwrap_or_default(),
        }
    }

    pub(super) fn client_authentication(&self) -> ClientAuthentication {
        self.client_authentication.unwrap_or(ClientAuthentication::ClientSecretBasic)
    }

    pub(super) fn check_oidc(&self, out: &mut Findings) {
        let by_hand = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        let optional = self.userinfo_endpoint.is_some() || self.end_session_endpoint.is_some();
        let given = by_hand.iter().filter(|endpoint| endpoint.is_some()).count();
        if given != by_hand.len() && (given > 0 || optional) {
            out.add("authorization_endpoint", "endpoints by hand need authorization_endpoint, token_endpoint and jwks_uri together; name none for discovery");
        }
        // what is switched off may be unfinished
        if self.enabled && self.issuer.is_none() {
            out.add("issuer", "is missing: the provider's issuer URL");
        }
        if self.client_id.as_deref().map_or(self.enabled, |id| id.trim().is_empty()) {
            out.add("client_id", "is empty");
        }
        let settings = self.oidc_settings();
        if !settings.scopes.iter().any(|scope| scope == "openid") {
            out.add("scopes", "must hold openid: without it the provider says nothing about who signed in");
        }
        if !settings.client_authentication.by_secret() && self.client_secret.is_some() {
            out.add(
                "client_secret",
                "has no place beside client_authentication: private_key_jwt or federated_credential",
            );
        }
        if let Some(reason) = self.key_rotation.and_then(KeyRotation::fault) {
            out.add("key_rotation", reason);
        }
        if settings.is_multi_tenant() && self.tenants.is_empty() {
            out.add("tenants", "the issuer stands for every Entra tenant: list the tenant ids that may sign in");
        }
        if !settings.is_multi_tenant() && !self.tenants.is_empty() {
            out.add(
                "tenants",
                "belongs to an issuer of several Entra tenants (.../organizations/v2.0 or .../common/v2.0)",
            );
        }
        if settings.refresh.policy == RefreshPolicy::LoginOnly && settings.refresh.max_age.is_some() {
            out.add(
                "refresh.max_age",
                "means nothing beside policy: login_only, by which the provider is never asked again",
            );
        }
        if let Err(error) = Prompt::parse(self.prompt.as_deref()) {
            out.add("prompt", error.to_string());
        }
    }
}

/// Entra and AD FS know client assertions for their token endpoint only.
fn usual_audience(preset: Option<Preset>) -> AssertionAudience {
    match preset {
        Some(Preset::Entra | Preset::Adfs) => AssertionAudience::TokenEndpoint,
        _ => AssertionAudience::Issuer,
    }
}
