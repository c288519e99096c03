//! What connections, clients, resources and roles have in common at the desk: they are read and put by
//! [`crate::provisioning::one`], and its refusals become words beside fields or problem documents.

pub mod api;
mod view;

use super::Trouble;
use super::form::FieldErrors;
use crate::ctx::Ctx;
use crate::provisioning::ProvisioningError;
use crate::provisioning::one::{self, Item, Known, Refusal};

/// # Errors
/// [`Trouble::Unknown`] and the database's.
pub async fn read(ctx: &Ctx, item: &Item) -> Result<Known, Trouble> {
    let mut conn = ctx.db.acquire().await?;
    one::read(&mut conn, item).await?.ok_or_else(|| Trouble::Unknown(item.to_string()))
}

/// A form that has to be shown again.
#[derive(Debug)]
pub struct Refused(pub FieldErrors);

/// What a form's `put` came to: done, or to be shown again with these errors. `field_of` gives the form's name of a path where
/// it is not the path's last word.
///
/// # Errors
/// what no field can say.
pub fn settle<T>(
    put: Result<T, Refusal>,
    field_of: impl Fn(&str) -> Option<&'static str>,
) -> Result<Result<T, Refused>, Trouble> {
    match put {
        Ok(done) => Ok(Ok(done)),
        Err(Refusal::Provisioning(ProvisioningError::Problems(problems))) => {
            Ok(Err(Refused(FieldErrors::of(&problems, field_of))))
        }
        Err(Refusal::Exists(item)) => {
            let (field, word) = match item {
                Item::Connection(_) => ("slug", "slug"),
                Item::Client(_) => ("client_id", "client id"),
                Item::Resource(_) => ("identifier", "identifier"),
                Item::Role { .. } => ("name", "name on this resource"),
            };
            Ok(Err(Refused(FieldErrors::one(field, format!("Another one has this {word} already. Choose another.")))))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown(item) => Self::Unknown(item.to_string()),
            Refusal::Exists(_) => Self::Conflict("exists", refusal.to_string()),
            Refusal::Changed | Refusal::Provisioning(ProvisioningError::Changed) => Self::Changed,
            Refusal::Owned(_) => Self::Conflict("owned_by_file", refusal.to_string()),
            Refusal::InUse(_) => Self::Conflict("in_use", refusal.to_string()),
            Refusal::Provisioning(ProvisioningError::Problems(problems)) => Self::Invalid(problems),
            Refusal::Provisioning(ProvisioningError::Database(error)) => error.into(),
            Refusal::Provisioning(error @ ProvisioningError::Certificate(_)) => {
                tracing::error!(%error, "a key could not be made");
                Self::Broken
            }
        }
    }
}
