//! Of everything that opens something: when it was last used, how often and from where, and whether it may go.

use serde_json::{Value, json};
use time::Duration;

use crate::admin::seat::{Api, Operator};
use crate::harness::{Broker, Options};

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
        broker.clock.advance(Duration::days(9));
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
