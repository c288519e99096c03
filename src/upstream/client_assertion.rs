//! `private_key_jwt` (OIDC Core §9, RFC 7523 §2.2): a short-lived statement signed with the connection's own key.

use serde_json::json;

use super::UpstreamError;
use super::discovery::Provider;
use crate::connection::oidc::AssertionAudience;
use crate::connection::{Credential, OidcSettings};
use crate::ctx::Ctx;
use crate::jose::{Alg, Header, KeyPair};
use crate::secret::Secret;

/// `client_assertion_type`.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Auth0 takes five minutes at most; less would lock out a machine whose clock is a little slow.
const LIFETIME: i64 = 240;

/// Signed by this key. The header names the key three ways (`kid`, `x5t`, `x5t#S256`), because Entra looks for the
/// certificate and everybody else for the `kid`.
///
/// # Errors
/// `credential_missing`, `credential_unreadable`.
pub(super) fn sign(
    ctx: &Ctx,
    settings: &OidcSettings,
    provider: &Provider,
    credential: &Credential,
) -> Result<Secret<String>, UpstreamError> {
    let header = header(credential)?;
    let der = ctx
        .vault
        .open(Credential::place(&credential.id), &credential.sealed)
        .map_err(|error| unreadable(error.to_string()))?;
    let key = KeyPair::from_pkcs8(alg(credential)?, der.expose()).map_err(|error| unreadable(error.to_string()))?;
    Ok(Secret::new(key.sign_jwt(&header, &claims(ctx, settings, provider))))
}

/// The same, signed by a key that nobody knows: only whoever verifies the signature can tell.
///
/// # Errors
/// as [`sign`].
pub(super) async fn forge(
    ctx: &Ctx,
    settings: &OidcSettings,
    provider: &Provider,
    credential: &Credential,
) -> Result<Secret<String>, UpstreamError> {
    let (header, alg) = (header(credential)?, alg(credential)?);
    // RSA keys take their time
    let made = tokio::task::spawn_blocking(move || KeyPair::generate(alg).0).await;
    let key = made.map_err(|error| unreadable(error.to_string()))?;
    Ok(Secret::new(key.sign_jwt(&header, &claims(ctx, settings, provider))))
}

fn alg(credential: &Credential) -> Result<Alg, UpstreamError> {
    let named = credential.public.as_ref().and_then(|public| public.jwk["alg"].as_str()).and_then(Alg::parse);
    named.ok_or_else(|| unreadable("the stored public key names no algorithm we know".into()))
}

fn header(credential: &Credential) -> Result<Header, UpstreamError> {
    let mut header = Header::new(alg(credential)?, "JWT");
    if let Some(public) = &credential.public {
        if let Some(kid) = public.jwk["kid"].as_str() {
            header = header.with_kid(kid);
        }
        if !public.certificate.is_empty() {
            header = header.with_x5t(&public.certificate);
        }
    }
    Ok(header)
}

fn unreadable(detail: String) -> UpstreamError {
    UpstreamError::misconfigured("credential_unreadable", detail)
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
