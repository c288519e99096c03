//! `private_key_jwt` (OIDC Core §9, RFC 7523 §2.2): a short-lived statement signed with the connection's own key.

use serde_json::json;

use super::UpstreamError;
use super::discovery::Provider;
use crate::connection::oidc::AssertionAudience;
use crate::connection::{Connection, Credential, KeyUse, OidcSettings};
use crate::ctx::Ctx;
use crate::jose::{Alg, Header, KeyPair};
use crate::secret::Secret;

/// `client_assertion_type`.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Auth0 takes five minutes at most; less would lock out a machine whose clock is a little slow.
const LIFETIME: i64 = 240;

/// Signed by the active key. The header names the key three ways (`kid`, `x5t`, `x5t#S256`), because Entra looks for the
/// certificate and everybody else for the `kid`.
///
/// # Errors
/// `credential_missing`, `credential_unreadable`.
pub(super) fn sign(
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    provider: &Provider,
) -> Result<Secret<String>, UpstreamError> {
    let missing =
        || UpstreamError::misconfigured("credential_missing", "the connection has no active private key; create one");
    let unreadable = |detail: String| UpstreamError::misconfigured("credential_unreadable", detail);
    let credential = connection.active_key(KeyUse::Signing).ok_or_else(missing)?;
    let public = credential.public.as_ref().ok_or_else(missing)?;

    let alg = public.jwk["alg"].as_str().and_then(Alg::parse);
    let alg = alg.ok_or_else(|| unreadable("the stored public key names no algorithm we know".into()))?;
    let der = ctx
        .vault
        .open(Credential::place(&credential.id), &credential.sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let key = KeyPair::from_pkcs8(alg, der.expose()).map_err(|error| unreadable(error.to_string()))?;

    let mut header = Header::new(alg, "JWT");
    if let Some(kid) = public.jwk["kid"].as_str() {
        header = header.with_kid(kid);
    }
    if !public.certificate.is_empty() {
        header = header.with_x5t(&public.certificate);
    }
    Ok(Secret::new(key.sign_jwt(&header, &claims(ctx, settings, provider))))
}

fn claims(ctx: &Ctx, settings: &OidcSettings, provider: &Provider) -> serde_json::Value {
    let now = ctx.now().unix_timestamp();
    // A sole string, never a list: an audience shared with somebody else could be replayed there (CVE-2025-27370).
    let audience = match settings.assertion_audience {
        AssertionAudience::Issuer => &settings.issuer,
        AssertionAudience::TokenEndpoint => &provider.token_endpoint,
    };
    json!({
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": audience,
        "jti": ctx.rng.token(),
        "iat": now,
        "exp": now + LIFETIME,
    })
}
