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
    let left: Vec<_> = audiences.iter().filter(|a| client.audiences.contains(a)).cloned().collect();
    if !audiences.is_empty() && left.iter().all(|a| catalog.resource(a).is_none()) {
        return Err(GrantError::invalid_grant(
            "audience_withdrawn",
            "the client may not have tokens for this audience any more; sign in again",
        ));
    }
    let scope = catalog.narrowed(client, &left, scope.clone());
    Ok((scope, left))
}
