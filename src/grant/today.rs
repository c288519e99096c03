//! What was granted earlier, narrowed to what the client may have today: an operator's change reaches the tokens of
//! sign-ins that are still going on.

use super::GrantError;
use crate::broker::Catalog;
use crate::client::Client;
use crate::oauth::scope::Scope;

/// # Errors
/// `invalid_grant` when nothing is left of the audiences.
pub fn narrowed(
    catalog: &Catalog,
    client: &Client,
    scope: &Scope,
    audiences: &[String],
) -> Result<(Scope, Vec<String>), GrantError> {
    catalog.still_granted(client, scope, audiences).ok_or_else(|| {
        GrantError::invalid_grant(
            "audience_withdrawn",
            "the client may not have tokens for this audience any more; sign in again",
        )
    })
}
