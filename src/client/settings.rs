//! What few clients set, in the words of RFC 7591 and its extensions. Stored as JSON in `clients.settings`; what is at
//! its default is left out.

use serde::{Deserialize, Serialize};

use super::FederatedIdentity;
use crate::jose::{CertificatePem, JwkSet, VerificationKey};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// Whether devices get a `verification_uri_complete` (RFC 8628 §3.3.1). Off by default: who has to type the code has
    /// seen the device, and a link can be sent to anybody.
    #[serde(skip_serializing_if = "is_false")]
    pub complete_verification_uri: bool,
    /// Token requests a minute. Absent: as many as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
    /// RFC 9126 §6: a request that a browser brings in its query is refused.
    #[serde(skip_serializing_if = "is_false")]
    pub require_pushed_authorization_requests: bool,
    /// RFC 9449 §5.2: no token without a DPoP proof.
    #[serde(skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens: bool,
    /// Absent: by whatever it has, a secret or a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// The keys by which it signs client assertions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Where it publishes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The same as certificates; their keys are found by `x5t` and `x5t#S256`, or by trying.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificatePem>,
    /// Who it is at issuers that it trusts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub federated_identities: Vec<FederatedIdentity>,
    /// Audiences of the API that this client is: people's access tokens for them it may exchange (RFC 8693).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<String>,
    /// Where it takes logout tokens (OIDC Back-Channel Logout 1.0 §2.2). Absent: it is not told of logouts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it needs `sid` in them. They have it always.
    #[serde(skip_serializing_if = "is_false")]
    pub backchannel_logout_session_required: bool,
    /// Whether it makes and ends its own secrets, proving itself by one that it has.
    #[serde(skip_serializing_if = "is_false")]
    pub may_rotate_secret: bool,
}

impl ClientSettings {
    /// Whether some key proves the client, its own or that of an issuer it trusts.
    pub fn has_keys(&self) -> bool {
        let own = self.jwks.is_some() || self.jwks_uri.is_some() || !self.certificates.is_empty();
        own || !self.federated_identities.is_empty()
    }

    /// The keys that are registered here and need not be fetched.
    pub fn registered_keys(&self) -> impl Iterator<Item = &VerificationKey> {
        let jwks = self.jwks.iter().flat_map(JwkSet::keys);
        jwks.chain(self.certificates.iter().map(CertificatePem::key))
    }
}

/// How a confidential client proves itself (RFC 7591 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

impl AuthMethod {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

const fn is_false(value: &bool) -> bool {
    !*value
}
