//! Kinds of applications: public ones, native ones on loopback, disabled ones.

use crate::harness::{App, World};

#[tokio::test]
async fn a_public_application_redeems_by_its_verifier_alone() {
    let world = World::new().await;
    let app = world.app("wiki", "kind: spa").await;
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    assert!(tokens["refresh_token"].is_string());
}

#[tokio::test]
async fn a_native_application_may_take_any_port_of_loopback() {
    let world = World::new().await;
    world.apply("clients:\n  - { client_id: cli, kind: native, redirect_uris: [\"http://127.0.0.1/callback\"] }").await;
    let mut app = App::new(&world.broker, "cli", None);
    app.redirect_uri = "http://127.0.0.1:51234/callback".into();
    app.tokens(&mut app.browser(), &[]).await;
    app.redirect_uri = "http://127.0.0.1:51234/other".into();
    let (_, page) = app.sign_in(&mut app.browser(), &[]).await;
    assert!(page.status == 400 || page.stopped, "{page}");
    let (_, page) = app.sign_in(&mut crate::harness::Browser::new(), &[]).await;
    page.assert_problem(400, "redirect_uri_not_registered");
}

#[tokio::test]
async fn a_disabled_application_gets_nothing() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    world.app("shop", "name: The Shop\nkind: web\nenabled: false\nclient_secret: { file: shop }").await;
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    page.assert_problem(400, "client_disabled");
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(401, "invalid_client");
    world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn a_code_belongs_to_the_application_and_redirect_uri_it_was_made_for() {
    let world = World::new().await;
    let thief = world.app("thief", "kind: spa").await;
    let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    let code = page.param("code");
    let stolen = App { redirect_uri: world.shop.redirect_uri.clone(), ..thief.clone() };
    stolen.redeem(&code, &request.verifier).await.assert_error(400, "invalid_grant");
    let elsewhere = App { redirect_uri: "https://shop.example/other".into(), ..world.shop.clone() };
    elsewhere.redeem(&code, &request.verifier).await.assert_error(400, "invalid_grant");
    assert_eq!(world.shop.redeem(&code, &request.verifier).await.status, 200);
    let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    world.broker.clock.advance(time::Duration::seconds(61));
    world.shop.redeem(&page.param("code"), &request.verifier).await.assert_error(400, "invalid_grant");
}
