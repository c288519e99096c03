//! What proves us to an upstream: client secrets and private keys, several at a time, each with a life of its own.

pub mod client_secret;
pub mod handover;
pub mod rehearsal;
pub mod store;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::ids::CredentialId;
pub use crate::life::State as CredentialState;
use crate::vault::{Place, Sealed};

#[derive(Clone, Debug)]
pub struct Credential {
    pub id: CredentialId,
    pub state: CredentialState,
    /// A client secret as text, or a private key as PKCS#8 DER.
    pub sealed: Sealed,
    /// Present for private keys.
    pub public: Option<PublicPart>,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
}

/// What the connection's JWKS shows of a private key.
#[derive(Clone, Debug)]
pub struct PublicPart {
    pub jwk: serde_json::Value,
    /// DER of the self-signed certificate around the key.
    pub certificate: Vec<u8>,
    /// `None`: it serves wherever no key of that use is active.
    pub key_use: Option<KeyUse>,
}

/// What a key of ours is for. SAML metadata names it (`use`), and each use has keys with a life of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyUse {
    Signing,
    Encryption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    ClientSecret,
    PrivateKey,
}

impl Credential {
    pub fn kind(&self) -> CredentialKind {
        if self.public.is_some() { CredentialKind::PrivateKey } else { CredentialKind::ClientSecret }
    }

    pub fn key_use(&self) -> Option<KeyUse> {
        self.public.as_ref()?.key_use
    }

    pub fn place(id: &CredentialId) -> Place<'_> {
        Place { table: "connection_credentials", column: "sealed", row: id.as_str() }
    }
}

impl KeyUse {
    pub const ALL: [Self; 2] = [Self::Signing, Self::Encryption];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.as_str() == text)
    }
}

impl CredentialKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::PrivateKey => "private_key",
        }
    }
}
