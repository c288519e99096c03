//! RP-Initiated Logout 1.0: who is signed out, who is asked, and who is sent where. Named after what the OpenID
//! Foundation's plan checks.

mod back_channel;
mod everywhere;
mod notification;
mod notification_rules;
mod refresh;
mod saml;
mod saml_request;
mod single_logout;
mod upstream;

use serde_json::Value;
use time::Duration;

use crate::harness::{Browser, World};

const BYE: &str = "https://shop.example/bye";

/// The shop with an address to return to, and a browser in which somebody signed in.
async fn signed_in() -> (World, Browser, String) {
    let world = World::new().await;
    let yaml = "clients:\n  - client_id: shop\n    name: The Shop\n    kind: web\n    redirect_uris: [https://shop.example/callback]\n    grants: [authorization_code, refresh_token]\n    post_logout_redirect_uris: [https://shop.example/bye]\n    client_secret: { file: shop }\n";
    world.apply(yaml).await;
    let (mut browser, tokens) = world.signed_in().await;
    browser.stop_at(BYE);
    (world, browser, tokens["id_token"].as_str().unwrap().to_owned())
}

fn url(world: &World, params: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    world.broker.url(&format!("/oidc/logout?{query}"))
}

async fn is_signed_in(world: &World, browser: &mut Browser) -> bool {
    let (_, page) = world.shop.sign_in(browser, &[("prompt", "none")]).await;
    page.params().contains_key("code")
}

#[tokio::test]
async fn a_genuine_hint_signs_out_at_once_and_returns_with_state() {
    let (world, mut browser, hint) = signed_in().await;
    let params = [("id_token_hint", &*hint), ("post_logout_redirect_uri", BYE), ("state", "s/1 ü")];
    let page = browser.open(&url(&world, &params)).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
    assert_eq!(page.param("state"), "s/1 ü");
    assert!(!is_signed_in(&world, &mut browser).await);
    assert_eq!(world.last_event("logout").await.outcome, "success");
}

#[tokio::test]
async fn an_expired_hint_still_says_who_is_meant_and_no_state_brings_none_back() {
    let (world, mut browser, hint) = signed_in().await;
    world.broker.clock.advance(Duration::minutes(70));
    let params = [("id_token_hint", &*hint), ("post_logout_redirect_uri", BYE), ("client_id", "shop")];
    let page = browser.open(&url(&world, &params)).await;
    assert!(page.stopped && page.url.as_str() == BYE, "{page}");
    assert!(!is_signed_in(&world, &mut browser).await);
}

#[tokio::test]
async fn without_a_hint_the_person_is_asked_and_a_foreign_form_does_nothing() {
    let (world, mut browser, _) = signed_in().await;
    let page =
        browser.open(&url(&world, &[("client_id", "shop"), ("post_logout_redirect_uri", BYE), ("state", "x")])).await;
    assert!(page.has("sign-out") && page.body.contains("The Shop"), "{page}");
    assert!(is_signed_in(&world, &mut browser).await, "asking is not doing");
    let foreign =
        browser.post_from(Some("https://evil.example"), &world.broker.url("/oidc/logout"), &[("csrf", "x")]).await;
    assert!(foreign.status >= 400 || foreign.has("form-post"), "{foreign}");
    assert!(is_signed_in(&world, &mut browser).await);
    let done = browser.press(&page, "sign-out").await;
    assert!(done.stopped && done.param("state") == "x", "{done}");
    assert!(!is_signed_in(&world, &mut browser).await);
}

#[tokio::test]
async fn without_parameters_the_person_is_asked_and_then_told() {
    let (world, mut browser, _) = signed_in().await;
    for more in [&[][..], &[("state", "only")][..]] {
        let page = browser.open(&url(&world, more)).await;
        assert!(page.has("sign-out"), "{page}");
    }
    let page = browser.open(&url(&world, &[])).await;
    let done = browser.press(&page, "sign-out").await;
    assert!(done.status == 200 && done.has("signed-out"), "{done}");
    let again = browser.open(&url(&world, &[])).await;
    assert!(again.has("signed-out"), "nobody is left to be asked: {again}");
}

#[tokio::test]
async fn an_address_that_is_not_registered_byte_for_byte_is_never_gone_to() {
    let (world, mut browser, hint) = signed_in().await;
    for uri in
        ["https://shop.example/bye?foo=bar", "https://shop.example/bye/", "https://evil.example/", "javascript:1"]
    {
        let page = browser.open(&url(&world, &[("id_token_hint", &hint), ("post_logout_redirect_uri", uri)])).await;
        page.assert_problem(400, "post_logout_redirect_uri_not_registered");
    }
    let page = browser.open(&url(&world, &[("post_logout_redirect_uri", BYE)])).await;
    page.assert_problem(400, "post_logout_redirect_uri_without_client");
    assert!(is_signed_in(&world, &mut browser).await);
}

#[tokio::test]
async fn a_hint_that_is_forged_or_of_another_client_is_not_believed() {
    let (world, mut browser, hint) = signed_in().await;
    let parts: Vec<&str> = hint.split('.').collect();
    let none = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let stranger = format!("{}.{}.{}", parts[0], parts[1], "A".repeat(parts[2].len()));
    for forged in [none, stranger, "garbage".into()] {
        let page = browser.open(&url(&world, &[("id_token_hint", &forged), ("post_logout_redirect_uri", BYE)])).await;
        page.assert_problem(400, "id_token_hint_invalid");
    }
    world.app("wiki", "kind: spa").await;
    let page = browser.open(&url(&world, &[("id_token_hint", &hint), ("client_id", "wiki")])).await;
    page.assert_problem(400, "client_id_differs");
    assert!(is_signed_in(&world, &mut browser).await);
}

#[tokio::test]
async fn discovery_names_the_endpoint() {
    let world = World::new().await;
    let document = crate::harness::app::get(&world.broker.url("/.well-known/openid-configuration")).await;
    assert_eq!(document.json["end_session_endpoint"], Value::String(world.broker.url("/oidc/logout")));
}
