//! What docs/integrations shows between markers is what the program prints today. After a change that is meant:
//! `AVOUCH_DOCUMENTS=write cargo test --test suite -- integrations::documents`.

use std::fmt::Write as _;

use super::preset;
use crate::harness::World;

const END: &str = "<!-- end -->";

/// The document with everything between its markers made anew. A marker is `<!-- preset SYSTEM -->` or
/// `<!-- snippet CLIENT SYSTEM -->`.
async fn renewed(world: &World, document: &str, preset: &str) -> String {
    let mut out = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        let marker = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")).unwrap_or_default();
        let words: Vec<&str> = marker.split(' ').collect();
        let (language, text) = match words.as_slice() {
            ["preset", _] => ("yaml", preset.to_owned()),
            ["snippet", client, system] => {
                let (well, text) = world.broker.cli(&["snippet", client, system]).await;
                assert!(well, "{text}");
                let language = if text.contains("\n[[") { "toml" } else { "text" };
                (language, text.replace(&world.broker.issuer, "https://id.example.com"))
            }
            _ => continue,
        };
        let _ = write!(out, "```{language}\n{}\n```\n{END}\n", text.trim_end());
        assert!(lines.by_ref().any(|line| line == END), "the marker {marker:?} has no end");
    }
    out
}

/// Holds the document against what this world prints, or writes it.
pub async fn hold(world: &World, name: &str, preset: &str) -> String {
    let path = format!("{}/docs/integrations/{name}.md", env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(&path).unwrap();
    let renewed = renewed(world, &document, preset).await;
    if std::env::var("AVOUCH_DOCUMENTS").is_ok_and(|mode| mode == "write") {
        std::fs::write(&path, &renewed).unwrap();
    } else {
        assert!(renewed == document, "{path} is stale; see the head of {}", file!());
    }
    renewed
}

#[tokio::test]
async fn influxdb_shows_what_is_printed() {
    let world = World::new().await;
    let preset = preset("influxdb", &[("cluster", "https://influx.example.com")]);
    world.apply(&preset).await;
    let renewed = hold(&world, "influxdb", &preset).await;
    assert!(renewed.contains("https://id.example.com/oauth/device/code"), "{renewed}");
}

#[tokio::test]
async fn kafka_confluent_and_camunda_show_what_is_printed() {
    let table = [
        ("kafka", vec![("cluster", "kafka-prod"), ("applications", "orders-app")]),
        ("confluent", vec![("audience", "confluent-prod"), ("applications", "orders-app")]),
        ("camunda", vec![("url", "https://camunda.example.com")]),
    ];
    for (system, answers) in table {
        let world = World::new().await;
        let preset = preset(system, &answers);
        world.apply(&preset).await;
        let renewed = hold(&world, system, &preset).await;
        assert!(renewed.contains("https://id.example.com/oauth/token"), "{renewed}");
    }
}
