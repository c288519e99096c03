//! Webhooks at the desk.

pub mod api;
pub mod pages;

use super::Trouble;
use crate::webhook::WebhookError;

impl From<WebhookError> for Trouble {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Unknown => Self::Unknown("such webhook".into()),
            WebhookError::Changed => Self::Changed,
            WebhookError::TooMany => Self::Conflict("too_many_webhooks", error.to_string()),
            WebhookError::Database(error) => error.into(),
        }
    }
}
