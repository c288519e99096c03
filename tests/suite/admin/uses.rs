//! Of everything that opens something: when it was last used, how often and from where, and whether it may go.

use serde_json::{Value, json};
use time::Duration;

use crate::admin::seat::{Api, Operator};
use crate::federation::ASSERTION_TYPE;
use crate::harness::app::{post, random};
use crate::harness::fake_idp::key;
use crate::harness::jwt::jwt;
use crate::harness::{Broker, Options, World};

fn one<'a>(items: &'a Value, member: &str, value: &str) -> &'a Value {
    let found = items["items"].as_array().unwrap().iter().find(|one| one[member] == value);
    found.unwrap_or_else(|| panic!("{value}: {items}"))
}

#[tokio::test]
async fn an_operator_key_says_who_still_uses_it_and_whether_it_may_go() {
    let here = Broker::start(Options::default()).await;
    let there = Broker::start(Options { database: Some(here.database().clone()), ..Options::default() }).await;
    let mut owner = Operator::signed_in(&here, "owner").await;
    let api = Api::of(&here, "owner").await;
    let made = api.post("/operator-keys", &json!({ "name": "ci", "role": "auditor" })).await;
    let (value, id) = (made.text("value").to_owned(), made.text("id").to_owned());
    let idle = api.post("/operator-keys", &json!({ "name": "idle", "role": "auditor" })).await;
    assert_eq!((&idle.json["uses"], &idle.json["safe_to_retire"]["safe"]), (&json!(0), &json!(false)), "{}", idle.json);
    assert!(idle.json["safe_to_retire"]["reason"].as_str().unwrap().starts_with("It is new"), "{}", idle.json);

    // at both replicas, and what each counted adds up
    for broker in [&here, &there, &there] {
        assert_eq!(Api::with(broker, &value).get("/resources").await.status, 200);
    }
    for broker in [&here, &there] {
        broker.live().write_used_secrets().await.unwrap();
    }
    let key = api.get(&format!("/operator-keys/{id}")).await.json;
    assert_eq!((&key["uses"], &key["last_used_addr"]), (&json!(3), &json!("127.0.0.1")), "{key}");
    let verdict = &key["safe_to_retire"];
    assert_eq!((&verdict["safe"], &verdict["reason"]), (&json!(false), &json!("It was used today from 127.0.0.1.")));
    assert!(verdict["not_before"].is_string(), "{verdict}");
    let page = owner.open("/admin/operator-keys").await;
    assert!(page.body.contains("3 times, last from 127.0.0.1") && page.body.contains("It was used today"), "{page}");

    for broker in [&here, &there] {
        broker.clock.advance(Duration::days(9) + Duration::HOUR);
    }
    let seen = Api::of(&there, "owner").await;
    let keys = seen.get("/operator-keys").await.json;
    let said = |name: &str| one(&keys, "name", name)["safe_to_retire"].clone();
    assert_eq!(said("ci"), json!({ "safe": true, "reason": "It was not used for 9 days.", "not_before": null }));
    assert_eq!(said("idle"), json!({ "safe": true, "reason": "It was never used.", "not_before": null }));
    let mut owner = Operator::signed_in(&there, "owner").await;
    let page = owner.open(&format!("/admin/operator-keys/{id}/delete")).await;
    assert!(page.body.contains("Yes: It was not used for 9 days."), "{page}");
}

#[tokio::test]
async fn a_signing_key_says_what_it_still_holds_up() {
    let broker = Broker::start(Options::default()).await;
    let api = Api::of(&broker, "owner").await;
    let verdict = async |state: &str| {
        let keys = api.get("/signing-keys").await.json;
        let of = |key: &&Value| key["alg"] == "RS256" && key["state"] == state;
        keys["items"].as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{keys}"))["safe_to_retire"].clone()
    };
    let young = verdict("active").await;
    assert!(young["safe"] == false && young["not_before"].is_string(), "{young}");
    assert_eq!(young["reason"], "It signs, and the next key is so new that a cached JWKS may lack it.");
    assert!(verdict("next").await.is_null());
    broker.clock.advance(Duration::minutes(16));
    assert_eq!(verdict("active").await["safe"], true);
    let jwks = broker.url("/.well-known/jwks.json");
    reqwest::Client::new().get(&jwks).header("User-Agent", "acme-gateway/3").send().await.unwrap();
    assert_eq!(api.post("/signing-keys/rotate", &json!({ "alg": "RS256" })).await.status, 200);

    let waits = verdict("active").await;
    assert_eq!(waits["reason"], "It signs, and the next key was not fetched yet by acme-gateway at 127.0.0.1.");
    let alive = verdict("retiring").await;
    assert!(alive["safe"] == false && alive["not_before"].is_string(), "{alive}");
    assert!(alive["reason"].as_str().unwrap().starts_with("Tokens that it signed may live until 20"), "{alive}");
    broker.clock.advance(Duration::hours(24));
    assert_eq!(verdict("retiring").await["safe"], false, "clocks differ");
    broker.clock.advance(Duration::hours(1));
    assert_eq!(verdict("retiring").await["safe"], true);
    assert_eq!(verdict("active").await["safe"], true, "nothing is cached for longer");
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let page = owner.open("/admin/signing-keys").await;
    assert!(page.body.contains("Safe to retire: yes. Every token that it signed has ended"), "{page}");
    let (ok, printed) = broker.cli(&["keys", "list"]).await;
    assert!(ok && printed.contains("SAFE TO RETIRE"), "{printed}");
}

