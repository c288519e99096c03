//! A resource: a downstream API whose identifier is the audience of tokens (RFC 8707), with its scopes and the profile
//! of its access tokens. Owns no tokens.

pub mod store;

use serde::{Deserialize, Serialize};

use crate::jose::Alg;
use crate::oauth::scope::Scope;

#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub identifier: String,
    pub name: String,
    pub scopes: Scope,
    pub access_token: AccessTokenProfile,
    pub managed_by: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessTokenProfile {
    /// Seconds, 60 to 86400.
    pub ttl: u32,
    pub alg: Alg,
    pub typ: TokenTyp,
}

impl Default for AccessTokenProfile {
    fn default() -> Self {
        Self { ttl: 3600, alg: Alg::RS256, typ: TokenTyp::AtJwt }
    }
}

/// The `typ` header. Some validators refuse `at+jwt` (RFC 9068), so a resource may ask for plain `JWT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenTyp {
    #[default]
    #[serde(rename = "at+jwt")]
    AtJwt,
    #[serde(rename = "JWT")]
    Jwt,
}

impl TokenTyp {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtJwt => "at+jwt",
            Self::Jwt => "JWT",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::AtJwt, Self::Jwt].into_iter().find(|t| t.as_str() == text)
    }
}
