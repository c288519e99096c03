//! npm openid-client below Avouch, with jose as the resource server.

use serde_json::json;

use super::person::Person;
use super::relying_party;
use super::stage::{CALLBACK, SECRET, Stage, client, merge};
use crate::harness::Peer;

#[tokio::test]
async fn openid_client_takes_what_we_issue_in_every_algorithm() {
    let stage = relying_party::set().await;
    relying_party::every_algorithm(&stage, Peer::openid_client()).await;
    relying_party::without_a_secret(&stage, Peer::openid_client()).await;
}

/// RFC 7662 and RFC 7009.
#[tokio::test]
async fn openid_client_introspects_and_revokes() {
    let stage = relying_party::set().await;
    let mut app = Peer::openid_client();
    app.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": "ES256", "client_secret": SECRET }))
        .await;
    let issued = app.tell(json!({ "cmd": "client_credentials", "params": { "scope": "read" } })).await;
    let token = &issued["tokens"]["access_token"];
    let before = app.tell(json!({ "cmd": "introspect", "token": token })).await["response"].clone();
    assert_eq!(
        (&before["active"], &before["scope"], &before["client_id"]),
        (&json!(true), &json!("read"), &json!("ES256"))
    );
    app.tell(json!({ "cmd": "revoke", "token": token })).await;
    let after = app.tell(json!({ "cmd": "introspect", "token": token })).await;
    assert_eq!(after["response"], json!({ "active": false }), "and nothing else is told");
}

/// RFC 7523 §2.2: for the client's own tokens, a person's, and introspection.
#[tokio::test]
async fn openid_client_proves_itself_with_a_key() {
    let stage = Stage::set(&[("op", "client_secret_basic")]).await;
    let mut app = Peer::openid_client();
    for alg in ["RS256", "PS256", "ES256", "EdDSA", "ES384"] {
        let made = app.tell(json!({ "cmd": "make_key", "alg": alg })).await;
        let keyed = json!({
            "client_id": "keyed",
            "kind": "web",
            "redirect_uris": [CALLBACK],
            "audiences": ["https://api.example"],
            "grants": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [made["jwk"]] },
        });
        let file = json!({
            "connections": [stage.connection("op", "client_secret_basic", json!({}))],
            "resources": [{ "identifier": "https://api.example", "scopes": ["read"] }],
            "clients": [keyed],
        });
        stage.apply(&file).await;
        app.tell(
            json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": "keyed", "auth": "private_key_jwt" }),
        )
        .await;
        let issued = app.tell(json!({ "cmd": "client_credentials", "params": { "scope": "read" } })).await;
        let token = &issued["tokens"]["access_token"];
        assert_eq!(app.tell(json!({ "cmd": "introspect", "token": token })).await["response"]["active"], true, "{alg}");
        let back = relying_party::sign_in(&mut app, &mut Person::new("alice")).await;
        let redeemed = app.tell(json!({ "cmd": "callback", "url": back })).await;
        assert_eq!(redeemed["tokens"]["token_type"], "bearer", "{alg}");
        app.tell(json!({ "cmd": "refresh" })).await;
    }
}

/// RFC 9126: every way to prove oneself at the endpoint, by clients that must push.
#[tokio::test]
async fn openid_client_pushes_its_requests() {
    let stage = Stage::set(&[("op", "client_secret_basic")]).await;
    let must = json!({ "require_pushed_authorization_requests": true });
    let file = json!({
        "connections": [stage.connection("op", "client_secret_basic", json!({}))],
        "clients": [client("web", must.clone()), client("spa", merge(must, json!({ "kind": "spa" })))],
    });
    stage.apply(&file).await;
    let mut app = Peer::openid_client();
    let mut alice = Person::new("alice");
    for (client_id, auth) in [("web", "basic"), ("web", "post"), ("spa", "none")] {
        let secret = if auth == "none" { json!({}) } else { json!({ "client_secret": SECRET }) };
        let who = json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": client_id, "auth": auth });
        app.tell(merge(who, secret)).await;
        let asked = json!({ "cmd": "authorize_url", "push": true, "redirect_uri": CALLBACK, "scope": "openid email" });
        let asked = app.tell(asked).await;
        let url = asked["url"].as_str().unwrap();
        assert!(url.contains("request_uri=") && !url.contains("redirect_uri="), "{url}");
        let back = alice.travel(url, CALLBACK).await;
        let redeemed = app.tell(json!({ "cmd": "callback", "url": back })).await;
        assert_eq!(redeemed["claims"]["email"], "alice@corp.example");
        let wrong =
            json!({ "cmd": "authorize_url", "push": true, "redirect_uri": "https://evil.example/", "scope": "openid" });
        assert_eq!(app.refused(wrong).await["oauth_error"], "invalid_request");
    }
}

