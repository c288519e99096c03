//! Kafka: its broker, Java clients and librdkafka, each with the very lines that are printed for it.

use std::collections::BTreeMap;

use serde_json::json;

use super::paste::{apply, blocks, environment, filled, jaas, properties, secret};
use crate::harness::app::{basic, get, header};
use crate::harness::wire::{FORM, post};
use crate::harness::{Peer, World};
use crate::validators::{Kafka, Trust};

const FLAG: &str = "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=";

/// A token as Kafka's Java client fetches it with these properties (fixture A6) in this environment.
pub async fn java(
    world: &World,
    printed: &BTreeMap<String, String>,
    variables: &[(&str, &str)],
) -> (String, BTreeMap<String, String>) {
    let settings = properties(&printed["Java client"]);
    assert_eq!(
        (settings["security.protocol"].as_str(), settings["sasl.mechanism"].as_str()),
        ("SASL_SSL", "OAUTHBEARER")
    );
    assert!(settings["sasl.login.callback.handler.class"].ends_with(".OAuthBearerLoginCallbackHandler"));
    assert_eq!(settings["config.providers"], "env");
    assert!(settings["config.providers.env.class"].ends_with(".EnvVarConfigProvider"));
    let url = &settings["sasl.oauthbearer.token.endpoint.url"];
    let flag = environment(&printed["Java client, its flag"], &[]);
    assert_eq!(flag["KAFKA_OPTS"], format!("{FLAG}{url}"));

    // Kafka puts variables in before it reads the JAAS configuration
    let (module, options) = jaas(&filled(&settings["sasl.jaas.config"], variables));
    assert!(module.ends_with(".OAuthBearerLoginModule"));
    let authorization = format!("Authorization: {}", basic(&options["clientId"], &options["clientSecret"]));
    let scope = options.get("scope").map(|scope| format!("&scope={}", url_encoded(scope))).unwrap_or_default();
    let path = url.strip_prefix(&world.broker.issuer).expect("below the issuer");
    let lines = [&FORM[..], &["Cache-Control: no-cache", &authorization]].concat();
    let answer = post(&world.broker.issuer, path, &lines, &format!("grant_type=client_credentials{scope}")).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    (answer.text("access_token").to_owned(), options)
}

fn url_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Lets librdkafka itself fetch a token with its lines.
pub async fn librdkafka(world: &World, printed: &BTreeMap<String, String>, variables: &[(&str, &str)], client: &str) {
    let text = &printed["librdkafka client (C, Python, Go, .NET, kcat)"];
    let comments = text.lines().take_while(|line| line.starts_with('#')).count();
    let lines: Vec<&str> = text.lines().skip(comments).collect();
    // it knows no escapes: what it reads is what Java would read
    let configuration: BTreeMap<String, String> = properties(&filled(&lines.join("\n"), variables));
    let plain: BTreeMap<String, String> = lines
        .iter()
        .map(|line| line.split_once('=').expect("name=value"))
        .map(|(name, value)| (name.to_owned(), filled(value, variables)))
        .collect();
    assert_eq!(configuration, plain);
    let before = world.count("token.issued", "success").await;
    Peer::librdkafka().tell(json!({ "cmd": "token", "configuration": configuration })).await;
    assert_eq!(world.count("token.issued", "success").await, before + 1);
    assert_eq!(world.last_event("token.issued").await.client_id.as_deref(), Some(client));
}

