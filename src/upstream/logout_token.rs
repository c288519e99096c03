//! Logout tokens (OIDC Back-Channel Logout 1.0 §2.4 and §2.6): a provider says, server to server, that a session of its
//! own is over. `openidconnect` knows ID tokens only, so the signature is checked with `jsonwebtoken` and the rest here.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::issuer;
use super::jwks::KeySet;
use super::logout::LogoutNotice;
use super::{UpstreamError, Upstreams};
use crate::connection::{Connection, OidcSettings};
use crate::ctx::Ctx;
use crate::session::EndedUpstream;

/// As for ID tokens: never `none`, never HS*.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Clocks may differ by this many seconds.
const SKEW: i64 = 60;
/// Seconds after `iat`. Older drafts have no `exp`, so this is what bounds how long a token must be remembered.
const LONGEST_LIFE: i64 = 600;
const LONGEST_TOKEN: usize = 16 << 10;
const LONGEST_ID: usize = 255;

/// # Errors
/// the words of ID tokens and those of [`super::logout`].
pub(super) async fn verify(
    upstreams: &Upstreams,
    ctx: &Ctx,
    connection: &Connection,
    settings: &OidcSettings,
    token: &str,
) -> Result<LogoutNotice, UpstreamError> {
    let presented = Presented::parse(token)?;
    let expected_issuer = issuer::expected(settings, &presented.claims)?;
    if presented.claims["iss"].as_str() != Some(expected_issuer.as_str()) {
        return refuse("issuer_mismatch", "the logout token comes from another issuer (iss)");
    }
    let provider = upstreams.discovery.get(ctx, connection, settings).await?;
    let keys = upstreams.jwks.get(ctx, &provider.jwks_uri).await?;
    match presented.verify(settings, &keys, &expected_issuer) {
        Err(UpstreamError::Invalid { reason: "unknown_key", detail }) => {
            match upstreams.jwks.newer_than(ctx, &provider.jwks_uri, &keys).await? {
                Some(newer) => presented.verify(settings, &newer, &expected_issuer)?,
                None => return Err(UpstreamError::invalid("unknown_key", detail)),
            }
        }
        result => result?,
    }
    presented.notice(settings, expected_issuer, ctx.now())
}

/// A logout token as it came: believed once its signature holds.
struct Presented<'a> {
    signed: &'a str,
    signature: &'a str,
    alg: Algorithm,
    kid: Option<String>,
    claims: Value,
}

impl<'a> Presented<'a> {
    /// # Errors
    /// `logout_token_malformed`, `header_not_supported`, `alg_not_allowed`.
    fn parse(token: &'a str) -> Result<Self, UpstreamError> {
        let malformed = || UpstreamError::invalid("logout_token_malformed", "the logout token is no signed JWT");
        if token.len() > LONGEST_TOKEN {
            return Err(malformed());
        }
        let json = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        };
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { return Err(malformed()) };
        let signed = &token[..header.len() + 1 + payload.len()];
        let header = json(header).ok_or_else(malformed)?;
        let claims = json(payload).filter(Value::is_object).ok_or_else(malformed)?;
        let alg = header["alg"].as_str().and_then(|alg| Algorithm::from_str(alg).ok());
        let Some(alg) = alg.filter(|alg| ALGORITHMS.contains(alg)) else {
            return refuse("alg_not_allowed", "the logout token is not signed with RS*, PS*, ES256, ES384 or EdDSA");
        };
        // §2.4 recommends logout+jwt; what says that it is something else is not one
        let typ = header["typ"].as_str().unwrap_or("JWT").to_ascii_lowercase();
        let known = ["logout+jwt", "jwt"].contains(&typ.strip_prefix("application/").unwrap_or(&typ));
        if !known || !header["crit"].is_null() {
            let text = "its typ says that it is something else than a logout token, or it has a crit we do not take";
            return refuse("header_not_supported", text);
        }
        Ok(Self { signed, signature, alg, kid: header["kid"].as_str().map(str::to_owned), claims })
    }

    /// # Errors
    /// `unknown_key` when another key set might help; `ambiguous_key`, `signature_invalid`.
    fn verify(&self, settings: &OidcSettings, keys: &KeySet, issuer: &str) -> Result<(), UpstreamError> {
        let tid = self.claims["tid"].as_str().filter(|_| settings.is_multi_tenant());
        let fits = |jwk: &Value| {
            let named = self.kid.as_deref().is_none_or(|kid| jwk["kid"].as_str() == Some(kid));
            let for_signing = jwk["use"].as_str().is_none_or(|usage| usage == "sig");
            let of_alg = jwk["alg"].as_str().is_none_or(|alg| Algorithm::from_str(alg).ok() == Some(self.alg));
            named && for_signing && of_alg && issuer::key_may_sign(jwk, issuer, tid)
        };
        let read = |jwk: &Value| {
            let key = DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk.clone()).ok()?).ok()?;
            (key.family() == self.alg.family()).then_some(key)
        };
        let keys: Vec<DecodingKey> = keys.keys.iter().filter(|jwk| fits(jwk)).filter_map(read).collect();
        match &keys[..] {
            [] => refuse("unknown_key", "no key of the provider's JWK set has the logout token's kid and algorithm"),
            [key] => match crypto::verify(self.signature, self.signed.as_bytes(), key, self.alg) {
                Ok(true) => Ok(()),
                _ => refuse("signature_invalid", "the logout token's signature does not hold"),
            },
            _ => refuse("ambiguous_key", "several of the provider's keys could have signed it; it needs a kid"),
        }
    }

    /// What it says, checked (§2.6, 3 to 9).
    fn notice(
        self,
        settings: &OidcSettings,
        issuer: String,
        now: OffsetDateTime,
    ) -> Result<LogoutNotice, UpstreamError> {
        let claims = &self.claims;
        let for_us = match &claims["aud"] {
            Value::String(one) => *one == settings.client_id,
            Value::Array(many) => many.iter().any(|audience| audience.as_str() == Some(&settings.client_id)),
            _ => false,
        };
        if !for_us {
            return refuse("audience_mismatch", "the logout token is meant for another client (aud)");
        }
        let seconds = |claim: &str| claims[claim].as_f64();
        let today = now.unix_timestamp();
        match seconds("iat") {
            None => return refuse("logout_token_malformed", "the logout token does not say when it was issued (iat)"),
            Some(iat) if iat > (today + SKEW) as f64 => {
                return refuse(
                    "issued_in_future",
                    "the logout token was issued in the future (iat); compare the clocks",
                );
            }
            Some(iat) if iat < (today - LONGEST_LIFE - SKEW) as f64 => {
                return refuse("issued_long_ago", "the logout token was issued more than ten minutes ago (iat)");
            }
            Some(_) => {}
        }
        if !claims["exp"].is_null() && seconds("exp").is_none_or(|exp| exp <= (today - SKEW) as f64) {
            return refuse("expired", "the logout token has expired (exp); compare the clocks of both machines");
        }
        if !claims["events"][EVENT].is_object() {
            return refuse("events_missing", "its events do not hold the back-channel logout event");
        }
        if claims.get("nonce").is_some() {
            return refuse("nonce_present", "a logout token has no nonce; this looks like an ID token");
        }
        let id = |claim: &str| {
            let text = claims[claim].as_str().filter(|text| !text.is_empty());
            text.filter(|text| text.len() <= LONGEST_ID && !text.contains(char::is_control)).map(str::to_owned)
        };
        let Some(jti) = id("jti") else {
            return refuse("jti_missing", "the logout token has no usable jti, so it could come again");
        };
        let (subject, sid) = (id("sub"), id("sid"));
        if subject.is_none() && sid.is_none() {
            return refuse(
                "logout_subject_missing",
                "the logout token names neither a session (sid) nor a person (sub)",
            );
        }
        Ok(LogoutNotice {
            message_id: jti,
            until: now + Duration::seconds(LONGEST_LIFE + 3 * SKEW),
            ended: EndedUpstream { issuer, subject, name_id: None, sids: sid.into_iter().collect() },
            relay_state: None,
        })
    }
}

