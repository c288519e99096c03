//! What docs/integrations shows between markers is what the program prints today. After a change that is meant:
//! `AVOUCH_DOCUMENTS=write cargo test --test suite -- integrations::documents`.

use std::fmt::Write as _;

use super::preset;
use crate::harness::{Options, World};

const END: &str = "<!-- end -->";

/// The document with everything between its markers made anew. A marker is `<!-- preset SYSTEM -->` or
/// `<!-- snippet CLIENT SYSTEM -->`, with `--user` behind it for a snippet that names a person.
async fn renewed(world: &World, document: &str, preset: &str, person: &str) -> String {
    let mut out = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        let marker = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")).unwrap_or_default();
        let words: Vec<&str> = marker.split(' ').collect();
        let (language, text) = match words.as_slice() {
            ["preset", _] => ("yaml", preset.to_owned()),
            ["snippet", more @ ..] => {
                let sub = [person];
                let sub: &[&str] = if more.contains(&"--user") { &sub } else { &[] };
                let (well, text) = world.broker.cli(&[&["snippet"], more, sub].concat()).await;
                assert!(well, "{text}");
                let language = if text.contains("\n[[") { "toml" } else { "text" };
                (language, text.replace(person, "usr_01HZX3V9K2J8M4Q7R5T6W0YBCD"))
            }
            _ => continue,
        };
        let _ = write!(out, "```{language}\n{}\n```\n{END}\n", text.trim_end());
        assert!(lines.by_ref().any(|line| line == END), "the marker {marker:?} has no end");
    }
    out
}

/// A broker that stands where the documents say, and somebody who is known there beforehand.
async fn documented() -> (World, String) {
    let settings = vec![("AVOUCH_ISSUER", "https://id.example.com".to_owned())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    let yaml = "users:\n  - { email: ada@example.com, name: Ada Lovelace, connection: contoso, subject: ada }\n";
    let person = world.apply(yaml).await[0].1.to_string();
    (world, person)
}

/// Holds the document against what is printed after its steps, or writes it: preset, and a secret for each of `clients`.
async fn hold(name: &str, answers: &[(&str, &str)], clients: &[&str]) {
    let path = format!("{}/docs/integrations/{name}.md", env!("CARGO_MANIFEST_DIR"));
    let (world, person) = documented().await;
    let preset = preset(name, answers);
    world.apply(&preset).await;
    for client in clients {
        let (well, text) = world.broker.cli(&["client", "rotate-secret", client]).await;
        assert!(well, "{text}");
    }
    let document = std::fs::read_to_string(&path).unwrap();
    let renewed = renewed(&world, &document, &preset, &person).await;
    let strange = renewed.replace("localhost:18000", "");
    assert!(renewed.contains("https://id.example.com") && !strange.contains("localhost:1"), "{renewed}");
    if std::env::var("AVOUCH_DOCUMENTS").is_ok_and(|mode| mode == "write") {
        std::fs::write(&path, &renewed).unwrap();
    } else {
        assert!(renewed == document, "{path} is stale; see the head of {}", file!());
    }
}

#[tokio::test]
async fn influxdb_shows_what_is_printed() {
    hold("influxdb", &[("cluster", "https://influx.example.com")], &[]).await;
}

#[tokio::test]
async fn kafka_shows_what_is_printed() {
    hold("kafka", &[("cluster", "kafka-prod"), ("applications", "orders-app")], &["orders-app"]).await;
}

#[tokio::test]
async fn confluent_shows_what_is_printed() {
    hold("confluent", &[("audience", "confluent-prod"), ("applications", "orders-app")], &["orders-app"]).await;
}

#[tokio::test]
async fn camunda_shows_what_is_printed() {
    let clients = ["camunda-identity", "camunda-orchestration", "camunda-optimize", "camunda-web-modeler-api"];
    hold("camunda", &[("url", "https://camunda.example.com")], &clients).await;
}

#[tokio::test]
async fn kubernetes_shows_what_is_printed() {
    hold("kubernetes", &[("client_id", "k8s-prod")], &[]).await;
}

#[tokio::test]
async fn grafana_shows_what_is_printed() {
    hold("grafana", &[("url", "https://grafana.example.com")], &["grafana"]).await;
}

#[tokio::test]
async fn argocd_shows_what_is_printed() {
    hold("argocd", &[("url", "https://argocd.example.com")], &["argocd"]).await;
}
