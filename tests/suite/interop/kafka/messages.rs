//! Messages through a whole Kafka: from and to Java's client and librdkafka, both with the printed properties; what is refused
//! at the door and by ACLs; and our keys changing meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Stage, forged};
use super::cluster::Cluster;
use super::variable;
use crate::harness::app::{basic, claims, header};
use crate::harness::{Peer, until};
use crate::integrations::paste::{filled, properties};

const APPLICATIONS: [&str; 3] = ["kafka-admin", "orders-app", "billing-app"];

/// Kafka and, in the order of [`APPLICATIONS`] and then `test-app` of the other cluster, secrets.
async fn running() -> (Stage, Cluster, [String; 4]) {
    let mut stage = Stage::prepare().await;
    for (cluster, applications) in [("kafka-prod", APPLICATIONS.join(",")), ("kafka-test", "test-app".into())] {
        let (cluster, applications) = (format!("cluster={cluster}"), format!("applications={applications}"));
        stage.preset(&["kafka", "--set", &cluster, "--set", &applications]);
    }
    let [admin, orders, billing] = APPLICATIONS;
    let secrets = [admin, orders, billing, "test-app"].map(|client| stage.secret(client));
    stage.serve().await;
    let printed = stage.run(&["snippet", orders, "kafka"]);
    let cluster = Cluster::start(&stage, &printed, admin).await;
    (stage, cluster, secrets)
}

/// librdkafka's configuration of this application.
fn configuration(stage: &Stage, cluster: &Cluster, client: &str, secret: &str) -> Value {
    let printed = &stage.snippet(client, "kafka")["librdkafka client (C, Python, Go, .NET, kcat)"];
    let lines: Vec<&str> = printed.lines().filter(|line| !line.starts_with('#')).collect();
    let mut configuration = json!(properties(&filled(&lines.join("\n"), &[(&variable(client), secret)])));
    // our certificate and Kafka's
    let certificate = stage.certificate.display().to_string();
    configuration["https.ca.location"] = json!(certificate);
    configuration["ssl.ca.location"] = json!(certificate);
    configuration["bootstrap.servers"] = json!(cluster.servers);
    configuration
}

fn error(refusal: &Value) -> &str {
    refusal["error"].as_str().unwrap_or_default()
}

/// By client_credentials, as the applications do.
async fn token(stage: &Stage, client: &str, secret: &str) -> String {
    let answer = stage.token(Some(&basic(client, secret)), &[("grant_type", "client_credentials")]).await;
    answer.text("access_token").to_owned()
}

