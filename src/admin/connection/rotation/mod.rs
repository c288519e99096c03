//! A secret that rotates by itself, at the desk: how, by whose right, and how far the rotation under way has come.

pub mod api;
pub mod form;
pub mod pages;

use crate::admin::Trouble;
use crate::connection::secret_driver::SecretDriverError;
use crate::provisioning::Problem;
use crate::rotation::RotationError;

impl From<SecretDriverError> for Trouble {
    fn from(error: SecretDriverError) -> Self {
        let sentence = error.to_string();
        match error {
            SecretDriverError::Database(error) => error.into(),
            SecretDriverError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            SecretDriverError::None(_) => Self::Unknown("rotation of this connection".into()),
            SecretDriverError::NoSecret(_) => Self::Conflict("no_secret", sentence),
            SecretDriverError::Running(_) => Self::Conflict("rotation_running", sentence),
            SecretDriverError::Changed => Self::Changed,
            SecretDriverError::Invalid(faults) => {
                let problem = |(field, reason): (&str, String)| Problem { path: field.into(), reason };
                Self::Invalid(faults.into_iter().map(problem).collect())
            }
        }
    }
}

impl From<RotationError> for Trouble {
    fn from(error: RotationError) -> Self {
        let sentence = error.to_string();
        match error {
            RotationError::Database(error) => error.into(),
            RotationError::Unknown(slug) => Self::Unknown(format!("connection {slug}")),
            RotationError::NoDriver(_) => Self::Unknown("rotation of this connection".into()),
            RotationError::Disabled(_) => Self::Conflict("connection_disabled", sentence),
            RotationError::Running(_) => Self::Conflict("rotation_running", sentence),
            RotationError::NotRunning(_) => Self::Conflict("rotation_not_running", sentence),
            RotationError::TooSoon(_) => Self::Conflict("rotated_just_now", sentence),
        }
    }
}
