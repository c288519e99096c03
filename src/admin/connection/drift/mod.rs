//! Drift watch at the desk: versions of what a provider publishes, and what an operator decides about them.

pub mod api;
pub mod pages;

use crate::admin::Trouble;
use crate::connection::version::VersionError;

/// The id of a version, as it stands in a path.
fn number(text: &str) -> Result<i64, Trouble> {
    text.parse().map_err(|_| Trouble::Unknown(format!("version {text:?}")))
}

impl From<VersionError> for Trouble {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::Database(error) => error.into(),
            VersionError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            VersionError::NothingToDecide(_) => Self::Conflict("nothing_to_decide", error.to_string()),
        }
    }
}
