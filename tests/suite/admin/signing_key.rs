//! Signing keys at the desk: rotating them when everybody has the next one, and revoking what leaked.

use serde_json::{Value, json};
use time::Duration;

use super::{Api, Operator};
use crate::harness::app::{claims, header};
use crate::harness::{App, World};

async fn world() -> (World, Api, App) {
    let world = World::new().await;
    world.broker.secret("robot", "robot-secret-0123456789");
    world.apply("clients: [{ client_id: robot, kind: machine, client_secret: { file: robot } }]").await;
    let robot = App::new(&world.broker, "robot", Some("robot-secret-0123456789"));
    let api = Api::of(&world.broker, "owner").await;
    (world, api, robot)
}

async fn token(robot: &App) -> String {
    robot.token(&[("grant_type", "client_credentials")]).await.text("access_token").to_owned()
}

async fn key(api: &Api, alg: &str, state: &str) -> Value {
    let keys = api.get("/signing-keys").await.json;
    let found = keys["items"].as_array().unwrap().iter().find(|key| key["alg"] == alg && key["state"] == state);
    found.unwrap_or_else(|| panic!("no {state} {alg} key in {keys}")).clone()
}

/// The key under which a new token is, once the broker has heard of the change.
async fn signs_with(robot: &App, kid: &Value) {
    for _ in 0..200 {
        if header(&token(robot).await)["kid"] == *kid {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("tokens are not signed with {kid}");
}

#[tokio::test]
async fn a_key_is_rotated_when_everybody_has_the_next_one_or_for_a_reason() {
    let (world, api, robot) = world().await;
    let (active, next) = (key(&api, "RS256", "active").await, key(&api, "RS256", "next").await);
    let early = api.post("/signing-keys/rotate", &json!({ "alg": "RS256" })).await;
    assert_eq!((early.status, &early.json["code"]), (409, &json!("next_key_too_young")), "{}", early.json);
    assert!(next["ready_at"].is_string() && active["ready_at"].is_null(), "{next} {active}");

    world.broker.clock.advance(Duration::minutes(16));
    let done = api.post("/signing-keys/rotate", &json!({ "alg": "RS256" })).await;
    assert_eq!((done.status, &done.json["active"], &done.json["retiring"]), (200, &next["kid"], &active["kid"]));
    signs_with(&robot, &next["kid"]).await;
    let event = world.last_event("signing_key.rotated").await;
    assert!(event.actor.starts_with("operator_key:owner") && event.trace_id.is_some(), "{event:?}");

    let forced = api.post("/signing-keys/rotate", &json!({ "alg": "RS256", "override": "an exercise" })).await;
    assert_eq!(forced.status, 200, "{}", forced.json);
    assert_eq!(world.last_event("signing_key.rotated").await.detail["reason"], "an exercise");
    for bad in
        [json!({ "alg": "none" }), json!({ "alg": "RS256", "override": "" }), json!({ "alg": "RS256", "now": 1 })]
    {
        assert_eq!(api.post("/signing-keys/rotate", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_refused_and_the_next_key_signs() {
    let (world, api, robot) = world().await;
    let mut browser = world.shop.browser();
    let tokens = world.shop.tokens(&mut browser, &[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.shop.userinfo(access).await.status, 200);
    let alg = header(access)["alg"].as_str().unwrap().to_owned();
    let (active, next) = (key(&api, &alg, "active").await, key(&api, &alg, "next").await);
    assert_eq!(header(access)["kid"], active["kid"]);

    let path = format!("/signing-keys/{}/revoke", active["kid"].as_str().unwrap());
    let revoked = api.post(&path, &json!({ "reason": "it was in a backup that was stolen" })).await;
    assert_eq!((revoked.status, &revoked.json["state"]), (200, &json!("revoked")), "{}", revoked.json);
    signs_with(&robot, &next["kid"]).await;
    assert_eq!(world.shop.userinfo(access).await.status, 401, "it is refused at once");
    assert_ne!(key(&api, &alg, "next").await["kid"], next["kid"], "there is a new next key");
    let again = api.post(&path, &json!({})).await;
    assert_eq!((again.status, &again.json["code"]), (409, &json!("key_not_published")), "{}", again.json);
    assert_eq!(api.post("/signing-keys/nonsense/revoke", &json!({})).await.status, 404);

    // nobody signs in anew
    let renewed = world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(renewed.status, 200, "{}", renewed.json);
    assert_eq!(claims(renewed.text("access_token"))["sub"], claims(access)["sub"]);
    let event = world.last_event("signing_key.revoked").await;
    assert_eq!(
        (&event.detail["changes"]["state"], &event.detail["active"]),
        (&json!(["active", "revoked"]), &next["kid"])
    );
}

#[tokio::test]
async fn an_owner_rotates_and_revokes_on_pages_that_ask_first() {
    let (world, api, robot) = world().await;
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let next = key(&api, "RS256", "next").await;
    let page = owner.open("/admin/signing-keys").await;
    assert!(page.body.contains(next["kid"].as_str().unwrap()), "{page}");

    let ask = owner.open("/admin/signing-keys/RS256/rotate").await;
    let refused = owner.submit(&ask, "confirm", &[("reason", "")]).await;
    assert_eq!((refused.status, refused.has("reason-error")), (422, true), "{refused}");
    let done = owner.submit(&ask, "confirm", &[("reason", "an exercise")]).await;
    assert_eq!((done.status, done.url.path()), (200, "/admin/signing-keys"), "{done}");
    signs_with(&robot, &next["kid"]).await;

    let ask = owner.open(&format!("/admin/signing-keys/{}/revoke", next["kid"].as_str().unwrap())).await;
    assert_eq!(ask.status, 200, "{ask}");
    let done = owner.submit(&ask, "confirm", &[]).await;
    assert_eq!(done.status, 200, "{done}");
    assert_eq!(world.last_event("signing_key.revoked").await.actor, format!("operator:{}", owner.email));

    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/signing-keys").await;
    assert!(page.status == 200 && !page.body.contains("/revoke"), "an editor looks only: {page}");
    assert_eq!(editor.open("/admin/signing-keys/RS256/rotate").await.status, 403);
    let refused = editor.post("/admin/signing-keys/RS256/rotate", &[("reason", "because")]).await;
    assert_eq!(refused.status, 403);
}
