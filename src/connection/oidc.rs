//! Settings of an OpenID Connect upstream. Stored as JSON in `connections.settings`.

use serde::{Deserialize, Serialize};

use super::{Graph, KeyRotation, Refresh};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// Compared byte for byte with discovery and ID tokens. For several Entra tenants it ends in `/organizations/v2.0`
    /// or `/common/v2.0`, and `tenants` says which ones are let in.
    pub issuer: String,
    pub client_id: String,
    pub client_authentication: ClientAuthentication,
    pub scopes: Vec<String>,
    /// Entra tenant ids. Mandatory when the issuer is a multi-tenant one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Endpoints entered by hand; then discovery is not fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
    /// How the keys of `private_key_jwt` reach the provider, and change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_rotation: Option<KeyRotation>,
    /// Entra: where more groups than a token holds are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
    /// `aud` of our client assertions.
    #[serde(default)]
    pub assertion_audience: AssertionAudience,
    /// Sent with every authorization request unless the downstream request says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_hint: Option<String>,
    /// Whether signing out here goes on to the provider's end_session_endpoint. Its own logout tokens are followed in any
    /// case.
    #[serde(default)]
    pub upstream_logout: bool,
    #[serde(default)]
    pub refresh: Refresh,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
}

/// How we prove ourselves at the token endpoint (OIDC Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    /// Entra's federated identity credential: an assertion that our own issuer makes. There is nothing to renew.
    FederatedCredential,
}

impl ClientAuthentication {
    pub const fn by_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer as a sole string (rfc7523bis).
    #[default]
    Issuer,
    /// The token endpoint, which Entra and older servers demand.
    TokenEndpoint,
}

impl OidcSettings {
    /// Whether the issuer stands for many Entra tenants, so that the real one is templated on `tid`.
    pub fn is_multi_tenant(&self) -> bool {
        ["organizations", "common", "consumers"]
            .iter()
            .any(|tenant| self.issuer.trim_end_matches('/').ends_with(&format!("/{tenant}/v2.0")))
    }
}
