//! What holds for every system of the table, whoever comes to stand in it.

use std::collections::BTreeSet;

use avouch::integration::SYSTEMS;
use serde_json::{Map, Value, json};

use crate::admin::{Api, Operator};
use crate::harness::World;

#[tokio::test]
async fn each_is_set_up_by_the_api_and_shown_at_the_desk() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let mut desk = Operator::signed_in(&world.broker, "auditor").await;
    let (mut fitting, mut made) = (BTreeSet::new(), BTreeSet::new());
    for system in SYSTEMS {
        let needed = system.questions.iter().filter(|question| question.usual.is_none());
        let answers: Map<String, Value> =
            needed.map(|question| (question.key.to_owned(), json!("https://there.example"))).collect();
        let body = json!({ "answers": answers });
        let done = api.post(&format!("/integrations/{}/apply", system.name), &body).await;
        assert_eq!(done.status, 200, "{}: {}", system.name, done.json);
        for client in done.json["clients"].as_array().unwrap().iter().filter_map(Value::as_str) {
            // InfluxDB's two are one set of clients
            assert!(made.insert(client.to_owned()) || system.name == "influxctl", "{} changes {client}", system.name);
            let place = format!("/clients/{client}/snippets/{}", system.name);
            let snippets = api.get(&place).await;
            if snippets.status == 409 {
                continue;
            }
            let blocks = snippets.json["items"].as_array().unwrap_or_else(|| panic!("{place}: {}", snippets.json));
            assert!(!blocks.is_empty(), "{place}");
            for block in blocks {
                let text = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
                assert!(!text("text").is_empty() && !text("version").is_empty(), "{block}");
                assert!(text("page").starts_with("https://"), "{block}");
                assert!(!text("title").contains(": ") && !text("text").contains("avo_cs_"), "{block}");
            }
            let page = desk.open(&format!("/admin{place}")).await;
            assert!(page.status == 200 && page.has("text-1"), "{place}: {page}");
            fitting.insert(system.name);
        }
    }
    assert_eq!(fitting.len(), SYSTEMS.len(), "each has a client that fits: {fitting:?}");
}
