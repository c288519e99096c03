//! Signing keys at the desk: rotating them when everybody has the next one, and revoking what leaked.

use serde_json::{Value, json};
use time::Duration;

use super::{Api, Operator};
use crate::harness::app::{answer, claims, header, http};
use crate::harness::{App, Broker, Options, World};

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

/// A program that reads the JWKS, as its User-Agent says.
async fn fetch(broker: &Broker, agent: &str) -> Value {
    let answer = answer(http().get(broker.url("/.well-known/jwks.json")).header("user-agent", agent)).await;
    assert_eq!(answer.status, 200);
    answer.json
}

async fn rotate(api: &Api) -> (u16, String) {
    let done = api.post("/signing-keys/rotate", &json!({ "alg": "RS256" })).await;
    (done.status, done.json["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_next_key_waits_for_those_who_read_the_jwks_or_for_their_caches_to_end() {
    let (world, api, _) = world().await;
    for agent in ["Envoy/1.31", "jose/v6.1.0", "acme-gateway/3"] {
        fetch(&world.broker, agent).await;
    }
    // all three have the next key; the one after it they do not
    world.broker.clock.advance(Duration::minutes(16));
    assert_eq!(rotate(&api).await, (200, String::new()));
    world.broker.catch_up().await;
    world.broker.clock.advance(Duration::minutes(16));
    assert_eq!(rotate(&api).await, (409, "consumers_lack_next_key".into()), "the gateway may cache for a day");
    let gate = key(&api, "RS256", "next").await["gate"].clone();
    assert_eq!((&gate["open"], &gate["consumers"]), (&json!(false), &json!(3)), "{gate}");
    let waiting: Vec<_> = gate["waiting_for"].as_array().unwrap().iter().map(|one| &one["product"]).collect();
    assert_eq!(waiting, ["acme-gateway"], "Envoy caches for ten minutes: {gate}");

    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let page = owner.open("/admin/signing-keys").await;
    assert!(page.text_of("gate-RS256").unwrap().contains("Waiting for 1 of 3: acme-gateway at 127.0.0.1"), "{page}");
    let ask = owner.open("/admin/signing-keys/RS256/rotate").await;
    assert!(ask.body.contains("acme-gateway at 127.0.0.1 until"), "{ask}");
    let refused = owner.submit(&ask, "confirm", &[("reason", "")]).await;
    assert_eq!((refused.status, refused.has("reason-error")), (422, true), "{refused}");

    fetch(&world.broker, "acme-gateway/4").await;
    assert_eq!(rotate(&api).await, (200, String::new()), "another version of the same program");
    let consumers = api.get("/signing-keys/consumers").await.json;
    let gateway = consumers["items"].as_array().unwrap().iter().find(|one| one["product"] == "acme-gateway").unwrap();
    assert_eq!((&gateway["fetches"], &gateway["cache_seconds"]), (&json!(2), &json!(86_400)), "{gateway}");
    assert!(gateway["average_interval_seconds"].as_i64().unwrap() >= 1920, "{gateway}");

    // nobody reads it any more: a day later nothing that was read before is believed
    world.broker.clock.advance(Duration::hours(23));
    assert_eq!(rotate(&api).await.0, 409);
    world.broker.clock.advance(Duration::minutes(61));
    assert_eq!(rotate(&api).await, (200, String::new()));
}

#[tokio::test]
async fn a_head_request_and_a_forged_address_prove_nothing() {
    let (world, api, _) = world().await;
    fetch(&world.broker, "acme-gateway/3").await;
    world.broker.clock.advance(Duration::minutes(16));
    assert_eq!(rotate(&api).await.0, 200);
    world.broker.catch_up().await;
    world.broker.clock.advance(Duration::minutes(16));
    let url = world.broker.url("/.well-known/jwks.json");
    answer(http().head(&url).header("user-agent", "acme-gateway/3")).await;
    answer(http().get(&url).header("user-agent", "other").header("x-forwarded-for", "192.0.2.9")).await;
    assert_eq!(rotate(&api).await, (409, "consumers_lack_next_key".into()));
    let consumers = api.get("/signing-keys/consumers").await.json;
    assert!(!consumers.to_string().contains("192.0.2.9"), "no proxy is trusted here: {consumers}");
    // regardless, and the log says who may have refused
    let forced = api.post("/signing-keys/rotate", &json!({ "alg": "RS256", "override": "an exercise" })).await;
    assert_eq!(forced.status, 200);
    let event = world.last_event("signing_key.rotated").await;
    assert_eq!(event.detail["lacking"], json!(["acme-gateway at 127.0.0.1"]), "{event:?}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_reader_is_the_one_it_names() {
    let settings = vec![("AVOUCH_TRUSTED_PROXIES", "127.0.0.0/8".to_owned())];
    let broker = Broker::start(Options { settings, ..Options::default() }).await;
    let api = Api::of(&broker, "owner").await;
    let url = broker.url("/.well-known/jwks.json");
    for address in ["192.0.2.9", "2001:db8::1", "2001:db8::2"] {
        answer(http().get(&url).header("user-agent", "jose/v6").header("x-forwarded-for", address)).await;
    }
    let items = api.get("/signing-keys/consumers").await.json["items"].clone();
    let mut addresses: Vec<_> = items.as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap()).collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["192.0.2.9", "2001:db8::"], "a household's network counts as one");
}

#[tokio::test]
async fn replicas_know_of_each_others_readers() {
    let here = Broker::start(Options::default()).await;
    let there = Broker::start(Options {
        database: Some(here.database().clone()),
        clock: here.clock.clone(),
        ..Options::default()
    })
    .await;
    let api = Api::of(&here, "owner").await;
    fetch(&there, "acme-gateway/3").await;
    there.live().write_fetches().await.unwrap();
    here.clock.advance(Duration::minutes(16));
    assert_eq!(rotate(&api).await.0, 200);
    there.catch_up().await;
    here.clock.advance(Duration::minutes(16));
    assert_eq!(rotate(&api).await.0, 409);
    fetch(&there, "acme-gateway/3").await;
    there.live().write_fetches().await.unwrap();
    assert_eq!(rotate(&api).await.0, 200);
}

#[tokio::test]
async fn an_owner_sets_the_schedule_and_keys_change_by_it() {
    let (world, api, robot) = world().await;
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let ask = owner.open("/admin/signing-keys/RS256/schedule").await;
    let refused = owner.submit(&ask, "schedule", &[("lifetime_days", "1"), ("publish_ahead_hours", "48")]).await;
    assert_eq!((refused.status, refused.has("publish_ahead_hours-error")), (422, true), "{refused}");
    let done = owner.submit(&ask, "schedule", &[("lifetime_days", "10"), ("publish_ahead_hours", "48")]).await;
    assert_eq!(done.status, 200, "{done}");
    let event = world.last_event("signing_key.schedule_changed").await;
    assert_eq!(event.detail["changes"], json!({ "lifetime_days": [90, 10], "publish_ahead_hours": [24, 48] }));
    for (alg, hours, status) in [("PS256", 0, 422), ("PS256", 48, 200), ("none", 48, 404)] {
        let body = json!({ "lifetime_days": null, "publish_ahead_hours": hours });
        assert_eq!(api.put(&format!("/signing-keys/schedule/{alg}"), &body).await.status, status, "{alg} {hours}");
    }

    let next = key(&api, "RS256", "next").await;
    let ctx = world.broker.ctx();
    world.broker.clock.advance(Duration::days(10) - Duration::hours(1));
    assert!(avouch::signing_key::keep_schedule(ctx).await.unwrap().is_empty());
    world.broker.clock.advance(Duration::hours(2));
    // two replicas come at the same time, and one does it
    let both = tokio::join!(avouch::signing_key::keep_schedule(ctx), avouch::signing_key::keep_schedule(ctx));
    let done: Vec<_> = [both.0.unwrap(), both.1.unwrap()].concat();
    assert_eq!(done.iter().map(|alg| alg.as_str()).collect::<Vec<_>>(), ["RS256"]);
    signs_with(&robot, &next["kid"]).await;
    let event = world.last_event("signing_key.rotated").await;
    assert_eq!((&event.detail["scheduled"], event.actor.as_str()), (&json!(true), "system"), "{event:?}");
}

/// A consumer that reads the JWKS once a day and never in between.
#[tokio::test]
async fn who_caches_for_a_day_verifies_every_token_across_scheduled_rotations() {
    let (world, api, robot) = world().await;
    let plan = json!({ "lifetime_days": 3, "publish_ahead_hours": 24 });
    assert_eq!(api.put("/signing-keys/schedule/RS256", &plan).await.status, 200);
    let mut cached = fetch(&world.broker, "acme-gateway/3").await;
    let (mut kids, mut tokens) = (std::collections::BTreeSet::new(), Vec::new());
    for hour in 1..=24 * 9 {
        world.broker.clock.advance(Duration::hours(1));
        world.broker.live().write_fetches().await.unwrap();
        avouch::signing_key::keep_schedule(world.broker.ctx()).await.unwrap();
        avouch::signing_key::retire_expired(world.broker.ctx()).await.unwrap();
        world.broker.catch_up().await;
        if hour % 24 == 0 {
            cached = fetch(&world.broker, "acme-gateway/3").await;
        }
        tokens.push(token(&robot).await);
        // also what was issued up to a day ago is still believed
        for token in tokens.iter().rev().take(24).step_by(6) {
            let kid = header(token)["kid"].clone();
            let found = cached["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid);
            assert!(found, "in hour {hour} the token's {kid} is not in the JWKS of up to a day ago");
            kids.insert(kid.to_string());
        }
    }
    assert!(kids.len() >= 3, "it went on rotating: {kids:?}");
}
