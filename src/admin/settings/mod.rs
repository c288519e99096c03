//! The settings at the desk.

pub mod api;
pub mod extract;
pub mod pages;

use super::Trouble;
use crate::settings::SettingsError;

impl From<SettingsError> for Trouble {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Changed => Self::Changed,
            SettingsError::Database(error) => error.into(),
        }
    }
}
