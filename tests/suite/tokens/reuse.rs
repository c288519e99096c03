//! A code that comes again.

use time::Duration;

use crate::harness::World;

#[tokio::test]
async fn a_code_that_comes_again_later_takes_its_tokens_with_it() {
    let world = World::new().await;
    let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    let code = page.param("code");
    let tokens = world.shop.redeem(&code, &request.verifier).await;
    world.broker.clock.advance(Duration::seconds(30));
    world.shop.redeem(&code, &request.verifier).await.assert_error(400, "invalid_grant");
    world.shop.userinfo(tokens.text("access_token")).await.assert_error(401, "invalid_token");
    world.shop.refresh(tokens.text("refresh_token")).await.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some("refresh_family_revoked"));
    assert!(world.broker.audit_events().await.iter().any(|event| event.reason.as_deref() == Some("code_reused")));
}

#[tokio::test]
async fn a_thief_without_the_verifier_cannot_take_the_tokens_away() {
    let world = World::new().await;
    let (request, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    let code = page.param("code");
    let tokens = world.shop.redeem(&code, &request.verifier).await;
    world.broker.clock.advance(Duration::seconds(30));
    world.shop.redeem(&code, &crate::harness::app::random()).await.assert_error(400, "invalid_grant");
    assert_eq!(world.shop.userinfo(tokens.text("access_token")).await.status, 200);
}
