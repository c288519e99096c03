//! What an operator changes reaches the sign-ins that are still going on.

use serde_json::json;

use super::{API, machine};
use crate::harness::app::{claims, post};
use crate::harness::world::SHOP_SECRET;
use crate::harness::{Answer, App, World};

const BOTH: &str = "kind: spa\naudiences: [https://api.example, https://brief.example]";

/// An application with two audiences, and somebody signed in to it.
async fn wiki(world: &World, resources: &[&str]) -> (App, String) {
    machine(world).await;
    let wiki = world.app("wiki", BOTH).await.scoped("openid email read write offline_access");
    let asked: Vec<_> = resources.iter().map(|resource| ("resource", *resource)).collect();
    let tokens = wiki.tokens(&mut wiki.browser(), &asked).await;
    (wiki, tokens["refresh_token"].as_str().unwrap().to_owned())
}

async fn assert_refused(world: &World, answer: Answer, reason: &str) {
    answer.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some(reason));
}

#[tokio::test]
async fn an_audience_that_was_withdrawn_is_in_no_token_any_more() {
    let world = World::new().await;
    let (wiki, one) = wiki(&world, &[API]).await;
    let tokens = wiki.tokens(&mut wiki.browser(), &[("resource", API), ("resource", "https://brief.example")]).await;
    let two = tokens["refresh_token"].as_str().unwrap();
    let (request, page) = wiki.sign_in(&mut wiki.browser(), &[("resource", API)]).await;

    world.app("wiki", "kind: spa\naudiences: [https://brief.example]").await;
    assert_refused(&world, wiki.refresh(&one).await, "audience_withdrawn").await;
    assert_refused(&world, wiki.redeem(&page.param("code"), &request.verifier).await, "audience_withdrawn").await;
    let left = wiki.refresh(two).await;
    assert_eq!(claims(left.text("access_token"))["aud"], json!("https://brief.example"));
    assert_eq!(left.text("scope"), "openid email read offline_access", "write was a scope of the other one");

    world.app("wiki", BOTH).await;
    assert_eq!(wiki.refresh(&one).await.status, 200, "the refusal cost nothing");
}

#[tokio::test]
async fn a_scope_that_was_withdrawn_is_in_no_token_any_more() {
    let world = World::new().await;
    let (wiki, token) = wiki(&world, &[API]).await;
    let (request, page) = wiki.sign_in(&mut wiki.browser(), &[("resource", API)]).await;
    world.app("wiki", &format!("{BOTH}\nscopes: [openid, read, offline_access]")).await;
    let fresh = wiki.refresh(&token).await;
    let redeemed = wiki.redeem(&page.param("code"), &request.verifier).await;
    for answer in [&fresh, &redeemed] {
        assert_eq!(answer.text("scope"), "openid read offline_access");
        assert_eq!(claims(answer.text("access_token"))["scope"], json!("openid read offline_access"));
    }
    let userinfo = wiki.userinfo(fresh.text("access_token")).await;
    assert!(userinfo.status == 200 && userinfo.json.get("email").is_none(), "{}", userinfo.json);
}

#[tokio::test]
async fn an_application_that_lost_the_connection_gets_nothing_for_those_who_came_by_it() {
    let world = World::new().await;
    world.connect("fabrikam", "").await;
    let wiki = world.app("wiki", "kind: spa").await;
    let contoso = [("connection", "contoso")];
    let tokens = wiki.tokens(&mut wiki.browser(), &contoso).await;
    let (request, page) = wiki.sign_in(&mut wiki.browser(), &contoso).await;
    world.app("wiki", "kind: spa\nconnections: [fabrikam]").await;
    assert_refused(&world, wiki.redeem(&page.param("code"), &request.verifier).await, "connection_disabled").await;
    let refreshed = wiki.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_refused(&world, refreshed, "connection_disabled").await;
}

#[tokio::test]
async fn tokens_of_a_disabled_connection_hold_nowhere_and_hold_again_when_it_is_enabled() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let access = tokens["access_token"].as_str().unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    let url = world.broker.url("/oauth/introspect");
    let authorization = crate::harness::app::basic("shop", SHOP_SECRET);
    let active = async |token| post(&url, Some(&authorization), &[("token", token)]).await.json["active"].clone();
    assert_eq!((active(access).await, active(refresh).await), (json!(true), json!(true)));

    world.set_contoso("enabled: false").await;
    world.shop.userinfo(access).await.assert_error(401, "invalid_token");
    assert_eq!((active(access).await, active(refresh).await), (json!(false), json!(false)));
    assert_refused(&world, world.shop.refresh(refresh).await, "connection_disabled").await;
    let redeemed = world.shop.redeem(&page.param("code"), &request.verifier).await;
    assert_refused(&world, redeemed, "connection_disabled").await;

    world.set_contoso("").await;
    assert_eq!(world.shop.userinfo(access).await.status, 200);
    assert_eq!((active(access).await, active(refresh).await), (json!(true), json!(true)));
    assert_eq!(world.shop.refresh(refresh).await.status, 200);
}
