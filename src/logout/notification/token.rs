//! The logout token (OIDC Back-Channel Logout 1.0 §2.4), made anew for each attempt. Its `typ` and the `events` member keep
//! it from being taken for an ID token; it never has a `nonce`.

use serde::Serialize;

use super::Notification;
use crate::broker::Broker;
use crate::client::Client;
use crate::ids::TokenId;
use crate::signing_key::NoActiveKey;

const TYP: &str = "logout+jwt";
/// Seconds; §4 recommends no more.
const LIFETIME: i64 = 120;

#[derive(Serialize)]
struct LogoutClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    events: Events,
    sid: &'a str,
}

#[derive(Serialize)]
struct Events {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    logout: Nothing,
}

/// `{}`.
#[derive(Serialize)]
struct Nothing {}

/// By the algorithm of the client's ID tokens (§2.6).
///
/// # Errors
/// [`NoActiveKey`].
pub(super) fn mint(broker: &Broker, client: &Client, owed: &Notification) -> Result<String, NoActiveKey> {
    let ctx = &broker.ctx;
    let now = ctx.now();
    let iat = now.unix_timestamp();
    let jti = TokenId::new(now, &ctx.rng);
    let claims = LogoutClaims {
        iss: ctx.urls.issuer(),
        sub: &owed.sub,
        aud: client.client_id.as_str(),
        iat,
        exp: iat + LIFETIME,
        jti: jti.as_str(),
        events: Events { logout: Nothing {} },
        sid: &owed.sid,
    };
    broker.keys.load().sign(client.id_token_alg, TYP, &claims)
}
