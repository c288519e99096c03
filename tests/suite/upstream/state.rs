//! The `state` binds an answer to one trip of one browser by one connection, and counts once.

use time::Duration;

use super::assert_refusal;
use crate::harness::{Page, World};

/// A browser that stands before the callback, and the address it would go to.
async fn at_the_callback(world: &World) -> (crate::harness::Browser, Page) {
    let mut browser = world.shop.browser();
    browser.stop_at(&world.broker.url("/connections/"));
    let (_, page) = world.shop.sign_in(&mut browser, &[("connection", "contoso")]).await;
    assert!(page.stopped && page.url.path().ends_with("/contoso/callback"), "{page}");
    browser.stop_no_more().stop_at(&world.shop.redirect_uri);
    (browser, page)
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_and_in_no_other() {
    let world = World::new().await;
    let (mut browser, page) = at_the_callback(&world).await;
    let mut stranger = world.shop.browser();
    let refusal = stranger.open(page.url.as_str()).await;
    assert_refusal(&world, &stranger, &refusal, 400, "state_of_another_browser").await;
    let (mut second, _) = at_the_callback(&world).await;
    let refusal = second.open(page.url.as_str()).await;
    assert_refusal(&world, &second, &refusal, 400, "state_of_another_browser").await;
    assert!(world.idp.received().token.is_empty(), "the code was not touched");
    assert!(browser.open(page.url.as_str()).await.stopped, "the attempt did not cost the person the sign-in");
}

#[tokio::test]
async fn an_answer_that_comes_again_is_refused() {
    let world = World::new().await;
    let (mut browser, page) = at_the_callback(&world).await;
    assert!(browser.open(page.url.as_str()).await.stopped);
    let again = browser.open(page.url.as_str()).await;
    again.assert_problem(400, "state_replayed");
    assert_eq!(world.idp.received().token.len(), 1);
}

#[tokio::test]
async fn an_answer_at_the_callback_of_another_connection_is_refused() {
    let world = World::new().await;
    let other = world.connect("fabrikam", "").await;
    let (mut browser, page) = at_the_callback(&world).await;
    let elsewhere = page.url.as_str().replace("/contoso/", "/fabrikam/");
    let refusal = browser.open(&elsewhere).await;
    assert_refusal(&world, &browser, &refusal, 400, "state_of_another_connection").await;
    assert!(other.received().token.is_empty() && world.idp.received().token.is_empty(), "nobody was given the code");
}

#[tokio::test]
async fn a_made_up_state_and_none_at_all_are_unknown() {
    let world = World::new().await;
    let (mut browser, page) = at_the_callback(&world).await;
    let state = page.param("state");
    let own = [
        page.url.as_str().replace(&state, &avouch::secret::mint(avouch::secret::Kind::UpstreamState, &Default::default()).expose().clone()),
        page.url.as_str().replace(&state, "garbage"),
        page.url.as_str().replace(&format!("state={state}"), ""),
    ];
    for url in own {
        let refusal = browser.open(&url).await;
        assert_refusal(&world, &browser, &refusal, 400, "state_unknown").await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_after_half_an_hour_is_too_late() {
    let world = World::new().await;
    let (mut browser, page) = at_the_callback(&world).await;
    world.broker.clock.advance(Duration::minutes(31));
    let refusal = browser.open(page.url.as_str()).await;
    assert_refusal(&world, &browser, &refusal, 400, "authorization_stale").await;
}

#[tokio::test]
async fn an_answer_of_a_connection_that_was_switched_off_meanwhile_is_refused() {
    let world = World::new().await;
    let (mut browser, page) = at_the_callback(&world).await;
    world.set_contoso("enabled: false").await;
    let refusal = browser.open(page.url.as_str()).await;
    assert_refusal(&world, &browser, &refusal, 404, "connection_unknown").await;
    assert!(world.idp.received().token.is_empty());
}

#[tokio::test]
async fn the_issuer_of_a_connection_cannot_change_under_a_trip() {
    let world = World::new().await;
    let (mut browser, page) = at_the_callback(&world).await;
    let other = crate::harness::FakeIdp::start(&world.broker.clock).await;
    world.set_contoso(&format!("issuer: {}", other.issuer)).await;
    let refusal = browser.open(page.url.as_str()).await;
    assert_refusal(&world, &browser, &refusal, 403, "issuer_changed").await;
    assert!(other.received().token.is_empty(), "the code of one was not given to the other");
}
