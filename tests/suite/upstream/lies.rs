//! ID tokens and UserInfo answers that do not hold.

use serde_json::{Value, json};

use super::refused;
use crate::harness::{FakeIdp, Misbehaviour, Place, Signature, World};

type Lie = (&'static str, fn(&FakeIdp), &'static str);

fn claim(idp: &FakeIdp, name: &'static str, value: Value) {
    idp.lie(move |claims| claims[name] = value.clone());
}

/// `name` moved by `seconds` from the time of signing.
fn time(idp: &FakeIdp, name: &'static str, seconds: i64) {
    idp.lie(move |claims| claims[name] = (claims["iat"].as_i64().unwrap() + seconds).into());
}

fn signature(idp: &FakeIdp, signature: Signature) {
    idp.tell(|script| script.signature = signature);
}

fn without(idp: &FakeIdp, name: &'static str) {
    idp.lie(move |claims| drop(claims.as_object_mut().unwrap().remove(name)));
}

const LIES: &[Lie] = &[
    ("the nonce of another request", |idp| claim(idp, "nonce", json!("another")), "nonce_mismatch"),
    ("no nonce", |idp| without(idp, "nonce"), "nonce_mismatch"),
    ("another audience", |idp| claim(idp, "aud", json!("another-client")), "audience_mismatch"),
    ("no audience at all", |idp| claim(idp, "aud", json!([])), "audience_mismatch"),
    (
        "several audiences and a foreign azp",
        |idp| idp.lie(|claims| { claims["aud"] = json!([claims["aud"], "another"]); claims["azp"] = json!("another") }),
        "azp_mismatch",
    ),
    ("several audiences and no azp", |idp| idp.lie(|claims| claims["aud"] = json!([claims["aud"], "another"])), "azp_mismatch"),
    ("a foreign azp beside our audience", |idp| claim(idp, "azp", json!("another")), "azp_mismatch"),
    ("another issuer", |idp| claim(idp, "iss", json!("https://evil.example")), "issuer_mismatch"),
    ("our issuer with a slash", |idp| idp.lie(|c| c["iss"] = format!("{}/", c["iss"].as_str().unwrap()).into()), "issuer_mismatch"),
    ("an expired token", |idp| time(idp, "exp", -90), "expired"),
    ("a token of the future", |idp| time(idp, "iat", 120), "issued_in_future"),
    ("a token that is not valid yet", |idp| time(idp, "nbf", 120), "not_yet_valid"),
    ("nobody", |idp| claim(idp, "sub", json!("")), "subject_missing"),
    ("a very long subject", |idp| claim(idp, "sub", json!("x".repeat(256))), "subject_too_long"),
    ("alg none", |idp| signature(idp, Signature::None), "alg_not_allowed"),
    ("HS256 with the public key", |idp| signature(idp, Signature::HmacWithPublicKey), "alg_not_allowed"),
    ("a key that is published nowhere", |idp| signature(idp, Signature::UnknownKid), "unknown_key"),
    ("a stranger's key under our kid", |idp| signature(idp, Signature::KidSwap), "signature_invalid"),
    ("a payload changed after signing", |idp| signature(idp, Signature::Broken), "signature_invalid"),
    ("text that is no token", |idp| idp.tell(|s| s.token_answer = Some(Box::new(|a| a["id_token"] = "x.y".into()))), "id_token_malformed"),
    (
        "no ID token",
        |idp| idp.tell(|s| s.token_answer = Some(Box::new(|a| drop(a.as_object_mut().unwrap().remove("id_token"))))),
        "id_token_missing",
    ),
    ("UserInfo about somebody else", |idp| idp.tell(|s| s.userinfo = json!({ "sub": "doc" })), "userinfo_subject_mismatch"),
];

#[tokio::test]
async fn every_lie_about_the_person_is_named_audited_and_leaves_no_session() {
    let world = World::new().await;
    for (lie, tell, reason) in LIES {
        println!("{lie}");
        world.idp.tell_the_truth();
        tell(&world.idp);
        let page = refused(&world, 403, reason).await;
        assert!(!page.body.contains("evil.example"), "the page repeats the provider's words");
    }
    world.idp.tell_the_truth();
    world.signed_in().await;
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let world = World::new().await;
    for (name, seconds) in [("exp", -50), ("iat", 50), ("nbf", 50)] {
        world.idp.tell_the_truth();
        time(&world.idp, name, seconds);
        world.signed_in().await;
    }
}

#[tokio::test]
async fn several_audiences_are_fine_when_azp_is_us() {
    let world = World::new().await;
    world.idp.lie(|claims| {
        claims["azp"] = claims["aud"].clone();
        claims["aud"] = json!([claims["aud"], "another"]);
    });
    world.signed_in().await;
}

#[tokio::test]
async fn a_sign_in_older_than_max_age_is_refused_and_so_is_silence_about_it() {
    let world = World::new().await;
    for (lie, reason) in [(Some(-1000), "auth_time_too_old"), (None, "auth_time_missing")] {
        world.idp.tell_the_truth();
        match lie {
            Some(seconds) => time(&world.idp, "auth_time", seconds),
            None => without(&world.idp, "auth_time"),
        }
        let mut browser = world.shop.browser();
        let (_, page) = world.shop.sign_in(&mut browser, &[("max_age", "60")]).await;
        super::assert_refusal(&world, &browser, &page, 403, reason).await;
    }
    assert_eq!(world.idp.received().authorize[0]["max_age"], "60");
}

#[tokio::test]
async fn a_userinfo_endpoint_that_fails_stops_the_sign_in_instead_of_losing_claims() {
    let world = World::new().await;
    world.idp.misbehave(Place::UserInfo, Misbehaviour::Say(500, "{}".into()));
    refused(&world, 502, "upstream_unavailable").await;
}
