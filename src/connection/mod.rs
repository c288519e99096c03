//! A connection: an upstream identity provider as configured and stored, with the credentials that prove us to it.
//! Owns its settings, its mapping and the rule of who may come in. It does not talk to the provider (`upstream` does)
//! and does not know users.

pub mod certificate;
pub mod credential;
mod graph;
pub mod jwks;
pub mod key_rotation;
pub mod listing;
pub mod mapping;
pub mod metadata;
pub mod oidc;
pub mod own_key;
pub mod preset;
pub mod refresh;
pub mod renewal_link;
pub mod saml;
pub mod secret_driver;
pub mod sp_key;
pub mod store;
pub mod untrusted;
pub mod version;

pub use certificate::{Certificate, CertificateState};
pub use credential::{Credential, CredentialKind, CredentialState, KeyUse};
pub use graph::{Graph, GraphGroups};
pub use key_rotation::{Delivery, KeyRotation};
pub use mapping::{Mapping, Profile};
pub use metadata::Metadata;
pub use oidc::{ClientAuthentication, OidcSettings};
pub use preset::Preset;
pub use refresh::{Refresh, RefreshPolicy};
pub use saml::SamlSettings;

use crate::cel::{EvaluationError, Expression};
use crate::ids::ConnectionId;

/// One upstream, credentials included. Immutable; a change makes a new one.
#[derive(Clone, Debug)]
pub struct Connection {
    pub id: ConnectionId,
    /// Part of the callback URL; never changes.
    pub slug: Slug,
    pub display_name: String,
    pub preset: Option<Preset>,
    pub enabled: bool,
    /// Whether the chooser shows a button. An unlisted connection is reached by e-mail domain or hint only.
    pub listed: bool,
    /// Whether people may add an identity of this connection to their account by themselves.
    pub linking: bool,
    pub protocol: Protocol,
    /// Lower-case domains: home-realm discovery, and where this connection's word on e-mail addresses counts.
    pub email_domains: Vec<String>,
    /// CEL over `claims`; absent: everybody the provider vouches for.
    pub allow: Option<Expression>,
    /// What the operator set; unset keys use the preset's. See [`Mapping::over`].
    pub mapping: Mapping,
    /// The name of the resource file that owns it, or none.
    pub managed_by: Option<String>,
    pub credentials: Vec<Credential>,
    /// Of a SAML identity provider, in every state, oldest first.
    pub certificates: Vec<Certificate>,
    /// What is known from the `metadata_url` of a SAML connection, if it was asked under these settings.
    pub refreshing: Option<metadata::Refreshing>,
    /// Approved versions of the discovery document, each under the issuer that it was read for.
    pub approved: Vec<version::Approved>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Protocol {
    Oidc(OidcSettings),
    Saml(SamlSettings),
}

impl Connection {
    /// The one gate on every path that leads to a session or token.
    pub fn may_login(&self) -> bool {
        self.enabled
    }

    /// Whether somebody may add an identity of it to their account: on every step of that, beside [`Self::may_login`].
    pub fn may_link(&self) -> bool {
        self.may_login() && self.linking
    }

    /// The `allow` rule over the claims of somebody the provider vouched for.
    ///
    /// # Errors
    /// [`EvaluationError`] when the rule cannot be decided, for example because it reads a claim that is absent: not
    /// admitted, and the reason is worth an operator's eye.
    pub fn admits(&self, claims: &serde_json::Value) -> Result<bool, EvaluationError> {
        self.allow.as_ref().map_or(Ok(true), |rule| rule.is_true(&[("claims", claims)]))
    }

    /// The operator's mapping over the preset's over the generic one: every key has an expression or is absent on purpose.
    pub fn effective_mapping(&self) -> Mapping {
        let base = match self.protocol {
            Protocol::Oidc(_) => self.preset.unwrap_or(Preset::Generic).mapping(),
            Protocol::Saml(_) => saml::mapping(),
        };
        self.mapping.clone().over(base)
    }

    pub fn is_authoritative_for(&self, email: &str) -> bool {
        email
            .rsplit_once('@')
            .is_some_and(|(_, domain)| self.email_domains.iter().any(|d| d.eq_ignore_ascii_case(domain)))
    }

    /// How fresh the provider's word has to be at a refresh.
    pub fn refresh(&self) -> Refresh {
        match &self.protocol {
            Protocol::Oidc(settings) => settings.refresh,
            Protocol::Saml(_) => Refresh { policy: RefreshPolicy::LoginOnly, max_age: None },
        }
    }

    /// Whether a client secret is what it proves itself with.
    pub fn by_secret(&self) -> bool {
        matches!(&self.protocol, Protocol::Oidc(settings) if settings.client_authentication.by_secret())
    }

    /// What the provider's discovery document says, as far as it is approved under the present issuer.
    pub fn approved_surface(&self) -> Option<&version::Surface> {
        let Protocol::Oidc(settings) = &self.protocol else { return None };
        self.approved.iter().find(|one| one.source == settings.issuer).map(|one| &one.surface)
    }

    /// What was last read from the provider's `metadata_url`.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.refreshing.as_ref()?.metadata.as_ref()
    }

    /// The same as if this credential were its only one, and in use. `None`: it has no such one that still counts.
    pub fn proving_with(&self, credential: &str) -> Option<Self> {
        let found = self.credentials.iter().find(|one| one.id.as_str() == credential && one.state.is_published())?;
        let only = Credential { state: CredentialState::Active, ..found.clone() };
        Some(Self { credentials: vec![only], ..self.clone() })
    }

    pub fn active(&self, kind: CredentialKind) -> Option<&Credential> {
        self.credentials.iter().find(|c| c.kind() == kind && c.state == CredentialState::Active)
    }

    /// The key in use for this: one of its own, or one that serves every use.
    pub fn active_key(&self, usage: KeyUse) -> Option<&Credential> {
        let keys = || self.keys(CredentialState::Active);
        keys().find(|key| key.key_use() == Some(usage)).or_else(|| keys().find(|key| key.key_use().is_none()))
    }

    /// Our private keys in this state, whatever they are for.
    pub fn keys(&self, state: CredentialState) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(move |c| c.kind() == CredentialKind::PrivateKey && c.state == state)
    }
}

/// The URL part that names a connection: `[a-z0-9-]`, 1 to 63 characters, no hyphen at the ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Slug(String);

#[derive(Debug, Clone, thiserror::Error)]
#[error("slug {0:?} must be 1 to 63 characters of a-z, 0-9 and -, without - at the ends")]
pub struct SlugError(String);

impl Slug {
    /// # Errors
    /// [`SlugError`] when it is not shaped like a DNS label.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        let ok = (1..=63).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.starts_with('-')
            && !text.ends_with('-');
        if ok { Ok(Self(text.into())) } else { Err(SlugError(text.into())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Slug {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}