#[tokio::test]
async fn broker_and_applications_work_with_what_is_printed() {
    let world = World::new().await;
    apply(&world, &["kafka", "--set", "cluster=kafka-prod", "--set", "applications=orders-app, billing-app"]).await;
    apply(&world, &["kafka", "--set", "cluster=kafka-test", "--set", "applications=test-app"]).await;
    let secrets = [secret(&world, "orders-app").await, secret(&world, "test-app").await];

    let printed = blocks(&world, &["orders-app", "kafka"]).await;
    assert!(!printed.values().any(|block| block.contains(&secrets[0]) || block.contains("has no secret")));
    let orders = [("ORDERS_APP_SECRET", secrets[0].as_str())];
    let (token, _) = java(&world, &printed, &orders).await;
    librdkafka(&world, &printed, &orders, "orders-app").await;

    // the broker
    let broker = properties(&printed["Broker"]);
    assert_eq!(broker["sasl.enabled.mechanisms"], "OAUTHBEARER");
    let listener = "listener.name.sasl_ssl.oauthbearer.sasl";
    assert!(
        broker[&format!("{listener}.server.callback.handler.class")].ends_with(".OAuthBearerValidatorCallbackHandler")
    );
    // or 4.1.0 and 4.1.1 take every token; `make interop` shows it at Kafka itself
    assert!(broker["sasl.oauthbearer.jwt.validator.class"].ends_with(".BrokerJwtValidator"));
    assert!(jaas(&broker[&format!("{listener}.jaas.config")]).1.is_empty());
    let jwks_url = &broker["sasl.oauthbearer.jwks.endpoint.url"];
    assert_eq!(environment(&printed["Broker, its flag"], &[])["KAFKA_OPTS"], format!("{FLAG}{jwks_url}"));
    let keys = get(jwks_url).await.json;
    assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header(&token)["kid"]));
    let mut trust = Trust::of(&world.broker).await;
    trust.issuer.clone_from(&broker["sasl.oauthbearer.expected.issuer"]);
    let validator = Kafka::expecting(&trust, &broker["sasl.oauthbearer.expected.audience"]);
    assert_eq!(validator.validate(&token).as_deref(), Ok("orders-app"));

    // and the other cluster's application
    let printed = blocks(&world, &["test-app", "kafka"]).await;
    let (token, _) = java(&world, &printed, &[("TEST_APP_SECRET", &secrets[1])]).await;
    assert_eq!(validator.validate(&token), Err(r#"aud is "kafka-test""#.into()));
}

/// Nothing that a name may hold gets lost between the formats.
#[tokio::test]
async fn odd_names_come_out_as_they_went_in() {
    let world = World::new().await;
    let cluster = r#"prod\eu/ü=:#"x'y${z}"#;
    apply(&world, &["kafka", "--set", &format!("cluster={cluster}")]).await;
    let secret = secret(&world, "kafka-app").await;
    let printed = blocks(&world, &["kafka-app", "kafka"]).await;
    let broker = properties(&printed["Broker"]);
    assert_eq!(broker["sasl.oauthbearer.expected.audience"], cluster);
    let (token, _) = java(&world, &printed, &[("KAFKA_APP_SECRET", &secret)]).await;
    let trust = Trust::of(&world.broker).await;
    Kafka::expecting(&trust, cluster).validate(&token).unwrap();
}

#[tokio::test]
async fn a_client_that_may_have_less_asks_for_just_that() {
    let world = World::new().await;
    world.broker.secret("reader", "reader-secret-0123456789");
    let yaml = "
resources: [{ identifier: kafka, scopes: [kafka.read, 'kafka:write', kafka.admin] }]
clients: [{ client_id: reader, kind: machine, audiences: [kafka], scopes: [kafka.read, 'kafka:write'], client_secret: { file: reader } }]";
    world.apply(yaml).await;
    let printed = blocks(&world, &["reader", "kafka"]).await;
    let variables = [("READER_SECRET", "reader-secret-0123456789")];
    let (token, options) = java(&world, &printed, &variables).await;
    assert_eq!(options["scope"], "kafka.read kafka:write");
    assert_eq!(crate::harness::app::claims(&token)["scope"], "kafka.read kafka:write");
    librdkafka(&world, &printed, &variables, "reader").await;
}

#[tokio::test]
async fn it_is_said_what_cannot_work() {
    let world = World::new().await;
    apply(&world, &["kafka", "--set", "cluster=a,b"]).await;
    world.apply("clients: [{ client_id: lost, kind: machine }]").await;
    let printed = blocks(&world, &["kafka-app", "kafka"]).await;
    assert!(printed["Java client"].contains("kafka-app has no secret yet: avouch client rotate-secret kafka-app"));
    assert!(printed["Broker"].contains("takes for two audiences"));
    let table = [
        (vec!["snippet", "shop", "kafka"], "shop may not use the grant client_credentials"),
        (vec!["snippet", "lost", "confluent"], "lost has no audience; confluent needs one"),
        (vec!["preset", "kaffka"], "there are influxdb, influxctl, kafka, confluent, camunda"),
        (vec!["preset", "kafka", "--set", "cluster"], "write KEY=VALUE"),
        (vec!["preset", "kafka", "--set", "clutser=x"], "it asks for cluster, applications"),
        (vec!["preset", "kafka", "--set", "applications=white space"], "kafka:"),
    ];
    for (arguments, expected) in table {
        let (well, text) = world.broker.cli(&arguments).await;
        assert!(!well && text.contains(expected), "{expected}: {text}");
    }
    let (well, text) = world.broker.cli(&["preset"]).await;
    assert!(
        well && text.contains("--set cluster=...   The cluster's name, which becomes the audience [kafka]"),
        "{text}"
    );
}
