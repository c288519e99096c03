//! What was granted earlier, narrowed to what the client may have today: an operator's change reaches the tokens of
//! sign-ins that are still going on.

use super::GrantError;
use crate::broker::Catalog;
use crate::client::Client;
use crate::oauth::scope::{OIDC_SCOPES, Scope};

/// # Errors
/// `invalid_grant` when nothing is left of the audiences.
pub fn narrowed(
    catalog: &Catalog,
    client: &Client,
    scope: &Scope,
    audiences: &[String],
) -> Result<(Scope, Vec<String>), GrantError> {
    let left: Vec<_> = audiences.iter().filter(|a| client.audiences.contains(a)).cloned().collect();
    let resources: Vec<_> = left.iter().filter_map(|a| catalog.resource(a)).collect();
    if resources.is_empty() && !audiences.is_empty() {
        return Err(GrantError::invalid_grant(
            "audience_withdrawn",
            "the client may not have tokens for this audience any more; sign in again",
        ));
    }
    let mut scope = scope.clone();
    scope.retain(|token| {
        let known = OIDC_SCOPES.contains(&token) || resources.iter().any(|r| r.scopes.contains(token));
        known && client.scopes.as_ref().is_none_or(|allowed| allowed.contains(token))
    });
    Ok((scope, left))
}
