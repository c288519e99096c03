//! `prompt`, `max_age` and `id_token_hint` (OIDC Core §3.1.2.1).

use serde_json::Value;
use time::Duration;

use crate::harness::World;
use crate::harness::app::claims;

fn said(tokens: &Value) -> Value {
    claims(tokens["id_token"].as_str().unwrap())
}

#[tokio::test]
async fn none_is_silent_for_who_is_signed_in_and_login_required_for_everybody_else() {
    let world = World::new().await;
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("prompt", "none")]).await;
    page.assert_error("login_required");
    assert_eq!(page.param("iss"), world.broker.issuer);
    let (mut browser, first) = world.signed_in().await;
    world.broker.clock.advance(Duration::minutes(5));
    let again = world.shop.tokens(&mut browser, &[("prompt", "none")]).await;
    assert_eq!((&said(&again)["sub"], &said(&again)["auth_time"]), (&said(&first)["sub"], &said(&first)["auth_time"]));
    assert_eq!(world.idp.received().authorize.len(), 1, "the provider was not asked again");
    let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none login")]).await;
    page.assert_error("invalid_request");
}

#[tokio::test]
async fn login_asks_again_at_the_same_provider_and_moves_auth_time() {
    let world = World::new().await;
    world.connect("fabrikam", "").await;
    let mut browser = world.shop.browser();
    let first = world.shop.tokens(&mut browser, &[("connection", "contoso")]).await;
    world.broker.clock.advance(Duration::seconds(30));
    let again = world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    assert!(said(&again)["auth_time"].as_i64() > said(&first)["auth_time"].as_i64());
    assert_eq!(said(&again)["sub"], said(&first)["sub"]);
    assert_eq!(world.idp.received().authorize[1]["prompt"], "login");
}

#[tokio::test]
async fn max_age_asks_again_only_when_the_sign_in_is_older() {
    let world = World::new().await;
    let (mut browser, first) = world.signed_in().await;
    world.broker.clock.advance(Duration::seconds(100));
    let silent = world.shop.tokens(&mut browser, &[("max_age", "10000")]).await;
    assert_eq!(said(&silent)["auth_time"], said(&first)["auth_time"]);
    let again = world.shop.tokens(&mut browser, &[("max_age", "60")]).await;
    assert!(said(&again)["auth_time"].as_i64() > said(&first)["auth_time"].as_i64());
    world.broker.clock.advance(Duration::seconds(100));
    let (_, page) = world.shop.sign_in(&mut browser, &[("max_age", "60"), ("prompt", "none")]).await;
    page.assert_error("login_required");
    world.shop.tokens(&mut browser, &[("max_age", "0")]).await;
    let (_, page) = world.shop.sign_in(&mut browser, &[("max_age", "soon")]).await;
    page.assert_error("invalid_request");
}

#[tokio::test]
async fn select_account_shows_who_is_signed_in_and_goes_on_as_them() {
    let world = World::new().await;
    world.connect("fabrikam", "").await;
    let mut browser = world.shop.browser();
    let first = world.shop.tokens(&mut browser, &[("connection", "contoso")]).await;
    let request = world.shop.request(&[("prompt", "select_account")]);
    let page = browser.open(&request.url).await;
    assert!(page.has("continue-as") && page.body.contains("Marty McFly"), "{page}");
    let page = browser.press(&page, "continue-as").await;
    let tokens = world.shop.redeem(&page.param("code"), &request.verifier).await;
    assert_eq!(said(&tokens.json)["sub"], said(&first)["sub"]);
    assert_eq!(world.idp.received().authorize.len(), 1);
}

#[tokio::test]
async fn an_id_token_hint_is_about_who_is_signed_in_or_the_answer_is_login_required() {
    let world = World::new().await;
    let (mut browser, mine) = world.signed_in().await;
    let hint = mine["id_token"].as_str().unwrap();
    world.broker.clock.advance(Duration::minutes(90)); // the hint has expired, and may
    world.shop.tokens(&mut browser, &[("id_token_hint", hint), ("prompt", "none")]).await;
    world.idp.tell(|script| script.subject = "doc".into());
    let (mut other, _) = world.signed_in().await;
    let (_, page) = world.shop.sign_in(&mut other, &[("id_token_hint", hint), ("prompt", "none")]).await;
    page.assert_error("login_required");
    let forged = hint.replace('.', ".x");
    let (_, page) = world.shop.sign_in(&mut browser, &[("id_token_hint", &forged)]).await;
    page.assert_error("invalid_request");
}
