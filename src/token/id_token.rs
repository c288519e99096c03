//! ID tokens (OIDC Core §2). Lean by default: profile claims come from UserInfo unless the client's registration puts
//! them here; `groups` come with their scope, because kubectl and Argo CD read nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::access::{no_key, roles};
use super::claims::{UserClaims, by_scope};
use super::{Granted, Person};
use crate::broker::{Broker, Catalog};
use crate::client::UserClaim;
use crate::ids::TokenId;
use crate::jose::Alg;
use crate::oauth::error::OAuthError;
use crate::secret::fingerprint;

/// Seconds. An ID token tells of a sign-in that just happened; one hour is what consumers that keep it (kubectl) expect.
pub const LIFETIME: i64 = 3600;

#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    azp: &'a str,
    client_id: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    sid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
    #[serde(flatten)]
    user: UserClaims<'a>,
}

/// `asked`: the claims that the request asked for by name. They come as far as the granted scope covers them.
///
/// # Errors
/// `server_error` when no key of the client's algorithm is active.
pub fn mint(
    broker: &Broker,
    catalog: &Catalog,
    granted: Granted<'_>,
    person: &Person,
    nonce: Option<&str>,
    access_token: &str,
    asked: &[UserClaim],
) -> Result<String, OAuthError> {
    let Granted { client, scope, audiences, .. } = granted;
    let now = broker.ctx.now();
    let iat = now.unix_timestamp();
    let jti = TokenId::new(now, &broker.ctx.rng);
    let wanted = &client.claims.id_token;
    let mut more = by_scope(scope);
    more.retain(|claim| *claim == UserClaim::Groups || asked.contains(claim));
    let wants_roles = wanted.contains(&UserClaim::Roles.into());
    let roles = if wants_roles { roles(catalog, &person.user, audiences) } else { Vec::new() };
    let claims = IdClaims {
        iss: broker.ctx.urls.issuer(),
        sub: person.user.id.as_str(),
        aud: client.client_id.as_str(),
        azp: client.client_id.as_str(),
        client_id: client.client_id.as_str(),
        jti: jti.as_str(),
        iat,
        exp: iat + LIFETIME,
        auth_time: person.auth_time.unix_timestamp(),
        nonce,
        acr: person.acr.as_deref(),
        amr: &person.amr,
        sid: person.session_id.as_str(),
        at_hash: at_hash(client.id_token_alg, access_token),
        user: UserClaims::select(client, Some(&person.user), &roles, wanted, &more),
    };
    broker.keys.load().sign(client.id_token_alg, "JWT", &claims).map_err(no_key)
}

/// OIDC Core §3.1.3.6: half of the digest that belongs to the algorithm. For EdDSA no digest is agreed on, so it is left out.
fn at_hash(alg: Alg, access_token: &str) -> Option<String> {
    match alg {
        Alg::RS256 | Alg::PS256 | Alg::ES256 => Some(URL_SAFE_NO_PAD.encode(&fingerprint(access_token)[..16])),
        Alg::EdDsa => None,
    }
}