fn refuse<T>(reason: &'static str, detail: &str) -> Result<T, UpstreamError> {
    Err(UpstreamError::invalid(reason, detail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::{Alg, Header, KeyPair};

    fn settings() -> OidcSettings {
        let settings = json!({"issuer": "https://idp", "client_id": "c", "client_authentication": "client_secret_basic", "scopes": []});
        serde_json::from_value(settings).unwrap()
    }

    fn reason(result: Result<(), UpstreamError>) -> &'static str {
        result.map_or_else(|error| error.reason(), |()| "ok")
    }

    #[test]
    fn the_header_chooses_one_key_that_may_sign() {
        let (ours, other) = (KeyPair::generate(Alg::ES256).0, KeyPair::generate(Alg::ES256).0);
        let jwk = |pair: &KeyPair, name: &str, value: &str| {
            let mut jwk = serde_json::to_value(pair.public_jwk()).unwrap();
            jwk[name] = value.into();
            jwk
        };
        let kid = ours.public_jwk().kid;
        let named = ours.sign_jwt(&Header::new(Alg::ES256, "logout+jwt").with_kid(&kid), &json!({}));
        let nameless = ours.sign_jwt(&Header::new(Alg::ES256, "JWT"), &json!({}));
        let good = jwk(&ours, "use", "sig");
        for (token, keys, expected) in [
            (&named, vec![good.clone()], "ok"),
            (&nameless, vec![good.clone()], "ok"),
            (&named, vec![jwk(&other, "use", "sig"), good.clone()], "ok"),
            (&nameless, vec![jwk(&other, "use", "sig"), good.clone()], "ambiguous_key"),
            (&named, vec![jwk(&other, "kid", &kid)], "signature_invalid"),
            (&named, vec![jwk(&ours, "kid", "another")], "unknown_key"),
            (&named, vec![jwk(&ours, "use", "enc")], "unknown_key"),
            (&named, vec![jwk(&ours, "alg", "RS256")], "unknown_key"),
            (&named, vec![jwk(&ours, "kty", "oct")], "unknown_key"),
            (&named, vec![], "unknown_key"),
        ] {
            let verified =
                Presented::parse(token).unwrap().verify(&settings(), &KeySet { keys: keys.clone() }, "https://idp");
            assert_eq!(reason(verified), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_header_that_says_something_else_is_not_taken() {
        let parse = |header: Value| {
            let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let token = format!("{}.{}.AA", encode(header), encode(json!({})));
            reason(Presented::parse(&token).map(drop))
        };
        assert_eq!(parse(json!({"alg": "RS256"})), "ok");
        assert_eq!(parse(json!({"alg": "RS256", "typ": "application/Logout+JWT"})), "ok");
        assert_eq!(parse(json!({"alg": "RS256", "typ": "at+jwt"})), "header_not_supported");
        assert_eq!(parse(json!({"alg": "RS256", "crit": ["b64"], "b64": false})), "header_not_supported");
        for alg in ["none", "HS256", "ES256K", "rs256", ""] {
            assert_eq!(parse(json!({"alg": alg})), "alg_not_allowed", "{alg}");
        }
    }
}
