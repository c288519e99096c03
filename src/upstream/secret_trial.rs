//! Whether a provider takes a client secret, found out without a person: a code that it never gave is redeemed with it. A
//! client that is not known is refused for that (`invalid_client`), one that is known for the code (`invalid_grant`). RFC
//! 6749 prescribes no order of these checks, so the same is asked with a secret that cannot be right: only where the two
//! answers differ is anything proven.

use super::token_request::{Said, ask_in_vain};
use super::{UpstreamError, Upstreams};
use crate::connection::{ClientAuthentication, Connection, Preset, Protocol};
use crate::ctx::Ctx;
use crate::secret::Secret;

/// What came of it; the texts are for an operator or the provider's administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretTrial {
    Proven,
    /// What the provider answered.
    Refused(String),
    /// The answers do not tell a right secret from a wrong one.
    Unclear(String),
    Unreachable(String),
}

pub(super) async fn of(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &Connection,
    secret: &Secret<String>,
) -> SecretTrial {
    let Protocol::Oidc(settings) = &connection.protocol else {
        return SecretTrial::Unclear("the connection speaks SAML, which knows no client secret".into());
    };
    if settings.client_authentication == ClientAuthentication::PrivateKeyJwt {
        return SecretTrial::Unclear("the connection proves itself with keys of ours, not with a secret".into());
    }
    if connection.preset == Some(Preset::Entra) {
        // whether it looks at the secret before the code is not known, and differs between its servers for a while
        return SecretTrial::Unclear("Entra ID does not say at its token endpoint which of the two is wrong".into());
    }
    let provider = match upstreams.discovery.get(ctx, connection, settings).await {
        Ok(provider) => provider,
        Err(error) => return SecretTrial::Unreachable(error.to_string()),
    };
    let wrong = Secret::new(ctx.rng.token());
    let control = match ask_in_vain(ctx, connection, settings, &provider, &wrong).await {
        Ok(Said::ClientRefused(_)) => true,
        Ok(Said::CodeRefused | Said::Other(_)) => false,
        Err(error) => return failed(&error),
    };
    match ask_in_vain(ctx, connection, settings, &provider, secret).await {
        Ok(Said::ClientRefused(said)) => SecretTrial::Refused(said),
        Ok(Said::CodeRefused) if control => SecretTrial::Proven,
        Ok(Said::CodeRefused) => SecretTrial::Unclear("it answers a wrong secret in the same way".into()),
        Ok(Said::Other(said)) => SecretTrial::Unclear(said),
        Err(error) => failed(&error),
    }
}

fn failed(error: &UpstreamError) -> SecretTrial {
    match error {
        UpstreamError::Unavailable { .. } => SecretTrial::Unreachable(error.to_string()),
        _ => SecretTrial::Unclear(error.to_string()),
    }
}
