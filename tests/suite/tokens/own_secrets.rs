//! A client that makes and ends its own secrets.

use serde_json::{Value, json};
use time::Duration;

use crate::admin::Api;
use crate::harness::app::{Answer, basic, post};
use crate::harness::{App, World};

const SECRET: &str = "robot-secret-0123456789";

async fn world(more: &str) -> World {
    let world = World::new().await;
    world.broker.secret("robot", SECRET);
    let file = format!("clients: [{{ client_id: robot, kind: machine, client_secret: {{ file: robot }}{more} }}]");
    world.apply(&file).await;
    world
}

async fn ask(world: &World, below: &str, secret: &str, params: &[(&str, &str)]) -> Answer {
    let answer =
        post(&world.broker.url(&format!("/oauth/client/secrets{below}")), Some(&basic("robot", secret)), params).await;
    world.broker.catch_up().await;
    answer
}

async fn counts(world: &World, secret: &str) -> bool {
    App::new(&world.broker, "robot", Some(secret)).token(&[("grant_type", "client_credentials")]).await.status == 200
}

#[tokio::test]
async fn a_client_that_may_gets_a_secret_once_and_the_old_one_ends_after_the_overlap() {
    let world = world(", may_rotate_secret: true").await;
    let made = ask(&world, "", SECRET, &[("overlap", "3600"), ("expires_in", "86400")]).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"), "{}", made.json);
    let fresh = made.text("client_secret").to_owned();
    assert!(made.json["client_secret_expires_at"].as_i64().unwrap() > 0, "{}", made.json);
    assert!(counts(&world, SECRET).await && counts(&world, &fresh).await, "both count");
    let event = world.last_event("client.secret_added").await;
    assert_eq!(event.actor, "client:robot");
    assert!(!event.detail.to_string().contains(&fresh) && event.detail["others"] == 1, "{event:?}");
    let listed = ask(&world, "/list", &fresh, &[]).await;
    assert!(listed.status == 200 && !listed.json.to_string().contains(&fresh), "{}", listed.json);

    world.broker.clock.advance(Duration::minutes(61));
    assert!(!counts(&world, SECRET).await && counts(&world, &fresh).await);
    assert_eq!(world.last_event("client.authentication").await.reason.as_deref(), Some("client_secret_expired"));
    assert_eq!(ask(&world, "", SECRET, &[]).await.status, 401, "an expired one makes no other");
}

#[tokio::test]
async fn it_ends_an_older_one_but_not_the_one_it_came_with_and_has_three_at_most() {
    let world = world(", may_rotate_secret: true").await;
    let old = ask(&world, "/list", SECRET, &[]).await.json["secrets"][0]["client_secret_id"].clone();
    let old = old.as_str().unwrap();
    let second = ask(&world, "", SECRET, &[]).await.text("client_secret").to_owned();
    assert_eq!(ask(&world, "", SECRET, &[]).await.status, 201);
    assert_eq!(ask(&world, "", SECRET, &[]).await.status, 400, "that is a fourth");
    assert_eq!(ask(&world, "/withdraw", SECRET, &[("client_secret_id", old)]).await.status, 400, "it is in use");
    assert_eq!(ask(&world, "/withdraw", &second, &[("client_secret_id", "csec_nonsense")]).await.status, 400);
    assert_eq!(ask(&world, "/withdraw", &second, &[("client_secret_id", old)]).await.status, 204);
    assert!(!counts(&world, SECRET).await && counts(&world, &second).await);
    assert_eq!(world.last_event("client.secret_withdrawn").await.actor, "client:robot");
    for (name, value) in [("overlap", "2592001"), ("overlap", "-1"), ("expires_in", "0")] {
        assert_eq!(ask(&world, "", &second, &[(name, value)]).await.status, 400, "{name}={value}");
    }
    // ten in ten minutes
    let mut last = 0;
    for _ in 0..10 {
        last = ask(&world, "/list", &second, &[]).await.status;
    }
    assert_eq!(last, 429_u16);
}

#[tokio::test]
async fn who_may_not_or_cannot_prove_itself_gets_nothing() {
    let world = world("").await;
    for below in ["", "/list", "/withdraw"] {
        let refused = ask(&world, below, SECRET, &[("client_secret_id", "x")]).await;
        assert_eq!((refused.status, refused.text("error")), (400, "unauthorized_client"), "{below}");
        assert_eq!(ask(&world, below, "a-wrong-secret", &[]).await.status, 401, "{below}");
    }
}

#[tokio::test]
async fn an_operator_sees_who_uses_which_secret_and_whether_it_may_go() {
    let world = world("").await;
    let api = Api::of(&world.broker, "editor").await;
    assert!(counts(&world, SECRET).await && counts(&world, SECRET).await);
    world.broker.live().write_used_secrets().await.unwrap();
    let secrets = async || -> Value { api.get("/clients/robot/secrets").await.json["items"].clone() };
    let only = secrets().await[0].clone();
    assert_eq!((&only["uses"], &only["last_used_addr"]), (&json!(2), &json!("127.0.0.1")), "{only}");
    assert_eq!(
        only["safe_to_retire"],
        json!({ "safe": false, "reason": "It is the only one that counts.", "not_before": null })
    );

    let (ok, printed) = world.broker.cli(&["client", "rotate-secret", "robot", "--expires-in", "30"]).await;
    assert!(ok, "{printed}");
    let fresh = printed.lines().find(|line| line.starts_with("avo_")).unwrap_or_else(|| panic!("{printed}")).to_owned();
    world.broker.catch_up().await;
    assert!(secrets().await[1]["safe_to_retire"]["reason"].as_str().unwrap().starts_with("It was used today"));
    assert!(counts(&world, &fresh).await);
    world.broker.live().write_used_secrets().await.unwrap();
    world.broker.clock.advance(Duration::days(9));
    let both = secrets().await;
    assert_eq!(both[1]["safe_to_retire"]["safe"], true, "{both}");
    assert_eq!(both[0]["safe_to_retire"]["safe"], false, "no newer one is used: {both}");
}
