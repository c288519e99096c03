//! Our signing keys at the desk: where each is in its life, and who has fetched them, and what can be
//! done to them.

pub mod api;
mod lane;
mod master_key;
pub mod pages;
mod reader;
pub mod schedule;
mod tls;

use super::Trouble;
use crate::signing_key::{RevocationError, RotationError};

impl From<RotationError> for Trouble {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Database(error) => error.into(),
            RotationError::TooYoung { .. } => Self::Conflict("next_key_too_young", error.to_string()),
            RotationError::Lacking { .. } => Self::Conflict("consumers_lack_next_key", error.to_string()),
            RotationError::NoNextKey(_) => Self::Conflict("no_next_key", error.to_string()),
            RotationError::Generation => Self::Broken,
        }
    }
}

impl From<RevocationError> for Trouble {
    fn from(error: RevocationError) -> Self {
        match error {
            RevocationError::Unknown(kid) => Self::Unknown(format!("signing key {kid}")),
            RevocationError::Over(_) => Self::Conflict("key_not_published", error.to_string()),
            RevocationError::Rotation(error) => error.into(),
        }
    }
}
