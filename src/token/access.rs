//! Access tokens: JWTs by RFC 9068, with the profile of the resource they are for.

use serde::Serialize;

use super::claims::UserClaims;
use super::{Audience, Granted};
use crate::broker::{Broker, Catalog};
use crate::client::UserClaim;
use crate::ids::TokenId;
use crate::oauth::auth_scheme::AuthScheme;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::resource::AccessTokenProfile;

/// A signed access token and what the token answer says of it.
#[derive(Debug)]
pub struct AccessToken {
    pub jwt: String,
    pub jti: TokenId,
    pub expires_in: u32,
    /// Its `token_type`.
    pub scheme: AuthScheme,
}

#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    azp: &'a str,
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(flatten)]
    user: UserClaims<'a>,
}

/// RFC 7800 §3.1, RFC 9449 §6.1.
#[derive(Serialize)]
struct Confirmation<'a> {
    jkt: &'a str,
}

/// Mints for a person, or for the client itself when there is none. Touches no storage.
///
/// # Errors
/// `server_error` when no key of the resource's algorithm is active; `invalid_target` when the audiences differ in kind.
pub fn mint(broker: &Broker, catalog: &Catalog, granted: Granted<'_>) -> Result<AccessToken, OAuthError> {
    mint_until(broker, catalog, granted, i64::MAX)
}

/// The same for a token that ends at `latest`, in seconds since the epoch, if not before.
///
/// # Errors
/// As [`mint`].
pub fn mint_until(
    broker: &Broker,
    catalog: &Catalog,
    granted: Granted<'_>,
    latest: i64,
) -> Result<AccessToken, OAuthError> {
    let Granted { client, person, scope, audiences, key } = granted;
    let profile = profile(catalog, audiences)?;
    let now = broker.ctx.now();
    let iat = now.unix_timestamp();
    let lifetime = i64::from(profile.ttl).min(latest.saturating_sub(iat)).max(0);
    let jti = TokenId::new(now, &broker.ctx.rng);
    let userinfo = broker.ctx.urls.at("/userinfo");
    let roles = person.map(|p| roles(catalog, &p.user, audiences)).unwrap_or_default();
    let mut more = Vec::new();
    if scope.contains("groups") {
        more.push(UserClaim::Groups);
    }
    if !roles.is_empty() {
        more.push(UserClaim::Roles);
    }
    let scope = scope.to_string();
    let claims = AccessClaims {
        iss: broker.ctx.urls.issuer(),
        sub: person.map_or(client.client_id.as_str(), |p| p.user.id.as_str()),
        aud: Audience::new(audiences, &userinfo),
        client_id: client.client_id.as_str(),
        azp: client.client_id.as_str(),
        scope: &scope,
        iat,
        exp: iat + lifetime,
        jti: jti.as_str(),
        cnf: key.map(|key| Confirmation { jkt: key.as_str() }),
        auth_time: person.map(|p| p.auth_time.unix_timestamp()),
        acr: person.and_then(|p| p.acr.as_deref()),
        amr: person.map_or(&[], |p| &p.amr),
        sid: person.map(|p| p.session_id.as_str()),
        user: UserClaims::select(client, person.map(|p| &p.user), &roles, &client.claims.access_token, &more),
    };
    let jwt = broker.keys.load().sign(profile.alg, profile.typ.as_str(), &claims).map_err(no_key)?;
    let scheme = if key.is_some() { AuthScheme::Dpop } else { AuthScheme::Bearer };
    Ok(AccessToken { jwt, jti, expires_in: lifetime as u32, scheme })
}

/// One token for several audiences lives as long as the strictest allows, and must be made alike for all.
fn profile(catalog: &Catalog, audiences: &[String]) -> Result<AccessTokenProfile, OAuthError> {
    let mut profiles = audiences.iter().filter_map(|a| catalog.resource(a)).map(|resource| resource.access_token);
    let Some(mut profile) = profiles.next() else { return Ok(AccessTokenProfile::default()) };
    for other in profiles {
        if (other.alg, other.typ) != (profile.alg, profile.typ) {
            let text = "these audiences want differently made tokens; ask for one audience at a time";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, text));
        }
        profile.ttl = profile.ttl.min(other.ttl);
    }
    Ok(profile)
}

/// The roles that the rules of these audiences grant the user now. A rule that fails grants nothing.
pub fn roles(catalog: &Catalog, user: &crate::user::User, audiences: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut facts = None;
    for role in audiences.iter().flat_map(|a| catalog.roles(a)) {
        let facts = facts.get_or_insert_with(|| user.for_rules());
        match role.when.is_true(&[("user", facts)]) {
            Ok(true) if !out.contains(&role.name) => out.push(role.name.clone()),
            Ok(_) => {}
            Err(error) => tracing::debug!(role = role.name, %error, "a role rule could not be evaluated"),
        }
    }
    out
}

pub(super) fn no_key(error: impl std::fmt::Display) -> OAuthError {
    tracing::error!(%error, "a token could not be signed");
    OAuthError::new(
        ErrorCode::ServerError,
        "no signing key of the needed algorithm is active; an operator can run: avouch keys rotate",
    )
}
