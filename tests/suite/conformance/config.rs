//! The config OP plan: one module, `oidcc-discovery-endpoint-verification`, of which each test here is a part. The broker
//! is told that it stands behind `https://id.example/tenant`, as a provider under test does.

use serde_json::Value;
use url::Url;

use crate::harness::app::{Answer, get};
use crate::harness::{Broker, Options};

const ISSUER: &str = "https://id.example/tenant";

struct Behind(Broker);

impl Behind {
    async fn the_proxy() -> Self {
        let settings = vec![("AVOUCH_ISSUER", ISSUER.into())];
        Self(Broker::start(Options { settings, ..Options::default() }).await)
    }

    async fn get(&self, public: &str) -> Answer {
        get(&self.0.url(Url::parse(public).unwrap().path())).await
    }

    async fn document(&self) -> Answer {
        self.get(&format!("{ISSUER}/.well-known/openid-configuration")).await
    }
}

fn has(list: &Value, wanted: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|value| value == wanted))
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification_document() {
    let behind = Behind::the_proxy().await;
    let answer = behind.document().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let document = &answer.json;
    assert_eq!(document["issuer"], ISSUER, "the address without /.well-known/openid-configuration");
    for required in
        ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"]
    {
        assert!(document[required].is_string(), "{required}");
    }
    for (name, value) in document.as_object().unwrap() {
        if let Some(address) = value.as_str().filter(|_| name.ends_with("_endpoint") || name.ends_with("_uri")) {
            let address = Url::parse(address).unwrap();
            assert_eq!((address.scheme(), address.fragment()), ("https", None), "{name}");
            assert!(address.as_str().starts_with(ISSUER), "{name}");
        }
        assert!(!value.is_null() && value != &Value::Array(Vec::new()), "Discovery §4.2: {name}");
    }
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification_capabilities() {
    let document = Behind::the_proxy().await.document().await.json;
    assert!(has(&document["response_types_supported"], "code"));
    assert!(has(&document["subject_types_supported"], "public"));
    assert!(has(&document["id_token_signing_alg_values_supported"], "RS256"));
    assert!(has(&document["scopes_supported"], "openid"));
    assert!(
        has(&document["response_modes_supported"], "query") && has(&document["response_modes_supported"], "form_post")
    );
    assert!(has(&document["code_challenge_methods_supported"], "S256"));
    assert!(has(&document["token_endpoint_auth_methods_supported"], "client_secret_basic"));
    assert!(has(&document["claims_supported"], "sub") && has(&document["claims_supported"], "name"));
    // what the basic plan's modules see must be what is said here
    assert_eq!(document["claims_parameter_supported"], true);
    assert_eq!(document["request_parameter_supported"], false);
    assert_eq!(document["request_uri_parameter_supported"], false);
    assert_eq!(document.get("require_request_uri_registration"), None);
}

#[tokio::test]
async fn oidcc_discovery_endpoint_verification_jwks() {
    let behind = Behind::the_proxy().await;
    let address = behind.document().await.json["jwks_uri"].as_str().unwrap().to_owned();
    let jwks = behind.get(&address).await;
    assert_eq!(jwks.status, 200);
    assert!(jwks.header("content-type").starts_with("application/"), "{}", jwks.header("content-type"));
    let keys = jwks.json["keys"].as_array().unwrap();
    let mut kids: Vec<&str> = keys.iter().map(|key| key["kid"].as_str().expect("kid")).collect();
    kids.sort_unstable();
    kids.dedup();
    assert_eq!(kids.len(), keys.len(), "each kid once");
    assert!(keys.iter().any(|key| key["kty"] == "RSA" && key["alg"] == "RS256"));
    for key in keys {
        assert_ne!(key["kty"], "oct", "no symmetric key is published");
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(key.get(private), None, "RFC 7518 §6: {private}");
        }
        let set = serde_json::from_value::<jsonwebtoken::jwk::Jwk>(key.clone());
        set.unwrap_or_else(|error| panic!("{error}: {key}"));
    }
}
