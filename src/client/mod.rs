//! A client: a downstream application (RFC 6749 §2). Owns what it may ask for and the secrets and keys that prove it. It does
//! not know users or tokens.

pub mod assertion;
pub mod authentication;
pub mod claims;
pub mod federated_identity;
pub mod key;
pub mod listing;
pub mod presented;
pub mod secret;
pub mod settings;
pub mod store;

pub use authentication::AuthenticatedClient;
pub use claims::{ClaimName, ClaimPolicy, UserClaim};
pub use federated_identity::FederatedIdentity;
pub use secret::ClientSecret;
pub use settings::{AuthMethod, ClientSettings};

use serde::{Deserialize, Serialize};

use crate::connection::Slug;
use crate::jose::Alg;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::grant_type::GrantType;
use crate::oauth::redirect_uri::RedirectUri;
use crate::oauth::scope::Scope;

#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    pub client_id: ClientId,
    pub name: String,
    pub kind: ClientKind,
    pub enabled: bool,
    pub redirect_uris: Vec<RedirectUri>,
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    pub grants: Vec<GrantType>,
    /// Resource identifiers; the first is the default audience.
    pub audiences: Vec<String>,
    /// `None`: the OIDC scopes and every scope of its audiences.
    pub scopes: Option<Scope>,
    /// `None`: every enabled connection.
    pub connections: Option<Vec<Slug>>,
    pub first_party: bool,
    pub require_pkce: bool,
    pub claims: ClaimPolicy,
    pub id_token_alg: Alg,
    pub settings: ClientSettings,
    pub managed_by: Option<String>,
    pub secrets: Vec<ClientSecret>,
}

impl Client {
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    pub fn allows_connection(&self, slug: &Slug) -> bool {
        self.connections.as_ref().is_none_or(|list| list.contains(slug))
    }

    /// Whether it can keep a secret (RFC 6749 §2.1).
    pub fn is_confidential(&self) -> bool {
        self.kind.is_confidential()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    Web,
    Spa,
    Native,
    Machine,
}

impl ClientKind {
    pub const ALL: [Self; 4] = [Self::Web, Self::Spa, Self::Native, Self::Machine];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Spa => "spa",
            Self::Native => "native",
            Self::Machine => "machine",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }

    /// RFC 6749 §2.1.
    pub const fn is_confidential(self) -> bool {
        matches!(self, Self::Web | Self::Machine)
    }
}

/// `[A-Za-z0-9._~-]`, 1 to 200 characters, so that Basic credentials are the same bytes encoded or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "client_id {0:?} must be 1 to 200 characters of A-Z a-z 0-9 . _ ~ - and not begin with usr_, as people's subjects do"
)]
pub struct ClientIdError(String);

impl ClientId {
    /// # Errors
    /// [`ClientIdError`] when it holds another character.
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        // a machine's token has its client_id as sub: it must not be taken for a person's (RFC 9700 §4.15.1)
        let ok = (1..=200).contains(&text.len())
            && !text.starts_with("usr_")
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._~-".contains(&b));
        if ok { Ok(Self(text.into())) } else { Err(ClientIdError(text.into())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ClientId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

impl Client {
    /// The audiences of a token: those asked for, or else the first one registered.
    ///
    /// # Errors
    /// `invalid_target` (RFC 8707 §2) naming an audience that this client may not have.
    pub fn resolve_audiences<T: AsRef<str>>(&self, wanted: &[T]) -> Result<Vec<String>, OAuthError> {
        if let Some(stranger) = wanted.iter().find(|w| !self.audiences.iter().any(|a| a == w.as_ref())) {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                format!(
                    "the audience {} is not one of this client's; an operator can add it to the client {}",
                    stranger.as_ref(),
                    self.client_id
                ),
            ));
        }
        if wanted.is_empty() {
            return Ok(self.audiences.first().cloned().into_iter().collect());
        }
        Ok(wanted.iter().map(|w| w.as_ref().to_owned()).collect())
    }
}
