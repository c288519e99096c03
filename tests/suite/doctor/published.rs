//! Faults between the issuer's address and the broker: copies of keys, headers that are lost, pages of others.

use super::examine;
use super::front::Front;
use crate::harness::app::{get, http};
use crate::integrations::preset;

#[tokio::test]
async fn a_copy_of_the_keys_from_before_a_rotation() {
    let front = Front::start().await;
    front.broker.apply(&preset("confluent", &[])).await;
    let url = front.broker.url("/.well-known/jwks.json");
    let copy = http().get(&url).send().await.unwrap().bytes().await.unwrap();
    let (well, said) = front.broker.cli(&["keys", "rotate", "--now"]).await;
    assert!(well, "{said}");
    front.broker.catch_up().await;
    front.habits().keys = Some(copy.clone());
    // the new next key is not in the copy, which breaks nothing yet
    let report = examine(&front.broker, "confluent-app", "confluent", &[]).await;
    report.has("jwks", "warning", ["a copy of the keys is served", "when they begin to sign", "Cache-Control"]);
    let (well, said) = front.broker.cli(&["keys", "rotate", "--now"]).await;
    assert!(well, "{said}");
    let report = examine(&front.broker, "confluent-app", "confluent", &[]).await;
    for check in ["jwks", "kid"] {
        report.has(check, "failure", ["lacks", "JWT_PROCESSING_FAILED until its JWKS is refreshed", "empty its cache"]);
    }
    report.is_helpful();
    front.habits().keys = None;
    front.broker.catch_up().await;
    let report = examine(&front.broker, "confluent-app", "confluent", &[]).await;
    assert!(report.checks("failure").is_empty(), "{:#}", report.0);
}

#[tokio::test]
async fn keys_that_are_kept_longer_than_a_rotation_takes() {
    let front = Front::start().await;
    front.broker.apply(&preset("confluent", &[])).await;
    front.habits().cache_control = Some("public, max-age=604800");
    let report = examine(&front.broker, "confluent-app", "confluent", &[]).await;
    let says = "Confluent Cloud keeps the keys for 604800 s";
    report.has("jwks_cache", "failure", [says, "after a rotation: JWT_PROCESSING_FAILED", "follow our Cache-Control"]);
    front.habits().cache_control = Some("max-age=3600");
    let report = examine(&front.broker, "confluent-app", "confluent", &[]).await;
    report.has("jwks_cache", "warning", ["max-age=3600", "after a rotation", "Cache-Control"]);
    front.habits().cache_control = Some("no-transform");
    let report = examine(&front.broker, "confluent-app", "confluent", &[]).await;
    report.has("jwks_cache", "warning", ["without max-age", "after a rotation", "Cache-Control"]);
}

#[tokio::test]
async fn cross_origin_answers_that_are_dropped() {
    let front = Front::start().await;
    front.broker.apply(&preset("camunda", &[("url", "http://localhost:9")])).await;
    let report = examine(&front.broker, "camunda-console", "camunda", &[]).await;
    assert!(report.checks("ok").contains(&"cors"), "{:#}", report.0);
    front.habits().drops_cors = true;
    let report = examine(&front.broker, "camunda-console", "camunda", &[]).await;
    let breaks = "No 'Access-Control-Allow-Origin' header is present";
    report.has("cors", "failure", ["http://localhost:9", breaks, "let it pass OPTIONS on"]);
    report.is_helpful();
}

#[tokio::test]
async fn pages_of_something_in_front() {
    let front = Front::start().await;
    front.broker.apply(&preset("argocd", &[("url", "http://localhost:9")])).await;
    let breaks = "failed to verify the token: oidc: id token issued by a different provider";
    for (path, check, breaks) in [
        ("/.well-known/openid-configuration", "discovery", "configured by the issuer"),
        ("/oauth/token", "token_request", "gets no token"),
        ("/authorize", "authorization_request", "sign-in stops"),
    ] {
        front.habits().keeps = Some(path);
        let report = examine(&front.broker, "argocd", "argocd", &[]).await;
        report.has(check, "failure", ["", breaks, "pass"]);
        report.is_helpful();
    }
    front.habits().keeps = None;
    assert_eq!(get(&front.broker.url("/.well-known/openid-configuration")).await.status, 200);
    let expected = front.broker.issuer.replace("http://", "https://");
    let report = examine(&front.broker, "argocd", "argocd", &["--expect-issuer", &expected]).await;
    report.has("issuer", "failure", ["http instead of https", breaks, "exactly"]);
}

#[tokio::test]
async fn what_may_not_be_reached_from_here_is_said_not_to_be_broken() {
    let front = Front::start().await;
    front.broker.apply(&preset("argocd", &[("url", "http://localhost:9")])).await;
    let sealed = ["doctor", "--json", "--client", "argocd", "--system", "argocd"];
    let (well, text) = front.broker.cli_with(&[("AVOUCH_ALLOW_PRIVATE_UPSTREAMS", "false")], &sealed).await;
    assert!(well && text.contains("not looked at") && text.contains("AVOUCH_ALLOW_PRIVATE_UPSTREAMS=true"), "{text}");
}
