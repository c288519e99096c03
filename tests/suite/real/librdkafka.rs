//! librdkafka, by Python's confluent-kafka, fetches its token from Avouch.

use std::time::Duration;

use avouch::embedded_postgres;
use serde_json::{Value, json};

use crate::database::until;
use crate::harness::{App, Options, Peer, World};

/// What `orders-app` writes in its configuration; `more` replaces settings.
fn settings(world: &World, secret: &str, more: Value) -> Value {
    let settings = json!({
        "client.id": "orders-app",
        "client.secret": secret,
        "scope": "kafka.read kafka.write",
        "extensions": "logicalCluster=lkc-abc12,identityPoolId=pool-XyZ1",
        "token.endpoint.url": world.shop.token_url(),
    });
    super::stage::merge(settings, more)
}

async fn orders_app(world: &World, secret: &str) -> App {
    world.broker.secret("orders-app", secret);
    let yaml = "
resources: [{ identifier: confluent-prod, scopes: [kafka.read, kafka.write] }]
clients: [{ client_id: orders-app, kind: machine, audiences: [confluent-prod], client_secret: { file: orders-app } }]";
    world.apply(yaml).await;
    App::new(&world.broker, "orders-app", Some(secret))
}

/// Secrets go in Basic as they are, whatever they hold.
#[tokio::test]
async fn librdkafka_takes_our_token_and_shows_why_it_gets_none() {
    let world = World::new().await;
    let mut kafka = Peer::librdkafka();
    let odd = "odd+secret/with=%41 and:all";
    for secret in ["orders-secret-0123456789", odd] {
        orders_app(&world, secret).await;
        kafka.tell(json!({ "cmd": "token", "settings": settings(&world, secret, json!({})) })).await;
        let event = world.last_event("token.issued").await;
        assert_eq!((event.client_id.as_deref(), event.outcome.as_str()), (Some("orders-app"), "success"));
    }
    let table = [
        (json!({ "client.secret": "wrong" }), "unknown client, or its secret is wrong"),
        (json!({ "scope": "kafka.admin" }), "it may have: kafka.read kafka.write"),
    ];
    for (more, words) in table {
        let refused = kafka.refused(json!({ "cmd": "token", "settings": settings(&world, odd, more) })).await;
        let said = refused["error"].as_str().unwrap_or_default();
        assert!(said.contains(words), "it tells its user: {refused}");
    }
}

/// It tries a 503 again by itself. (2.16 then reads the new answer behind the old one, and succeeds ten seconds later.)
#[tokio::test]
async fn librdkafka_waits_while_we_cannot_decide() {
    let data = tempfile::tempdir().unwrap();
    let postgres = embedded_postgres::start(data.path()).unwrap();
    let world = World::with(Options { database: Some(postgres.connect_options()), ..Options::default() }).await;
    let app = orders_app(&world, "orders-secret-0123456789").await;
    postgres.stop().unwrap();
    let status = async || app.token(&[("grant_type", "client_credentials")]).await.status;
    until("noticing", async || status().await == 503).await;
    let mut kafka = Peer::librdkafka();
    let settings = settings(&world, "orders-secret-0123456789", json!({}));
    let waiting = kafka.tell_patiently(json!({ "cmd": "token", "settings": settings, "patience": 60 }));
    let recovering = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let postgres = embedded_postgres::start(data.path()).unwrap();
        until("recovering", async || status().await == 200).await;
        postgres
    };
    let (_, _postgres) = tokio::join!(waiting, recovering);
}
