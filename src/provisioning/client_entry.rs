//! A client as the file writes it, and the way to and from the stored one.

use serde::{Deserialize, Serialize};

use super::check::{Findings, Known, scope_tokens};
use super::entry::{is_default, is_yes, redirect_uris, yes};
use super::secret_ref::{SecretRef, secret_variable};
use crate::client::{AuthMethod, ClaimPolicy, Client, ClientId, ClientKind, ClientSettings, FederatedIdentity};
use crate::connection::Slug;
use crate::jose::{Alg, CertificatePem, JwkSet};
use crate::oauth::grant_type::GrantType;
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::scope::{OIDC_SCOPES, Scope};

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientEntry {
    pub client_id: ClientId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub kind: ClientKind,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    #[serde(default, deserialize_with = "redirect_uris", skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<RedirectUri>,
    #[serde(default, deserialize_with = "redirect_uris", skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Absent: what the kind usually needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<GrantType>>,
    /// The first is the default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Absent: all enabled ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<Slug>>,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub first_party: bool,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub require_pkce: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub claims: ClaimPolicy,
    #[serde(default, skip_serializing_if = "is_default")]
    pub id_token_alg: Alg,
    /// RFC 8628: whether the device may show a link with the code in it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub complete_verification_uri: bool,
    /// Token requests a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
    /// RFC 9126.
    #[serde(default, skip_serializing_if = "is_default")]
    pub require_pushed_authorization_requests: bool,
    /// RFC 9449.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dpop_bound_access_tokens: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    /// Absent: whatever it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// Public keys, for private_key_jwt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// PEM, one each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificatePem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub federated_identities: Vec<FederatedIdentity>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<String>,
    /// OIDC Back-Channel Logout 1.0 §2.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub backchannel_logout_session_required: bool,
    /// Whether it makes and ends its own secrets.
    #[serde(default, skip_serializing_if = "is_default")]
    pub may_rotate_secret: bool,
}

impl ClientEntry {
    pub(super) fn of(client: &Client) -> Self {
        let id = client.client_id.as_str();
        Self {
            name: Some(client.name.clone()).filter(|name| name != id),
            kind: client.kind,
            enabled: client.enabled,
            redirect_uris: client.redirect_uris.clone(),
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            grants: Some(client.grants.clone()).filter(|grants| grants != usual_grants(client.kind)),
            audiences: client.audiences.clone(),
            scopes: client.scopes.as_ref().map(|scopes| scopes.as_slice().to_vec()),
            connections: client.connections.clone(),
            first_party: client.first_party,
            require_pkce: client.require_pkce,
            claims: client.claims.clone(),
            id_token_alg: client.id_token_alg,
            complete_verification_uri: client.settings.complete_verification_uri,
            rate_limit: client.settings.rate_limit,
            require_pushed_authorization_requests: client.settings.require_pushed_authorization_requests,
            dpop_bound_access_tokens: client.settings.dpop_bound_access_tokens,
            client_secret: (!client.secrets.is_empty()).then(|| SecretRef::Env(secret_variable("CLIENT", id))),
            token_endpoint_auth_method: client.settings.token_endpoint_auth_method,
            jwks: client.settings.jwks.clone(),
            jwks_uri: client.settings.jwks_uri.clone(),
            certificates: client.settings.certificates.clone(),
            federated_identities: client.settings.federated_identities.clone(),
            serves: client.settings.serves.clone(),
            backchannel_logout_uri: client.settings.backchannel_logout_uri.clone(),
            backchannel_logout_session_required: client.settings.backchannel_logout_session_required,
            may_rotate_secret: client.settings.may_rotate_secret,
            client_id: client.client_id.clone(),
        }
    }

    /// Without secrets.
    pub(super) fn to_client(&self, managed_by: Option<&str>) -> Client {
        Client {
            client_id: self.client_id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.client_id.to_string()),
            kind: self.kind,
            enabled: self.enabled,
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            grants: self.effective_grants().to_vec(),
            audiences: self.audiences.clone(),
            scopes: self.scopes.as_ref().map(Scope::from_tokens),
            connections: self.connections.clone(),
            first_party: self.first_party,
            require_pkce: self.require_pkce,
            claims: self.claims.clone(),
            id_token_alg: self.id_token_alg,
            settings: ClientSettings {
                complete_verification_uri: self.complete_verification_uri,
                rate_limit: self.rate_limit,
                require_pushed_authorization_requests: self.require_pushed_authorization_requests,
                dpop_bound_access_tokens: self.dpop_bound_access_tokens,
                token_endpoint_auth_method: self.token_endpoint_auth_method,
                jwks: self.jwks.clone(),
                jwks_uri: self.jwks_uri.clone(),
                certificates: self.certificates.clone(),
                federated_identities: self.federated_identities.clone(),
                serves: self.serves.clone(),
                backchannel_logout_uri: self.backchannel_logout_uri.clone(),
                backchannel_logout_session_required: self.backchannel_logout_session_required,
                may_rotate_secret: self.may_rotate_secret,
            },
            managed_by: managed_by.map(Into::into),
            secrets: Vec::new(),
        }
    }

    pub fn effective_grants(&self) -> &[GrantType] {
        self.grants.as_deref().unwrap_or_else(|| usual_grants(self.kind))
    }

    /// What is wrong with it by itself and in its surroundings.
    pub(super) fn check(&self, out: &mut Findings, known: &Known) {
        let grants = self.effective_grants();
        let public = matches!(self.kind, ClientKind::Spa | ClientKind::Native);
        let kind = self.kind.as_str();
        if public && self.client_secret.is_some() {
            out.add(
                "client_secret",
                format!("a {kind} client is public and cannot keep a secret; use kind web, or leave it out"),
            );
        }
        self.check_keys(out, known);
        self.check_logout(out);
        if public && !self.require_pkce {
            out.add("require_pkce", format!("a {kind} client is public and always needs PKCE"));
        }
        if public && grants.contains(&GrantType::ClientCredentials) {
            out.add("grants", format!("client_credentials needs a confidential client (web or machine), not {kind}"));
        }
        if self.kind == ClientKind::Machine && grants.contains(&GrantType::AuthorizationCode) {
            out.add("grants", "nobody signs in at a machine client; use kind web for authorization_code");
        }
        if grants.contains(&GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            out.add("redirect_uris", "the grant authorization_code needs at least one redirect URI");
        }
        for audience in self.audiences.iter().filter(|audience| !known.resources.contains_key(*audience)) {
            out.add("audiences", format!("{audience:?} is no resource of this file or stored"));
        }
        for slug in self.connections.iter().flatten().filter(|slug| !known.connections.contains(slug.as_str())) {
            out.add("connections", format!("{slug} is no connection of this file or stored"));
        }
        for fault in self.claims.faults() {
            out.add("claims", fault);
        }
        if let Some(scopes) = &self.scopes {
            scope_tokens(out, scopes);
            let of_audiences: Vec<&String> =
                self.audiences.iter().filter_map(|audience| known.resources.get(audience)).flatten().collect();
            for scope in scopes {
                if !OIDC_SCOPES.contains(&scope.as_str()) && !of_audiences.contains(&scope) {
                    out.add("scopes", format!("{scope:?} is neither an OIDC scope nor one of its audiences'"));
                }
            }
        }
    }
}

const fn usual_grants(kind: ClientKind) -> &'static [GrantType] {
    match kind {
        ClientKind::Web | ClientKind::Spa | ClientKind::Native => {
            &[GrantType::AuthorizationCode, GrantType::RefreshToken]
        }
        ClientKind::Machine => &[GrantType::ClientCredentials],
    }
}
