//! What becomes of refresh tokens when a session ends (OIDC Back-Channel Logout §2.7): those with offline_access go on,
//! all others end, whoever ended the session.

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use crate::harness::app::post;
use crate::harness::{Browser, World};

/// Somebody signed in twice over: the tokens of two applications' grants, the second without offline_access.
async fn two_grants(world: &World) -> (Browser, String, String) {
    world.idp.tell(|script| script.claims = json!({ "sid": "s1" }));
    let (mut browser, tokens) = world.signed_in().await;
    let offline = text(&tokens);
    let online = text(&world.shop.tokens(&mut browser, &[]).await);
    // Today no client gets a refresh token without offline_access; whoever changes that finds the rule kept.
    let mut conn = world.broker.database().connect().await.unwrap();
    sqlx::query(
        "UPDATE refresh_families SET scopes = array_remove(scopes, 'offline_access')
         WHERE created_at = (SELECT max(created_at) FROM refresh_families)",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    (browser, offline, online)
}

fn text(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

async fn only_offline_goes_on(world: &World, offline: &str, online: &str) {
    assert_eq!(world.shop.refresh(offline).await.status, 200);
    world.shop.refresh(online).await.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some("refresh_family_revoked"));
}

#[tokio::test]
async fn our_own_logout_ends_what_was_good_only_while_signed_in() {
    let world = World::new().await;
    let (mut browser, offline, online) = two_grants(&world).await;
    let page = browser.open(&world.broker.url("/oidc/logout")).await;
    assert!(browser.press(&page, "sign-out").await.has("signed-out"));
    only_offline_goes_on(&world, &offline, &online).await;
}

#[tokio::test]
async fn a_logout_at_the_provider_does_the_same() {
    let world = World::new().await;
    let (_, offline, online) = two_grants(&world).await;
    let token = world.idp.logout_token("avouch-at-contoso", json!({ "sid": "s1" }));
    let url = world.broker.url("/connections/contoso/backchannel-logout");
    assert_eq!(post(&url, None, &[("logout_token", &token)]).await.status, 200);
    only_offline_goes_on(&world, &offline, &online).await;
}

#[tokio::test]
async fn a_sign_in_anew_is_no_logout() {
    let world = World::new().await;
    let (mut browser, offline, online) = two_grants(&world).await;
    world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    for token in [offline, online] {
        assert_eq!(world.shop.refresh(&token).await.status, 200);
    }
}

#[tokio::test]
async fn a_code_of_a_session_that_ended_upstream_is_worth_nothing() {
    let world = World::new().await;
    world.idp.tell(|script| script.claims = json!({ "sid": "s1" }));
    let mut browser = world.shop.browser();
    let (request, page) = world.shop.sign_in(&mut browser, &[]).await;
    let token = world.idp.logout_token("avouch-at-contoso", json!({ "sub": "marty" }));
    let url = world.broker.url("/connections/contoso/backchannel-logout");
    assert_eq!(post(&url, None, &[("logout_token", &token)]).await.status, 200);
    world.shop.redeem(&page.param("code"), &request.verifier).await.assert_error(400, "invalid_grant");
}
