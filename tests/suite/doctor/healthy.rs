//! What a preset makes is well: nothing will break, and what may is only that nobody answers under a made-up name.

use super::examine;
use crate::harness::World;
use crate::integrations::answers;

#[tokio::test]
async fn what_a_preset_makes_will_work() {
    let world = World::new().await;
    world.set_contoso("email_domains: [contoso.example]").await;
    world.signed_in().await;
    for system in avouch::integration::SYSTEMS {
        let asked = system.questions.iter().filter(|question| question.usual.is_none());
        let given: Vec<_> = asked.map(|question| (question.key, "http://localhost:9")).collect();
        let file = system.preset(&answers(&given)).unwrap();
        world.apply(&file.to_yaml().unwrap()).await;
        for client in file.clients {
            let report = examine(&world.broker, client.client_id.as_str(), system.name, &[]).await;
            let failures = report.checks("failure");
            assert!(failures.is_empty(), "{} at {}: {:#}", client.client_id, system.name, report.0);
            let warnings = report.checks("warning");
            assert!(warnings.is_empty(), "{} at {}: {warnings:?} {:#}", client.client_id, system.name, report.0);
            for check in ["issuer", "audience", "typ", "alg", "kid", "size", "discovery", "jwks", "jwks_cache"] {
                assert!(report.checks("ok").contains(&check), "{}: {check} was not looked at", system.name);
            }
        }
    }
}

#[tokio::test]
async fn the_system_is_told_by_the_client_where_nobody_names_one() {
    let world = World::new().await;
    let guessed = [
        ("influxctl", "influxctl", &[("cluster", "https://influx.example")][..]),
        ("kubernetes", "kubernetes", &[]),
        ("grafana", "grafana", &[("url", "http://localhost:9")]),
        ("argocd", "argocd", &[("url", "http://localhost:9")]),
        ("camunda", "camunda-orchestration", &[("url", "http://localhost:9")]),
        ("kafka", "kafka-app", &[]),
    ];
    for (system, client, given) in guessed {
        world.apply(&crate::integrations::preset(system, given)).await;
        let (_, text) = world.broker.cli(&["doctor", "--json", "--client", client]).await;
        // one machine is like another
        let expected = if system == "kafka" { "general" } else { system };
        assert!(text.contains(&format!("\"system\": \"{expected}\"")), "{client}: {text}");
    }
}

#[tokio::test]
async fn who_and_what_is_not_known_is_said() {
    let world = World::new().await;
    let nobody = "usr_00000000000000000000000000";
    let table = [
        (vec!["--client", "nobody"], "there is no client nobody"),
        (vec!["--client", "shop", "--system", "influx"], "there are influxdb, influxctl, kafka"),
        (vec!["--client", "shop", "--user", nobody], "there is no user usr_0"),
        (vec!["--client", "shop", "--user", "marty"], "they begin with usr_"),
        (vec!["--system", "kafka"], "--client"),
    ];
    for (arguments, expected) in table {
        let (well, text) = world.broker.cli(&[&["doctor"], arguments.as_slice()].concat()).await;
        assert!(!well && text.contains(expected), "{expected}: {text}");
    }
    let (well, text) = world.broker.cli(&["doctor"]).await;
    assert!(well && text.contains("contoso answers"), "the broker itself is well: {text}");
}
