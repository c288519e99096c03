//! What the broker says about itself.

use serde_json::{Value, json};

use crate::harness::World;
use crate::harness::app::{answer, get, http};

#[tokio::test]
async fn the_document_is_as_agreed_at_both_addresses() {
    let world = World::new().await;
    let issuer = &world.broker.issuer;
    let openid = get(&world.broker.url("/.well-known/openid-configuration")).await;
    let oauth = get(&world.broker.url("/.well-known/oauth-authorization-server")).await;
    assert_eq!((openid.status, openid.header("content-type")), (200, "application/json"));
    assert_eq!(openid.json, oauth.json);
    let expected = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/oauth/par"),
        "require_pushed_authorization_requests": false,
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "device_authorization_endpoint": format!("{issuer}/oauth/device/code"),
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported":
            ["RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "PS256", "ES384", "ES512", "PS384", "PS512"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&openid.json[member], value, "{member}");
    }
    let scopes: Vec<_> = openid.json["scopes_supported"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(["openid", "profile", "email", "offline_access"].iter().all(|scope| scopes.contains(scope)), "{scopes:?}");
}

#[tokio::test]
async fn both_documents_are_cached_by_etag() {
    let world = World::new().await;
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
        let first = get(&world.broker.url(path)).await;
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"') && first.header("cache-control").contains("max-age="), "{path}");
        let again = answer(http().get(world.broker.url(path)).header("if-none-match", &etag)).await;
        assert_eq!((again.status, again.header("etag")), (304, etag.as_str()));
        let other = answer(http().get(world.broker.url(path)).header("if-none-match", "\"other\"")).await;
        assert_eq!(other.status, 200);
    }
}

#[tokio::test]
async fn the_keys_have_the_next_ones_and_nothing_private() {
    let world = World::new().await;
    let jwks = get(&world.broker.url("/.well-known/jwks.json")).await;
    let keys = jwks.json["keys"].as_array().unwrap();
    let mut kids: Vec<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    kids.sort_unstable();
    kids.dedup();
    assert_eq!((keys.len(), kids.len()), (8, 8), "an active and a next one for each algorithm");
    for key in keys {
        for member in key.as_object().unwrap().keys() {
            assert!(["kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"].contains(&member.as_str()), "{member}");
        }
        assert_eq!(key["use"], "sig");
    }
}
