//! OIDC Back-Channel Logout 1.0, relying-party side: a provider says, server to server, that a session of its own is over.

use serde_json::{Value, json};
use time::Duration;

use crate::harness::app::{answer, http, post};
use crate::harness::fake_idp::FakeIdp;
use crate::harness::{Answer, Browser, Misbehaviour, Place, Signature, World};

const CLIENT: &str = "avouch-at-contoso";

fn url(world: &World) -> String {
    world.broker.url("/connections/contoso/backchannel-logout")
}

async fn send(world: &World, token: &str) -> Answer {
    let answer = post(&url(world), None, &[("logout_token", token)]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer
}

/// Signed in at Contoso in a session of this name there.
async fn signed_in(world: &World, idp: &FakeIdp, sub: &str, sid: Option<&str>, connection: &str) -> Browser {
    let (sub, sid) = (sub.to_owned(), sid.map(str::to_owned));
    idp.tell(|script| {
        script.subject = sub;
        script.claims = sid.map_or_else(|| json!({}), |sid| json!({ "sid": sid }));
    });
    let mut browser = world.shop.browser();
    world.shop.tokens(&mut browser, &[("connection", connection)]).await;
    browser
}

async fn is_signed_in(world: &World, browser: &mut Browser) -> bool {
    let (_, page) = world.shop.sign_in(browser, &[("prompt", "none")]).await;
    page.params().contains_key("code")
}

#[tokio::test]
async fn a_sid_ends_one_session_and_a_sub_all_of_that_person_at_that_connection() {
    let world = World::new().await;
    let elsewhere = world.connect("elsewhere", "").await;
    let mut office = signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    let mut home = signed_in(&world, &world.idp, "marty", Some("s2"), "contoso").await;
    let mut phone = signed_in(&world, &world.idp, "marty", None, "contoso").await;
    let mut doc = signed_in(&world, &world.idp, "doc", Some("s3"), "contoso").await;
    let mut other = signed_in(&world, &elsewhere, "marty", Some("s1"), "elsewhere").await;

    assert_eq!(send(&world, &world.idp.logout_token(CLIENT, json!({ "sid": "s1" }))).await.status, 200);
    assert!(!is_signed_in(&world, &mut office).await);
    let event = world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.connection.as_deref()), ("success", Some("contoso")));
    assert!(event.sub.is_some());
    let token = world.idp.logout_token(CLIENT, json!({ "sid": "s3", "sub": "marty" }));
    assert_eq!(send(&world, &token).await.status, 200);
    assert!(is_signed_in(&world, &mut doc).await, "that session is not of that person");
    assert!(is_signed_in(&world, &mut home).await);
    assert!(!is_signed_in(&world, &mut phone).await, "theirs, and it may be any of the provider's");
    assert_eq!(send(&world, &world.idp.logout_token(CLIENT, json!({ "sub": "marty" }))).await.status, 200);
    assert!(!is_signed_in(&world, &mut home).await);
    assert!(is_signed_in(&world, &mut doc).await && is_signed_in(&world, &mut other).await);
    let nobody = world.idp.logout_token(CLIENT, json!({ "sub": "biff" }));
    assert_eq!(send(&world, &nobody).await.status, 200, "whoever is not here is signed out");
}

#[tokio::test]
async fn a_token_that_breaks_a_rule_signs_nobody_out() {
    let world = World::new().await;
    let mut browser = signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    let now = avouch::clock::Clock::now(world.broker.clock.as_ref()).unix_timestamp();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    for (change, reason) in [
        (json!({ "iss": "https://evil.example" }), "issuer_mismatch"),
        (json!({ "iss": null }), "issuer_mismatch"),
        (json!({ "aud": "somebody-else" }), "audience_mismatch"),
        (json!({ "aud": ["a", "b"] }), "audience_mismatch"),
        (json!({ "aud": null }), "audience_mismatch"),
        (json!({ "iat": null }), "logout_token_malformed"),
        (json!({ "iat": now + 300 }), "issued_in_future"),
        (json!({ "iat": now - 900, "exp": now + 900 }), "issued_long_ago"),
        (json!({ "exp": now - 90 }), "expired"),
        (json!({ "exp": "never" }), "expired"),
        (json!({ "events": null }), "events_missing"),
        (json!({ "events": {} }), "events_missing"),
        (json!({ "events": { event: true } }), "events_missing"),
        (json!({ "events": [event] }), "events_missing"),
        (json!({ "nonce": "n" }), "nonce_present"),
        (json!({ "jti": null }), "jti_missing"),
        (json!({ "jti": "" }), "jti_missing"),
        (json!({ "sid": null, "sub": null }), "logout_subject_missing"),
        (json!({ "sid": 7, "sub": {} }), "logout_subject_missing"),
    ] {
        let mut claims = json!({ "sid": "s1" });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        refused(&world, &world.idp.logout_token(CLIENT, claims), reason).await;
    }
    assert!(is_signed_in(&world, &mut browser).await);
    assert_eq!(
        send(&world, &world.idp.logout_token(CLIENT, json!({ "sid": "s1", "aud": ["x", CLIENT] }))).await.status,
        200
    );
    assert!(!is_signed_in(&world, &mut browser).await);
}

