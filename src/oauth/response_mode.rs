//! How an authorization response travels: OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode.

use super::error::{ErrorCode, OAuthError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    #[default]
    Query,
    FormPost,
}

impl ResponseMode {
    /// # Errors
    /// `invalid_request` for another mode; `fragment` included, because we answer with codes only.
    pub fn parse(text: Option<&str>) -> Result<Self, OAuthError> {
        match text {
            None | Some("query") => Ok(Self::Query),
            Some("form_post") => Ok(Self::FormPost),
            Some(other) => Err(OAuthError::new(
                ErrorCode::InvalidRequest,
                format!("response_mode={other} is not supported; use query or form_post"),
            )),
        }
    }
}
