//! The keys by which we prove ourselves to npm oidc-provider change by the schedule, which reads them from our JWKS URL.

use avouch::connection::key_rotation;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use super::person::Person;
use super::stage::{CALLBACK, SECRET, Stage, client};
use crate::admin::Api;
use crate::harness::{Broker, Options, Peer};

/// oidc-provider goes by the machine's clock, and an assertion must not come from its future: the keys are made older
/// instead.
async fn hours_pass(stage: &mut Stage, hours: i32) {
    let mut conn = stage.broker.database().connect().await.unwrap();
    for age in [
        "UPDATE connection_credentials SET created_at = created_at - make_interval(hours => $1),
             active_since = active_since - make_interval(hours => $1)",
        "UPDATE connection_key_lives SET promote_at = promote_at - make_interval(hours => $1),
             retire_at = retire_at - make_interval(hours => $1)",
    ] {
        sqlx::query(age).bind(hours).execute(&mut conn).await.unwrap();
    }
    // what the provider has cached grows old as well
    stage.provider.tell(json!({ "cmd": "forget_clients" })).await;
}

async fn sign_in(stage: &Stage, app: &mut Peer) {
    app.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": "own-key", "client_secret": SECRET }))
        .await;
    let asked = json!({ "cmd": "authorize_url", "redirect_uri": CALLBACK, "scope": "openid profile email groups" });
    let url = app.tell(asked).await["url"].as_str().unwrap_or_default().to_owned();
    let back = Person::new("alice").travel(&url, CALLBACK).await;
    let claims = app.tell(json!({ "cmd": "callback", "url": back })).await["claims"].clone();
    assert_eq!(claims["email"], "alice@corp.example");
}

async fn states(api: &Api) -> Vec<(String, String)> {
    let keys = api.get("/connections/own-key/keys").await.json;
    let word = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    keys["items"].as_array().unwrap().iter().map(|key| (word(key, "state"), word(key, "kid"))).collect()
}

fn kid(states: &[(String, String)], state: &str) -> Option<String> {
    states.iter().find(|(known, _)| known == state).map(|(_, kid)| kid.clone())
}

async fn published(stage: &Stage) -> Vec<String> {
    let jwks = crate::harness::app::get(&stage.broker.url("/connections/own-key/jwks.json")).await.json;
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn set(rotation: Value) -> (Stage, Peer, Api) {
    let stage = Stage::set(&[("own-key", "private_key_jwt")]).await;
    let connection = stage.connection("own-key", "private_key_jwt", rotation);
    let client = client("own-key", json!({ "connections": ["own-key"] }));
    stage.apply(&json!({ "connections": [connection], "clients": [client] })).await;
    let api = Api::of(&stage.broker, "editor").await;
    (stage, Peer::openid_client(), api)
}

#[tokio::test]
async fn keys_rotate_by_themselves_and_no_sign_in_is_refused() {
    let (mut stage, mut app, api) = set(json!({ "key_rotation": { "delivery": "jwks_uri" } })).await;
    let there = Broker::start(Options { database: Some(stage.broker.database().clone()), ..Options::default() }).await;
    sign_in(&stage, &mut app).await;
    let first = kid(&states(&api).await, "active").unwrap();
    assert_eq!(key_rotation::keep_schedule(stage.broker.ctx()).await.unwrap(), 0, "nothing is due");

    hours_pass(&mut stage, 89 * 24 + 1).await;
    // two replicas come at the same time, and one does it
    let both = tokio::join!(key_rotation::keep_schedule(stage.broker.ctx()), key_rotation::keep_schedule(there.ctx()));
    assert_eq!(both.0.unwrap() + both.1.unwrap(), 1);
    let next = kid(&states(&api).await, "next").unwrap();
    stage.broker.catch_up().await;
    assert_eq!(published(&stage).await.len(), 2, "it is published, and signs nothing");
    sign_in(&stage, &mut app).await;
    let known = api.get("/connections/own-key/keys").await.json;
    let id = known["items"][0]["id"].as_str().unwrap();
    let early = api.post(&format!("/connections/own-key/keys/{id}/promote"), &json!({})).await;
    assert_eq!((early.status, early.text("code")), (409, "too_early"), "{}", early.json);

    hours_pass(&mut stage, 25).await;
    let both = tokio::join!(key_rotation::keep_schedule(stage.broker.ctx()), key_rotation::keep_schedule(there.ctx()));
    assert_eq!(both.0.unwrap() + both.1.unwrap(), 1);
    let now = states(&api).await;
    assert_eq!((kid(&now, "active"), kid(&now, "retiring")), (Some(next.clone()), Some(first)));
    stage.broker.catch_up().await;
    sign_in(&stage, &mut app).await;

    hours_pass(&mut stage, 9 * 24).await;
    assert_eq!(key_rotation::keep_schedule(there.ctx()).await.unwrap(), 1);
    stage.broker.catch_up().await;
    assert_eq!(published(&stage).await, [next]);
    sign_in(&stage, &mut app).await;
    let events = stage.broker.audit_events().await;
    let of = |action: &str| events.iter().filter(|event| event.action == action).count();
    assert_eq!((of("connection.key_promoted"), of("connection.key_retired")), (1, 1));
    assert_eq!(of("connection.secret_fallback"), 0, "no other key had to stand in");
}

#[tokio::test]
async fn a_key_that_is_given_by_hand_takes_over_when_the_provider_takes_it() {
    let (mut stage, mut app, api) = set(json!({})).await;
    sign_in(&stage, &mut app).await;
    hours_pass(&mut stage, 400 * 24).await;
    assert_eq!(key_rotation::keep_schedule(stage.broker.ctx()).await.unwrap(), 0, "nobody would know of the new key");
    sign_in(&stage, &mut app).await;
    let made = api.post("/connections/own-key/keys", &json!({})).await;
    assert_eq!((made.status, made.text("state")), (201, "next"), "{}", made.json);
    assert!(made.json["jwk"]["n"].is_string() && made.json["jwk"].get("d").is_none());
    let path = format!("/connections/own-key/keys/{}/promote", made.text("id"));
    let unknown = api.post(&path, &json!({})).await;
    assert_eq!((unknown.status, unknown.text("code")), (409, "key_refused"), "{}", unknown.json);
    let dated = api.put("/connections/own-key/keys/schedule", &json!({ "promote_at": "2127-01-01T00:00:00Z" })).await;
    assert!(dated.status >= 400, "a date would not wait for the proof: {}", dated.json);

    // somebody registers it there
    stage.broker.catch_up().await;
    hours_pass(&mut stage, 1).await;
    let known = api.post(&path, &json!({})).await;
    assert_eq!(known.status, 200, "{}", known.json);
    stage.broker.catch_up().await;
    sign_in(&stage, &mut app).await;

    let back = api.post("/connections/own-key/keys/put-back", &json!({})).await;
    assert_eq!(back.status, 200, "{}", back.json);
    let now = states(&api).await;
    assert_eq!(kid(&now, "next").as_deref(), made.json["kid"].as_str());
    stage.broker.catch_up().await;
    sign_in(&stage, &mut app).await;
}
