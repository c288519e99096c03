//! npm openid-client as a device, and a person whose browser runs no script.

use serde_json::json;

use super::person::Person;
use super::stage::{SECRET, Stage, client, merge};
use crate::harness::Peer;

const API: &str = "https://influx.example";

async fn set() -> Stage {
    let stage = Stage::set(&[("op", "client_secret_basic")]).await;
    let more = json!({ "grants": ["device_code", "refresh_token"], "audiences": [API] });
    let public = merge(more.clone(), json!({ "kind": "native" }));
    let file = json!({
        "connections": [stage.connection("op", "client_secret_basic", json!({}))],
        "resources": [{ "identifier": API, "scopes": ["read"] }],
        "clients": [client("public", public), client("confidential", more)],
    });
    stage.apply(&file).await;
    stage
}

/// Address and code, as the device would show them.
async fn ask(device: &mut Peer) -> (String, String) {
    let params = json!({ "scope": "openid email offline_access read", "audience": API });
    let asked = device.tell(json!({ "cmd": "device_authorization", "params": params })).await;
    let shown = |member: &str| asked["response"][member].as_str().unwrap().to_owned();
    (shown("verification_uri"), shown("user_code"))
}

#[tokio::test]
async fn openid_client_waits_for_a_person_and_goes_on() {
    let stage = set().await;
    let mut device = Peer::openid_client();
    let mut alice = Person::new("alice");
    for (client_id, auth) in [("public", "none"), ("confidential", "basic"), ("confidential", "post")] {
        let who = json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": client_id, "auth": auth });
        let secret = if auth == "none" { json!({}) } else { json!({ "client_secret": SECRET }) };
        device.tell(merge(who, secret)).await;
        let (address, code) = ask(&mut device).await;
        let polling = device.tell(json!({ "cmd": "device_poll" }));
        let (issued, page) = tokio::join!(polling, alice.decide(&address, &code, "approve"));
        assert!(page.has("device-approved"), "{page}");
        assert_eq!(issued["claims"]["email"], "alice@corp.example");
        assert_eq!(issued["tokens"]["scope"], "openid email offline_access read");
        let access = device.tell(json!({ "cmd": "verify_access_token", "audience": API, "alg": "RS256" })).await;
        assert_eq!(access["claims"]["sub"], issued["claims"]["sub"]);
        let refreshed = device.tell(json!({ "cmd": "refresh" })).await;
        assert_eq!(refreshed["claims"]["sub"], issued["claims"]["sub"]);
        device.tell(json!({ "cmd": "userinfo" })).await;
    }
}

#[tokio::test]
async fn openid_client_hears_that_the_person_refused() {
    let stage = set().await;
    let mut device = Peer::openid_client();
    device.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": "public", "auth": "none" })).await;
    let (address, code) = ask(&mut device).await;
    let page = Person::new("alice").decide(&address, &code, "deny").await;
    assert!(page.has("device-denied"), "{page}");
    let refused = device.refused(json!({ "cmd": "device_poll" })).await;
    assert_eq!(refused["oauth_error"], "access_denied", "{refused}");
}
