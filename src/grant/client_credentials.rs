//! `client_credentials` (RFC 6749 §4.4): a token for the client itself. No database row is read or written.

use super::request::CredentialsRequest;
use super::{GrantError, TokenResponse};
use crate::broker::{Broker, Catalog};
use crate::client::{AuthenticatedClient, Client};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::{OIDC_SCOPES, Scope};
use crate::token::{Granted, access};

/// # Errors
/// [`GrantError::Refused`] with `invalid_target`, `invalid_scope` or `unauthorized_client`.
pub fn issue(
    broker: &Broker,
    catalog: &Catalog,
    authenticated: &AuthenticatedClient,
    request: CredentialsRequest,
    key: Option<&Jkt>,
) -> Result<TokenResponse, GrantError> {
    let client = &**authenticated.client();
    if !client.is_confidential() {
        return Err(OAuthError::new(
            ErrorCode::UnauthorizedClient,
            "a public client cannot prove itself and so gets no token of its own (RFC 6749 section 4.4)",
        )
        .into());
    }
    let (scope, audiences) = granted(catalog, client, request.scope, request.targets)?;
    let granted = Granted { client, person: None, scope: &scope, audiences: &audiences, key };
    let token = access::mint(broker, catalog, granted)?;
    Ok(TokenResponse {
        access_token: token.jwt,
        token_type: token.scheme.as_str(),
        expires_in: token.expires_in,
        scope: scope.to_string(),
        refresh_token: None,
        id_token: None,
    })
}

/// The scopes and audiences that a client gets by itself: those asked for, or else all of the default audience.
///
/// # Errors
/// `invalid_target`, `invalid_scope`.
pub(super) fn granted(
    catalog: &Catalog,
    client: &Client,
    scope: Option<Scope>,
    mut targets: Vec<String>,
) -> Result<(Scope, Vec<String>), OAuthError> {
    let mut asked = scope.unwrap_or_default();
    asked.take_default_targets(&mut targets, &client.audiences)?;
    let audiences = client.resolve_audiences(&targets)?;
    let allowed = catalog.all_scopes(client, &audiences);
    let scope = if asked.is_empty() { allowed } else { narrowed(asked, &allowed)? };
    Ok((scope, audiences))
}

/// A machine has no profile: OIDC scopes that libraries send by habit are left out, unknown ones are an error.
fn narrowed(asked: Scope, allowed: &Scope) -> Result<Scope, OAuthError> {
    if let Some(stranger) = asked.iter().find(|token| !allowed.contains(token) && !OIDC_SCOPES.contains(token)) {
        let may = if allowed.is_empty() { "none".into() } else { allowed.to_string() };
        return Err(OAuthError::new(
            ErrorCode::InvalidScope,
            format!("the scope {stranger} is not one this client may have on this audience; it may have: {may}"),
        ));
    }
    Ok(Scope::from_tokens(asked.iter().filter(|token| allowed.contains(token))))
}
