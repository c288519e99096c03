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

#[tokio::test]
async fn a_provider_that_does_not_ask_again_is_not_taken_for_one_that_did() {
    let world = World::new().await;
    let signed_in_ago = |seconds: i64| {
        world.idp.lie(move |said| said["auth_time"] = (said["iat"].as_i64().unwrap() - seconds).into());
    };
    signed_in_ago(50); // clocks may differ by a minute
    let mut browser = world.shop.browser();
    world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    signed_in_ago(1000);
    world.shop.tokens(&mut world.shop.browser(), &[]).await;
    let (request, page) = world.shop.sign_in(&mut browser, &[("prompt", "login")]).await;
    page.assert_problem(403, "auth_time_too_old");
    assert_eq!(world.last_event("login").await.reason.as_deref(), Some("auth_time_too_old"));

    let link = page.body.split("<a ").find(|tag| tag.contains(">Return to The Shop<")).expect("a way back");
    let href = link.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    let href = page.url.join(href).unwrap().to_string();
    let back = browser.open(&href).await;
    back.assert_error("login_required");
    assert_eq!((back.param("state"), back.param("iss")), (request.state, world.broker.issuer.clone()));
    let authorize = href.split("/return/").next().unwrap().to_owned();
    for over in [authorize.replace("/authorize/", "/login/"), authorize, href] {
        browser.open(&over).await.assert_problem(400, "authorization_stale");
    }
}
