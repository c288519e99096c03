//! The doctor tells nobody a secret or a token, and leaves nothing behind that opens anything.

use std::collections::BTreeSet;

use super::examine;
use crate::harness::World;
use crate::harness::world::SHOP_SECRET;
use crate::integrations::preset;

/// How every JWT begins, and every secret that we make.
const MARKS: [&str; 3] = ["eyJ", "avo_", SHOP_SECRET];

#[tokio::test]
async fn no_secret_and_no_token_is_shown_or_kept() {
    let world = World::new().await;
    world.signed_in().await;
    world.apply(&preset("influxctl", &[("cluster", "https://influx.example")])).await;
    world.apply(&preset("camunda", &[("url", "http://localhost:9")])).await;
    let before = world.broker.audit_events().await.len();
    let table = [
        ("shop", "general"),
        ("influxctl", "influxctl"),
        ("camunda-identity", "camunda"),
        ("camunda-console", "camunda"),
    ];
    for (client, system) in table {
        // what it logs is in there too
        let arguments = ["doctor", "--client", client, "--system", system];
        let (_, text) = world.broker.cli_with(&[("AVOUCH_LOG", "debug")], &arguments).await;
        assert!(text.contains("looked at"), "{text}");
        for mark in MARKS {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
        let report = examine(&world.broker, client, system, &[]).await.0.to_string();
        assert!(MARKS.iter().all(|mark| !report.contains(mark)), "{report}");
    }
    let events = world.broker.audit_events().await;
    let new = format!("{:?}", &events[before..]);
    assert!(MARKS.iter().all(|mark| !new.contains(mark)), "{new}");
    assert!(events[before..].iter().all(|event| event.action != "token.issued"), "{new}");
    let left: BTreeSet<_> = events[before..].iter().map(|one| (one.action.as_str(), one.outcome.as_str())).collect();
    // requests that were to be refused, and a device that waits in vain
    let expected = [
        ("authorization", "refused"),
        ("client.authentication", "refused"),
        ("client.examined", "success"),
        ("device.request", "success"),
        ("token.refused", "refused"),
    ];
    assert_eq!(left, BTreeSet::from(expected), "that is all it leaves behind");
    let event = world.last_event("client.examined").await;
    assert_eq!((event.client_id.as_deref(), &event.detail["system"]), (Some("camunda-console"), &"camunda".into()));
}
