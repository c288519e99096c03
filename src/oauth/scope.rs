//! Scopes (RFC 6749 §3.3): an ordered set of tokens.

use super::error::{ErrorCode, OAuthError};

const LONGEST: usize = 4096;
/// Entra's way to ask for an audience: `AUDIENCE/.default`.
const DEFAULT: &str = "/.default";

/// Order as given, no duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

/// What OIDC itself knows and we can fill, in the order discovery lists it. `address` and `phone` are not among them:
/// no upstream mapping brings such claims, so asking for them is answered like any unknown scope, by leaving it out.
pub const OIDC_SCOPES: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

impl Scope {
    /// A list in storage or in a token of ours.
    pub fn parse(text: &str) -> Self {
        Self::from_tokens(text.split_ascii_whitespace())
    }

    /// The `scope` parameter of a request.
    ///
    /// # Errors
    /// `invalid_scope` when it is longer than 4 KiB: tokens are compared with each other.
    pub fn requested(text: &str) -> Result<Self, OAuthError> {
        if text.len() > LONGEST {
            return Err(OAuthError::new(ErrorCode::InvalidScope, "scope is longer than 4096 bytes"));
        }
        Ok(Self::parse(text))
    }

    pub fn from_tokens<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Self {
        let mut out: Vec<String> = Vec::new();
        for token in tokens {
            if !out.iter().any(|known| known == token.as_ref()) {
                out.push(token.as_ref().into());
            }
        }
        Self(out)
    }

    /// Takes out the tokens `X/.default`, by which Entra's clients ask for the audience X, and adds each X to `targets`.
    ///
    /// # Errors
    /// `invalid_scope` naming the token when X is none of the `audiences` that may be had.
    pub fn take_default_targets(&mut self, targets: &mut Vec<String>, audiences: &[String]) -> Result<(), OAuthError> {
        for token in self.iter() {
            let Some(name) = token.strip_suffix(DEFAULT) else { continue };
            if !audiences.iter().any(|audience| audience == name) {
                let text = format!("the scope {token} asks for the audience {name}, which this client may not have");
                return Err(OAuthError::new(ErrorCode::InvalidScope, text));
            }
            if !targets.iter().any(|known| known == name) {
                targets.push(name.into());
            }
        }
        self.retain(|token| !token.ends_with(DEFAULT));
        Ok(())
    }

    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|token| keep(token));
    }

    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
