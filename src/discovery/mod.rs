//! What we tell the world about ourselves: one document for OpenID Connect Discovery 1.0 §3 and RFC 8414 §2. It names
//! only what works; what is added to the product is added here on the same day.

pub mod endpoint;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::jose::{Alg, SignatureAlg};
use crate::oauth::grant_type::GrantType;
use crate::oauth::scope::OIDC_SCOPES;
use crate::signing_key::KeySet;
use crate::token::dpop;
use crate::urls::Urls;
use crate::web::published::Published;

/// The document, rendered once per set of keys.
pub struct Discovery {
    urls: Arc<Urls>,
    rendered: ArcSwap<Rendered>,
}

struct Rendered {
    jwks_etag: String,
    max_age: Duration,
    document: Published,
}

impl Discovery {
    pub fn new(urls: Arc<Urls>, keys: &KeySet) -> Self {
        let rendered = ArcSwap::from_pointee(Rendered::new(&urls, keys));
        Self { urls, rendered }
    }

    /// The document that goes with `keys`.
    pub fn document(&self, keys: &KeySet) -> Published {
        let rendered = self.rendered.load();
        if rendered.jwks_etag == keys.jwks().etag && rendered.max_age == keys.jwks().max_age {
            return rendered.document.clone();
        }
        let renewed = Rendered::new(&self.urls, keys);
        let document = renewed.document.clone();
        self.rendered.store(Arc::new(renewed));
        document
    }
}

impl Rendered {
    /// Beside the standards' members stands `keys`, as in the JWKS. Both standards allow more members, and people who
    /// follow recipes for other providers enter this document's address where the JWKS is asked for.
    fn new(urls: &Urls, keys: &KeySet) -> Self {
        let document = serde_json::to_vec(&document(urls)).expect("the document is plain JSON");
        let jwks = keys.jwks();
        let body = join(&document, &jwks.body);
        // no longer than the JWKS may be cached: the keys are in this document too
        Self { jwks_etag: jwks.etag.clone(), max_age: jwks.max_age, document: Published::new(body, jwks.max_age) }
    }
}

/// One JSON object with the members of two, neither of them empty.
fn join(one: &[u8], other: &[u8]) -> Vec<u8> {
    [&one[..one.len() - 1], b",", &other[1..]].concat()
}

/// The members of both standards, in their order.
#[derive(Serialize)]
struct Document<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    pushed_authorization_request_endpoint: String,
    /// Some clients must; see their registration.
    require_pushed_authorization_requests: bool,
    token_endpoint: String,
    device_authorization_endpoint: String,
    userinfo_endpoint: String,
    end_session_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    scopes_supported: [&'a str; OIDC_SCOPES.len()],
    response_types_supported: [&'a str; 1],
    response_modes_supported: [&'a str; 2],
    grant_types_supported: [&'a str; 6],
    subject_types_supported: [&'a str; 1],
    /// RS256 first: clients that take the first one must find the one that everybody can verify.
    id_token_signing_alg_values_supported: [Alg; Alg::ALL.len()],
    token_endpoint_auth_methods_supported: [&'a str; 4],
    token_endpoint_auth_signing_alg_values_supported: [SignatureAlg; SignatureAlg::ALL.len()],
    introspection_endpoint_auth_methods_supported: [&'a str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: [SignatureAlg; SignatureAlg::ALL.len()],
    revocation_endpoint_auth_methods_supported: [&'a str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [SignatureAlg; SignatureAlg::ALL.len()],
    code_challenge_methods_supported: [&'a str; 1],
    dpop_signing_alg_values_supported: [SignatureAlg; dpop::ALGS.len()],
    claims_supported: &'a [&'a str],
    prompt_values_supported: [&'a str; 4],
    /// OIDC Back-Channel Logout 1.0 §2.1.
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    /// Its default is true, so it must be said (OIDC Discovery §3).
    request_uri_parameter_supported: bool,
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
}

/// What ID tokens and UserInfo may say; the second half is what a user has with us.
const CLAIMS: [&str; 20] = [
    "iss",
    "sub",
    "aud",
    "azp",
    "exp",
    "iat",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "email",
    "email_verified",
    "groups",
    "roles",
];

fn document(urls: &Urls) -> Document<'_> {
    Document {
        issuer: urls.issuer(),
        authorization_endpoint: urls.at("/authorize"),
        pushed_authorization_request_endpoint: urls.at("/oauth/par"),
        require_pushed_authorization_requests: false,
        token_endpoint: urls.at("/oauth/token"),
        device_authorization_endpoint: urls.at("/oauth/device/code"),
        userinfo_endpoint: urls.at("/userinfo"),
        end_session_endpoint: urls.at("/oidc/logout"),
        introspection_endpoint: urls.at("/oauth/introspect"),
        revocation_endpoint: urls.at("/oauth/revoke"),
        jwks_uri: urls.at("/.well-known/jwks.json"),
        scopes_supported: OIDC_SCOPES,
        response_types_supported: ["code"],
        response_modes_supported: ["query", "form_post"],
        grant_types_supported: [
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
            GrantType::DeviceCode,
            GrantType::JwtBearer,
            GrantType::TokenExchange,
        ]
        .map(GrantType::wire),
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: Alg::ALL,
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        token_endpoint_auth_signing_alg_values_supported: SignatureAlg::ALL,
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        introspection_endpoint_auth_signing_alg_values_supported: SignatureAlg::ALL,
        revocation_endpoint_auth_methods_supported: [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none",
        ],
        revocation_endpoint_auth_signing_alg_values_supported: SignatureAlg::ALL,
        code_challenge_methods_supported: ["S256"],
        dpop_signing_alg_values_supported: dpop::ALGS,
        claims_supported: &CLAIMS,
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        claims_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        authorization_response_iss_parameter_supported: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::KeyPair;
    use crate::signing_key::State;
    use serde_json::Value;

    fn keys() -> KeySet {
        KeySet::new(Alg::ALL.map(|alg| (State::Active, KeyPair::generate(alg).0)))
    }

    #[test]
    fn every_address_follows_from_the_issuer_and_keeps_its_path() {
        let urls = Arc::new(Urls::new("https://id.example.com/auth").unwrap());
        let body = Discovery::new(urls, &keys()).document(&keys()).body;
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["issuer"], "https://id.example.com/auth");
        assert_eq!(document["jwks_uri"], "https://id.example.com/auth/.well-known/jwks.json");
        assert_eq!(document["token_endpoint"], "https://id.example.com/auth/oauth/token");
        assert_eq!(document["id_token_signing_alg_values_supported"][0], "RS256");
        assert_eq!(document["request_uri_parameter_supported"], false);
        for (member, value) in document.as_object().unwrap() {
            assert!(!value.is_null() && value != &Value::Array(vec![]), "{member} says nothing");
        }
    }

    #[test]
    fn it_parses_as_a_jwks_too_and_follows_the_keys() {
        let (old, new) = (keys(), keys());
        let discovery = Discovery::new(Arc::new(Urls::new("http://localhost:8080").unwrap()), &old);
        let before = discovery.document(&old);
        assert_eq!(before.etag, discovery.document(&old).etag);
        let after = discovery.document(&new);
        assert_ne!(before.etag, after.etag);
        let document: Value = serde_json::from_slice(&after.body).unwrap();
        let jwks: Value = serde_json::from_slice(&new.jwks().body).unwrap();
        assert_eq!(document["keys"], jwks["keys"]);
        serde_json::from_slice::<jsonwebtoken::jwk::JwkSet>(&after.body).unwrap();
    }
}
