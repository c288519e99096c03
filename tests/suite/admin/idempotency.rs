//! A creation whose answer got lost is repeated by its key: it is answered as the first time, and done once.

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use super::Api;
use crate::harness::{Answer, Broker, Options};

fn resource(identifier: &str) -> Value {
    json!({ "identifier": identifier, "scopes": ["read"] })
}

async fn post(api: &Api, path: &str, key: &str, body: &Value) -> Answer {
    api.call(Method::POST, path, &[("idempotency-key", key)], Some(body)).await
}

#[tokio::test]
async fn a_repeated_creation_is_answered_again_and_not_done_again() {
    let broker = Broker::start(Options::default()).await;
    let api = Api::of(&broker, "owner").await;
    let first = post(&api, "/resources", "k1", &resource("https://a.example")).await;
    assert_eq!(first.status, 201, "{}", first.json);
    let again = post(&api, "/resources", "k1", &resource("https://a.example")).await;
    assert_eq!((again.status, &again.json), (201, &first.json), "the first answer");
    assert_eq!((again.header("location"), again.header("etag")), (first.header("location"), first.header("etag")));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));

    // a secret that is shown once comes again for who made it, and stands nowhere in the open
    let hook = json!({ "url": "https://hooks.example/a", "events": ["signing_key.rotated"] });
    let made = post(&api, "/webhooks", "k2", &hook).await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!(post(&api, "/webhooks", "k2", &hook).await.json["secret"], made.json["secret"]);
    assert_eq!(api.get("/webhooks").await.json["items"].as_array().unwrap().len(), 1);

    // without a key it is another creation
    assert_eq!(api.post("/resources", &resource("https://a.example")).await.status, 409);
    // refusals are answers too
    let refused = post(&api, "/resources", "k3", &json!({ "identifier": "" })).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert_eq!(
        post(&api, "/resources", "k3", &json!({ "identifier": "" })).await.header("idempotency-replayed"),
        "true"
    );

    broker.clock.advance(Duration::hours(25));
    let later = post(&api, "/resources", "k1", &resource("https://a.example")).await;
    assert_eq!(later.status, 409, "after a day the key is forgotten: {}", later.json);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_caller() {
    let broker = Broker::start(Options::default()).await;
    let (api, other) = (Api::of(&broker, "owner").await, Api::of(&broker, "owner").await);
    assert_eq!(post(&api, "/resources", "k", &resource("https://a.example")).await.status, 201);
    for (path, body) in [("/resources", resource("https://b.example")), ("/roles", resource("https://a.example"))] {
        let reused = post(&api, path, "k", &body).await;
        assert_eq!((reused.status, &reused.json["code"]), (422, &json!("idempotency_key_reused")), "{path}");
        assert!(reused.json["trace_id"].is_string(), "{}", reused.json);
    }
    assert_eq!(post(&other, "/resources", "k", &resource("https://b.example")).await.status, 201, "another caller");
    let stranger = Api::with(&broker, "avo_ok_nonsense");
    assert_eq!(post(&stranger, "/resources", "k", &resource("https://a.example")).await.status, 401);
    let long = "k".repeat(256);
    assert_eq!(post(&api, "/resources", &long, &resource("https://c.example")).await.status, 400);
}

#[tokio::test]
async fn two_at_once_are_one_creation() {
    let broker = Broker::start(Options::default()).await;
    let api = Api::of(&broker, "owner").await;
    let body = resource("https://a.example");
    let answers = tokio::join!(
        post(&api, "/resources", "k", &body),
        post(&api, "/resources", "k", &body),
        post(&api, "/resources", "k", &body)
    );
    let answers = [answers.0, answers.1, answers.2];
    for answer in &answers {
        let busy = answer.status == 409 && answer.json["code"] == "idempotency_key_in_use";
        assert!(answer.status == 201 || (busy && answer.header("retry-after") == "1"), "{}", answer.json);
    }
    let done = answers.iter().filter(|a| a.status == 201 && a.header("idempotency-replayed").is_empty()).count();
    assert_eq!(done, 1, "one of them did it");
    assert_eq!(post(&api, "/resources", "k", &body).await.status, 201);
}
