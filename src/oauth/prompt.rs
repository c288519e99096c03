//! OIDC Core §3.1.2.1 `prompt`.

use super::error::{ErrorCode, OAuthError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

impl Prompt {
    /// # Errors
    /// `invalid_request` for an unknown value or `none` beside another one.
    pub fn parse(text: Option<&str>) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for word in text.unwrap_or_default().split_ascii_whitespace() {
            match word {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {
                    return Err(OAuthError::new(
                        ErrorCode::InvalidRequest,
                        format!("prompt={word} is unknown; use none, login, consent or select_account"),
                    ));
                }
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(OAuthError::new(ErrorCode::InvalidRequest, "prompt=none must stand alone"));
        }
        Ok(prompt)
    }
}