#[tokio::test]
async fn a_master_key_tells_how_much_it_still_seals() {
    let broker = Broker::start(Options::default()).await;
    let api = Api::of(&broker, "auditor").await;
    let keys = api.get("/master-keys").await.json;
    let only = one(&keys, "id", "k1");
    assert!(only["lasting_values"].as_i64().unwrap() > 0 && only["safe_to_retire"].is_null(), "{keys}");
    // another one is put on top of the file
    let both = broker.files().join("both.key");
    let old = std::fs::read_to_string(broker.files().join("master.key")).unwrap();
    std::fs::write(&both, format!("k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\n{old}")).unwrap();
    let (ok, printed) =
        broker.cli_with(&[("AVOUCH_MASTER_KEY_FILE", both.to_str().unwrap())], &["keys", "master"]).await;
    let line = printed.lines().find(|line| line.starts_with("k1 ")).unwrap_or_else(|| panic!("{printed}"));
    assert!(ok && line.contains("Not yet: ") && line.contains("run `avouch keys rewrap`"), "{printed}");
    let keys = api.get("/master-keys").await.json;
    let new = one(&keys, "id", "k2");
    assert!(new["present"] == false && new["first_seen_at"].is_string() && new["safe_to_retire"].is_null(), "{keys}");
}

const API: &str = "https://orders.example.com";

#[tokio::test]
async fn a_key_that_a_client_signs_with_says_whether_it_may_be_replaced() {
    let here = World::new().await;
    let there = Broker::start(Options { database: Some(here.broker.database().clone()), ..Options::default() }).await;
    let registered = json!({ "keys": [key(0).public_jwk(), key(1).public_jwk()] });
    here.apply(&format!(
        "resources: [{{ identifier: {API}, scopes: [read] }}]
clients: [{{ client_id: robot, kind: machine, audiences: [{API}], jwks: {registered}, token_endpoint_auth_method: private_key_jwt }}]"
    ))
    .await;
    there.catch_up().await;
    let sign = async |broker: &Broker, number: usize| {
        let now = avouch::clock::Clock::now(&*broker.clock).unix_timestamp();
        let own = json!({ "iss": "robot", "sub": "robot", "aud": broker.issuer, "iat": now, "exp": now + 300, "jti": random() });
        let assertion = jwt(&key(number), &json!({}), &own);
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
        let fields = [&[("grant_type", "client_credentials")], &proof[..]].concat();
        post(&broker.url("/oauth/token"), None, &fields).await.status
    };
    let api = Api::of(&here.broker, "auditor").await;
    let keys = async || {
        for broker in [&here.broker, &there] {
            broker.live().write_used_secrets().await.unwrap();
        }
        api.get("/clients/robot/keys").await.json["items"].as_array().unwrap().clone()
    };
    let fresh = keys().await;
    assert_eq!(fresh.len(), 2, "{fresh:?}");
    for one in &fresh {
        assert_eq!((&one["uses"], &one["registered"]), (&json!(0), &json!(true)), "{one}");
        assert_eq!(one["safe_to_retire"]["reason"], "It was never used: it may be the next one.", "{one}");
    }

    assert_eq!((sign(&here.broker, 0).await, sign(&there, 0).await, sign(&here.broker, 2).await), (200, 200, 401));
    let [old, _] = keys().await.try_into().unwrap();
    assert_eq!((&old["uses"], &old["last_used_addr"]), (&json!(2), &json!("127.0.0.1")), "{old}");
    assert_eq!(old["safe_to_retire"]["reason"], "It was used today from 127.0.0.1.");
    let mut auditor = Operator::signed_in(&here.broker, "auditor").await;
    let page = auditor.open("/admin/clients/robot").await;
    assert!(
        page.body.contains("2 times, last from 127.0.0.1") && page.body.contains("it may be the next one"),
        "{page}"
    );

    here.broker.clock.advance(Duration::days(9) + Duration::HOUR);
    there.clock.advance(Duration::days(9) + Duration::HOUR);
    let api = Api::of(&here.broker, "auditor").await;
    let verdict = async || api.get("/clients/robot/keys").await.json["items"][0]["safe_to_retire"].clone();
    assert_eq!(verdict().await["reason"], "It was not used lately, but no other one was used since.");
    assert_eq!(sign(&there, 1).await, 200);
    there.live().write_used_secrets().await.unwrap();
    let safe =
        json!({ "safe": true, "reason": "It was not used for 9 days, and another one is used.", "not_before": null });
    assert_eq!(verdict().await, safe);

    // what is registered no more is told of, and is not the one to go
    let registered = json!({ "keys": [key(1).public_jwk()] });
    here.apply(&format!(
        "clients: [{{ client_id: robot, kind: machine, audiences: [{API}], jwks: {registered}, token_endpoint_auth_method: private_key_jwt }}]"
    ))
    .await;
    let keys = api.get("/clients/robot/keys").await.json;
    assert_eq!(keys["items"][0]["safe_to_retire"]["reason"], "It is the only one that counts.", "{keys}");
    assert!(keys["items"][1]["registered"] == false && keys["items"][1]["safe_to_retire"].is_null(), "{keys}");
}