#[tokio::test]
#[ignore = "make interop"]
async fn messages_go_through_for_those_whom_an_acl_names_and_nobody_else_comes_in() {
    let (stage, cluster, [admin, orders, billing, other]) = running().await;
    let mut operator = Peer::of("kafka-admin", cluster.java(&stage, "kafka-admin", &admin));
    let mut java = Peer::of("orders-app", cluster.java(&stage, "orders-app", &orders));
    let mut librdkafka = Peer::librdkafka();
    let printed = configuration(&stage, &cluster, "billing-app", &billing);
    let send = |text: &str| json!({ "cmd": "send", "configuration": printed, "topic": "orders", "text": text });
    let receive = json!({ "cmd": "receive", "configuration": printed, "topic": "orders" });

    // the super user is known by its client_id, and whom an ACL names too
    operator.tell_patiently(json!({ "cmd": "create", "topic": "orders" })).await;
    let refused = java.refused(json!({ "cmd": "send", "topic": "orders", "text": "too early" })).await;
    assert!(error(&refused).starts_with("TopicAuthorizationException"), "{refused}");
    operator.tell(json!({ "cmd": "allow", "principal": "User:orders-app", "topic": "orders" })).await;
    java.tell(json!({ "cmd": "send", "topic": "orders", "text": "from Java" })).await;
    let refused = librdkafka.refused(send("denied")).await;
    assert!(error(&refused).contains("TOPIC_AUTHORIZATION_FAILED"), "{refused}");
    let refused = librdkafka.refused(receive.clone()).await;
    assert!(error(&refused).contains("AUTHORIZATION_FAILED"), "{refused}");
    operator.tell(json!({ "cmd": "allow", "principal": "User:billing-app", "topic": "orders" })).await;
    librdkafka.tell(send("from librdkafka")).await;
    let both = json!(["from Java", "from librdkafka"]);
    assert_eq!(librdkafka.tell(receive).await["texts"], both);
    assert_eq!(java.tell_patiently(json!({ "cmd": "receive", "topic": "orders" })).await["texts"], both);

    // another cluster's application, by both clients
    let mut stranger = Peer::of("test-app", cluster.java(&stage, "test-app", &other));
    let refused = stranger.refused(json!({ "cmd": "send", "topic": "orders", "text": "wrong aud" })).await;
    assert!(error(&refused).starts_with("SaslAuthenticationException"), "{refused}");
    let foreign = configuration(&stage, &cluster, "test-app", &other);
    let sent = json!({ "cmd": "send", "configuration": foreign, "topic": "orders", "text": "wrong aud" });
    let refused = librdkafka.refused(sent).await;
    assert!(error(&refused).contains("invalid_token"), "{refused}");

    // forged; and by the same keys, but under another issuer's name
    let good = token(&stage, "billing-app", &billing).await;
    let mut replica = stage.broker.replica();
    let issuer = format!("https://localhost:{}", replica.socket().port());
    replica.set("AVOUCH_ISSUER", issuer.clone());
    replica.spawn(&["serve"]);
    let elsewhere = until("the other issuer answers", async || {
        let request = stage.http.post(format!("{issuer}/oauth/token")).form(&[("grant_type", "client_credentials")]);
        let answer = request.header("authorization", basic("billing-app", &billing)).send().await.ok()?;
        let json: Value = answer.json().await.ok()?;
        json["access_token"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!(claims(&elsewhere)["iss"], json!(issuer));
    let shown = |token: &str| {
        let mut command = send("shown");
        command["token"] = json!(token);
        command
    };
    librdkafka.tell(shown(&good)).await;
    for token in [forged(&good), elsewhere] {
        let refused = librdkafka.refused(shown(&token)).await;
        assert!(error(&refused).contains("invalid_token"), "{refused}");
    }
}

/// Kafka reads the JWKS again at a key that it does not know, but in the background: whoever brought it is refused.
#[tokio::test]
#[ignore = "make interop"]
async fn our_keys_change_under_its_eyes() {
    let (stage, cluster, [admin, ..]) = running().await;
    let mut operator = Peer::of("kafka-admin", cluster.java(&stage, "kafka-admin", &admin));
    operator.tell_patiently(json!({ "cmd": "create", "topic": "orders" })).await;
    let send = |text: &str| json!({ "cmd": "send", "topic": "orders", "text": text });
    operator.tell(send("by the first key")).await;
    // it has the next one: the gate is open, and nobody notices
    age_next_keys(&stage).await;
    rotate(&stage, &admin, &[]).await;
    operator.tell(send("by the second")).await;
    // now it has not, and the gate knows, as soon as it was written down who reads the JWKS
    age_next_keys(&stage).await;
    let mut database = stage.broker.database.connect().await;
    until("Kafka is known to read the JWKS", async || {
        sqlx::query("SELECT FROM jwks_consumers WHERE product = 'Java'").fetch_optional(&mut database).await.unwrap()
    })
    .await;
    let held = stage.broker.run(&["keys", "rotate"]);
    let said = String::from_utf8_lossy(&held.stderr);
    assert!(!held.status.success() && said.contains("lack the next RS256 key: Java at "), "{said}");
    rotate(&stage, &admin, &["--now"]).await;
    let refused = operator.refused(send("by the third")).await;
    assert!(error(&refused).starts_with("SaslAuthenticationException"), "{refused}");
    until("Kafka has read the JWKS again", async || {
        (operator.ask(&send("by the third")).await["ok"] == true).then_some(())
    })
    .await;
}

/// Returns when another key signs.
async fn rotate(stage: &Stage, secret: &str, more: &[&str]) {
    let kid = async || header(&token(stage, "kafka-admin", secret).await)["kid"].clone();
    let before = kid().await;
    stage.run(&[&["keys", "rotate"], more].concat());
    until("another key signs", async || (kid().await != before).then_some(())).await;
}

/// No JWKS without them is younger than its own max-age.
async fn age_next_keys(stage: &Stage) {
    let mut database = stage.broker.database.connect().await;
    let aged = "UPDATE signing_keys SET published_at = published_at - interval '20 minutes' WHERE state = 'next'";
    sqlx::query(aged).execute(&mut database).await.unwrap();
}

/// Kafka ends a connection when its token ends, unless the client shows a new one; and takes no token that has ended.
#[tokio::test]
#[ignore = "make interop"]
async fn nobody_stays_longer_than_the_token() {
    let (stage, cluster, [admin, ..]) = running().await;
    let short = stage.run(&["preset", "kafka", "--set", "cluster=kafka-prod", "--set", "applications=kafka-admin"]);
    assert!(short.contains("ttl: 3600"), "{short}");
    stage.broker.apply(&short.replace("ttl: 3600", "ttl: 60"));
    let mut operator = Peer::of("kafka-admin", cluster.java(&stage, "kafka-admin", &admin));
    operator.tell_patiently(json!({ "cmd": "create", "topic": "orders" })).await;
    let kept = json!({ "cmd": "send", "topic": "orders", "text": "kept", "keep": true });
    let token = token(&stage, "kafka-admin", &admin).await;
    let own = configuration(&stage, &cluster, "kafka-admin", &admin);
    let mut librdkafka = Peer::librdkafka();
    let fresh = json!({ "cmd": "send", "configuration": own, "topic": "orders", "text": "shown", "token": token });
    let mut held = fresh.clone();
    held["keep"] = json!("held");
    librdkafka.tell(held.clone()).await;
    operator.tell(kept.clone()).await;
    // After a minute Kafka closes whatever comes in with it, and says so after half of another, by which clocks may differ.
    let mut last = Value::Null;
    for _ in 0..30 {
        last = librdkafka.ask(&fresh).await;
        if error(&last).contains("invalid_token") {
            break;
        }
        operator.tell(kept.clone()).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert!(error(&last).contains("invalid_token"), "{last}");
    librdkafka.refused(held).await;
    operator.tell(kept).await;
}
