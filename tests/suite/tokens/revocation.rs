//! Revocation (RFC 7009): an application gives its tokens back. It is told 200 whatever it sends.

use serde_json::json;

use crate::harness::app::{basic, post};
use crate::harness::world::SHOP_SECRET;
use crate::harness::{App, World};

async fn revoke(app: &App, token: &str, hint: &str) {
    let url = format!("{}/oauth/revoke", app.issuer);
    let fields = [("token", token), ("token_type_hint", hint), ("client_id", &app.client_id)];
    let authorization = app.secret.as_ref().map(|secret| basic(&app.client_id, secret));
    let answer = post(&url, authorization.as_deref(), &fields).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.json);
}

#[tokio::test]
async fn a_refresh_token_takes_its_whole_family() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let (_, untouched) = world.signed_in().await;
    let second = world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    // the one before will do, and a wrong hint is only a hint
    revoke(&world.shop, tokens["refresh_token"].as_str().unwrap(), "access_token").await;
    world.shop.refresh(second.text("refresh_token")).await.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some("refresh_family_revoked"));
    assert_eq!(world.count("token.revoked", "success").await, 1);
    assert_eq!(world.shop.refresh(untouched["refresh_token"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn an_access_token_holds_nowhere_any_more() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let token = tokens["access_token"].as_str().unwrap();
    revoke(&world.shop, token, "").await;
    world.shop.userinfo(token).await.assert_error(401, "invalid_token");
    let fields = [("token", token)];
    let answer = post(&world.broker.url("/oauth/introspect"), Some(&basic("shop", SHOP_SECRET)), &fields).await;
    assert_eq!(answer.json, json!({ "active": false }));
    assert_eq!(world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 200, "it alone");
}

#[tokio::test]
async fn a_public_application_revokes_its_own_and_nobody_elses() {
    let world = World::new().await;
    let wiki = world.app("wiki", "kind: spa").await;
    let (_, tokens) = world.signed_in().await;
    for name in ["access_token", "refresh_token"] {
        revoke(&wiki, tokens[name].as_str().unwrap(), name).await;
    }
    assert_eq!(world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(world.count("token.revoked", "success").await, 0);

    let own = wiki.tokens(&mut wiki.browser(), &[]).await;
    revoke(&wiki, own["refresh_token"].as_str().unwrap(), "refresh_token").await;
    wiki.refresh(own["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_unknown_token_is_as_good_as_revoked_and_a_stranger_is_refused() {
    let world = World::new().await;
    let unknown = avouch::secret::mint(avouch::secret::Kind::RefreshToken, &Default::default()).expose().clone();
    for token in ["garbage", "a.b.c", &unknown] {
        revoke(&world.shop, token, "refresh_token").await;
    }
    let url = world.broker.url("/oauth/revoke");
    let stranger = post(&url, Some(&basic("shop", "wrong")), &[("token", "x")]).await;
    stranger.assert_error(401, "invalid_client");
    post(&url, Some(&basic("shop", SHOP_SECRET)), &[]).await.assert_error(400, "invalid_request");
}
