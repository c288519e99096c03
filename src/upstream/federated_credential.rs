//! Entra's federated identity credentials (workload identity federation): in place of a secret of the application our own
//! issuer vouches that it is this connection that asks. Entra reads our discovery document and JWKS and compares issuer
//! and subject byte for byte. There is nothing to renew: the keys are those of our issuer, which rotate by themselves.

use serde_json::json;

use super::UpstreamError;
use crate::connection::{Connection, Slug};
use crate::ctx::Ctx;
use crate::jose::Alg;
use crate::secret::Secret;
use crate::signing_key::KeySet;

/// The one audience that Entra takes. It is nobody else's, ourselves included: whoever gets hold of an assertion can do
/// nothing with it here.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";

/// What draft-ietf-oauth-rfc7523bis calls such a JWT: no token of ours has this type.
const TYP: &str = "client-authentication+jwt";

/// Seconds. Used at once; the rest is for clocks.
const LIFETIME: i64 = 300;

/// `sub` of the assertions of this connection: what is registered at Entra. It changes as little as the slug, and is no
/// subject that a person or client of ours can have.
pub fn subject(slug: &Slug) -> String {
    format!("connection:{slug}")
}

/// Signed with RS256, the only algorithm that Entra documents for it.
///
/// # Errors
/// `issuer_key_missing`.
pub(super) fn sign(ctx: &Ctx, connection: &Connection, keys: Option<&KeySet>) -> Result<Secret<String>, UpstreamError> {
    let missing = |detail: String| UpstreamError::misconfigured("issuer_key_missing", detail);
    let keys = keys.ok_or_else(|| missing("the signing keys are not loaded".into()))?;
    let now = ctx.now().unix_timestamp();
    let claims = json!({
        "iss": ctx.urls.issuer(),
        "sub": subject(&connection.slug),
        "aud": AUDIENCE,
        "jti": ctx.rng.token(),
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
    });
    keys.sign(Alg::RS256, TYP, &claims).map(Secret::new).map_err(|error| missing(error.to_string()))
}