/// RFC 9449: pushed and not, for a client with a secret and one without, in each kind of key.
#[tokio::test]
async fn openid_client_binds_its_tokens_to_a_key() {
    let stage = Stage::set(&[("op", "client_secret_basic")]).await;
    let api = json!({ "audiences": ["https://api.example"], "dpop_bound_access_tokens": true });
    let machine = json!({ "grants": ["authorization_code", "refresh_token", "client_credentials"] });
    let file = json!({
        "connections": [stage.connection("op", "client_secret_basic", json!({}))],
        "resources": [{ "identifier": "https://api.example", "scopes": ["read"] }],
        "clients": [client("web", merge(api.clone(), machine)), client("spa", merge(api, json!({ "kind": "spa" })))],
    });
    stage.apply(&file).await;
    let mut app = Peer::openid_client();
    let mut alice = Person::new("alice");
    for (alg, client_id, push) in [("ES256", "spa", false), ("Ed25519", "web", true), ("PS256", "spa", true)] {
        let who = json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": client_id });
        let more = if client_id == "spa" { json!({ "auth": "none" }) } else { json!({ "client_secret": SECRET }) };
        app.tell(merge(who, more)).await;
        let jkt = app.tell(json!({ "cmd": "dpop", "alg": alg })).await["jkt"].clone();
        let asked = json!({ "cmd": "authorize_url", "push": push, "redirect_uri": CALLBACK, "scope": "openid email offline_access read" });
        let asked = app.tell(asked).await;
        let back = alice.travel(asked["url"].as_str().unwrap(), CALLBACK).await;
        let redeemed = app.tell(json!({ "cmd": "callback", "url": back })).await;
        assert_eq!(redeemed["tokens"]["token_type"], "dpop", "{alg}");
        let look = json!({ "cmd": "verify_access_token", "audience": "https://api.example", "alg": "RS256" });
        assert_eq!(app.tell(look.clone()).await["claims"]["cnf"], json!({ "jkt": jkt }), "{alg}");
        assert_eq!(app.tell(json!({ "cmd": "userinfo" })).await["claims"]["email"], "alice@corp.example");
        app.tell(json!({ "cmd": "refresh" })).await;
        assert_eq!(app.tell(look.clone()).await["claims"]["cnf"], json!({ "jkt": jkt }), "{alg}");
        app.tell(json!({ "cmd": "userinfo" })).await;
        if client_id == "web" {
            app.tell(json!({ "cmd": "client_credentials" })).await;
            assert_eq!(app.tell(look.clone()).await["claims"]["cnf"], json!({ "jkt": jkt }), "{alg}");
        } else {
            app.tell(json!({ "cmd": "dpop", "alg": alg })).await;
            app.refused(json!({ "cmd": "userinfo" })).await;
            assert_eq!(app.refused(json!({ "cmd": "refresh" })).await["oauth_error"], "invalid_grant");
        }
        app.tell(json!({ "cmd": "dpop" })).await;
        if client_id == "spa" {
            app.refused(json!({ "cmd": "userinfo" })).await;
            assert_eq!(app.refused(json!({ "cmd": "refresh" })).await["oauth_error"], "invalid_dpop_proof");
        }
    }
}
