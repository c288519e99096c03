//! npm openid-client below Avouch, with jose as the resource server.

use serde_json::json;

use super::relying_party;
use super::stage::SECRET;
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
