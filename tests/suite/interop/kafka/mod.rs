//! Apache Kafka's own client fetches a token and its broker validates it (`BrokerJwtValidator`), both with the lines and
//! flags as they are printed: handler by handler, and as a whole broker to which clients talk.

mod cluster;
mod messages;

use serde_json::json;
use tokio::process::Command;

use super::{Stage, forged};
use crate::harness::Peer;
use crate::integrations::paste::environment;

/// Where its application finds a client's secret.
fn variable(client: &str) -> String {
    format!("{}_SECRET", client.to_uppercase().replace('-', "_"))
}

/// A class with a printed file and the flag that is printed beside it.
fn kafka(stage: &Stage, class: &str, file: (&str, &str), flag: &str) -> Command {
    let options = &environment(flag, &[])["KAFKA_OPTS"];
    let mut command = stage.java("kafka", class);
    command.arg(stage.file(file.0, file.1)).env("JDK_JAVA_OPTIONS", options);
    command.into()
}

async fn fetched(stage: &Stage, client: &str, secret: &str) -> String {
    let printed = stage.snippet(client, "kafka");
    let name = format!("{client}.properties");
    let mut command = kafka(stage, "Application", (&name, &printed["Java client"]), &printed["Java client, its flag"]);
    let output = command.env(variable(client), secret).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
#[ignore = "make interop"]
async fn the_client_fetches_what_the_broker_takes() {
    let mut stage = Stage::prepare().await;
    for (cluster, application) in [("kafka-prod", "orders-app"), ("kafka-test", "test-app")] {
        let cluster = format!("cluster={cluster}");
        stage.preset(&["kafka", "--set", &cluster, "--set", &format!("applications={application}")]);
    }
    let secrets = ["orders-app", "test-app"].map(|client| stage.secret(client));
    let printed = stage.snippet("orders-app", "kafka");
    stage.serve().await;
    let ours = fetched(&stage, "orders-app", &secrets[0]).await;
    let theirs = fetched(&stage, "test-app", &secrets[1]).await;

    let command = kafka(&stage, "Broker", ("server.properties", &printed["Broker"]), &printed["Broker, its flag"]);
    let mut broker = Peer::of("Kafka's broker", command);
    let taken = broker.tell(json!({ "token": ours })).await;
    assert_eq!((&taken["principal"], &taken["scope"]), (&json!("orders-app"), &json!(["kafka"])));
    for refused in [theirs, forged(&ours)] {
        let refusal = broker.refused(json!({ "token": refused })).await;
        assert_eq!(refusal["error"], "invalid_token", "{refusal}");
    }
}
