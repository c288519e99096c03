//! npm openid-client below Avouch, with jose as the resource server.

use serde_json::json;

use super::person::Person;
use super::relying_party;
use super::stage::{CALLBACK, SECRET, Stage};
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