#[tokio::test]
async fn a_token_that_is_not_the_providers_signs_nobody_out() {
    let world = World::new().await;
    let mut browser = signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    for (signature, reason) in [
        (Signature::None, "alg_not_allowed"),
        (Signature::HmacWithPublicKey, "alg_not_allowed"),
        (Signature::UnknownKid, "unknown_key"),
        (Signature::KidSwap, "signature_invalid"),
        (Signature::Broken, "signature_invalid"),
    ] {
        world.idp.tell(|script| script.signature = signature);
        refused(&world, &world.idp.logout_token(CLIENT, json!({ "sid": "s1" })), reason).await;
    }
    world.idp.tell(|script| script.signature = Signature::Honest);
    // a genuine token of the same provider that is no logout token: what a stolen ID token would be
    let (_, tokens) = world.signed_in().await;
    refused(&world, tokens["id_token"].as_str().unwrap(), "issuer_mismatch").await;
    for garbage in ["x", "a.b.c", "a.b.c.d.e", &"x".repeat(20_000)] {
        refused(&world, garbage, "logout_token_malformed").await;
    }
    let missing = post(&url(&world), None, &[("token", "x")]).await;
    assert_eq!((missing.status, missing.json["error"].as_str()), (400, Some("invalid_request")));
    assert!(is_signed_in(&world, &mut browser).await);
}

#[tokio::test]
async fn a_token_counts_once_and_is_too_old_before_it_is_forgotten() {
    let world = World::new().await;
    signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    let token = world.idp.logout_token(CLIENT, json!({ "sid": "s1", "exp": null }));
    assert_eq!(send(&world, &token).await.status, 200, "older providers write no exp");
    let mut again = signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    refused(&world, &token, "logout_replayed").await;
    world.broker.clock.advance(Duration::minutes(12));
    refused(&world, &token, "issued_long_ago").await;
    assert!(is_signed_in(&world, &mut again).await);
}

#[tokio::test]
async fn the_doors_of_others_stay_shut() {
    let world = World::new().await;
    let elsewhere = world.connect("elsewhere", "").await;
    let mut browser = signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    let theirs = elsewhere.logout_token(CLIENT, json!({ "sid": "s1" }));
    refused(&world, &theirs, "issuer_mismatch").await;
    assert!(is_signed_in(&world, &mut browser).await);
    for path in ["/connections/nowhere/backchannel-logout", "/connections/contoso/backchannel-logout"] {
        let got = answer(http().get(world.broker.url(path))).await;
        assert_eq!(got.status, 405);
    }
    let nowhere = world.broker.url("/connections/nowhere/backchannel-logout");
    post(&nowhere, None, &[("logout_token", &theirs)]).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_new_key_is_fetched_and_an_outage_is_not_a_refusal() {
    let world = World::new().await;
    let mut browser = signed_in(&world, &world.idp, "marty", Some("s1"), "contoso").await;
    world.idp.rotate();
    world.idp.misbehave(Place::Jwks, Misbehaviour::Say(500, String::new()));
    let token = world.idp.logout_token(CLIENT, json!({ "sid": "s1" }));
    let answer = send(&world, &token).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.json);
    assert!(is_signed_in(&world, &mut browser).await);
    world.idp.tell_the_truth();
    world.broker.clock.advance(Duration::seconds(61));
    assert_eq!(send(&world, &token).await.status, 200);
    assert!(!is_signed_in(&world, &mut browser).await);
}

/// 400 in JSON with the word, and the same word in the audit log.
async fn refused(world: &World, token: &str, reason: &str) {
    let answer = send(world, token).await;
    answer.assert_error(400, "invalid_request");
    let said = answer.json["error_description"].as_str().unwrap_or_default();
    assert!(said.ends_with(reason), "{reason}: {said}");
    let event = world.last_event("logout.upstream").await;
    let expected = (Some(reason), "refused", Some("contoso"));
    assert_eq!((event.reason.as_deref(), event.outcome.as_str(), event.connection.as_deref()), expected);
    assert!(matches!(answer.json["trace_id"], Value::String(_)));
}
