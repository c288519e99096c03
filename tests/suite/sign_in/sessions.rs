//! Single sign-on: one session for all applications, until it ends.

use time::Duration;

use crate::harness::World;

#[tokio::test]
async fn a_second_application_needs_no_second_sign_in() {
    let world = World::new().await;
    let other = world.app("wiki", "kind: spa").await;
    let (mut browser, first) = world.signed_in().await;
    browser.stop_at(&other.redirect_uri);
    let second = other.tokens(&mut browser, &[]).await;
    let sub = |tokens: &serde_json::Value| crate::harness::app::claims(tokens["id_token"].as_str().unwrap())["sub"].clone();
    assert_eq!(sub(&first), sub(&second), "one person, one sub for all applications");
    assert_eq!(world.idp.received().authorize.len(), 1);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used() {
    let world = World::new().await;
    let (mut browser, _) = world.signed_in().await;
    for _ in 0..3 {
        world.broker.clock.advance(Duration::minutes(110));
        let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
        assert!(page.params().contains_key("code"), "{page}");
    }
    world.broker.clock.advance(Duration::minutes(121));
    let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
    page.assert_error("login_required");
}

#[tokio::test]
async fn a_session_ends_after_its_time_however_much_it_is_used() {
    let world = World::new().await;
    let (mut browser, _) = world.signed_in().await;
    for _ in 0..7 {
        world.broker.clock.advance(Duration::minutes(100));
        let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
        assert!(page.params().contains_key("code"), "{page}");
    }
    world.broker.clock.advance(Duration::minutes(21)); // 12 h 1 min
    let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
    page.assert_error("login_required");
}

#[tokio::test]
async fn signing_in_makes_a_new_session_and_ends_the_one_before() {
    let world = World::new().await;
    let (mut browser, _) = world.signed_in().await;
    let mut kept = browser.clone();
    let before = browser.session(&world.broker.issuer).unwrap();
    world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    assert_ne!(browser.session(&world.broker.issuer).unwrap(), before);
    let (_, page) = world.shop.sign_in(&mut kept, &[("prompt", "none")]).await;
    page.assert_error("login_required");
}

#[tokio::test]
async fn a_session_survives_a_restart_of_the_broker() {
    let mut world = World::new().await;
    let (mut browser, _) = world.signed_in().await;
    world.broker.restart().await;
    world.shop.tokens(&mut browser, &[("prompt", "none")]).await;
}

#[tokio::test]
async fn a_session_ends_with_the_connection_that_it_came_from() {
    let world = World::new().await;
    let (mut browser, tokens) = world.signed_in().await;
    world.set_contoso("enabled: false").await;
    let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
    page.assert_error("login_required");
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn cookies_are_out_of_reach_of_script_and_of_other_sites() {
    let world = World::new().await;
    let mut browser = world.shop.browser();
    browser.stop_at(&world.broker.url("/connections/"));
    let (_, callback) = world.shop.sign_in(&mut browser, &[]).await;
    browser.stop_no_more().stop_at(&world.broker.url("/authorize/"));
    let mut raw = crate::harness::app::http().get(callback.url.clone());
    let cookie = browser.cookie(&world.broker.issuer, "avouch-browser").unwrap();
    raw = raw.header("cookie", format!("avouch-browser={}", cookie.value));
    let answer = raw.send().await.unwrap();
    let set: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
    assert!(set.iter().any(|cookie| cookie.starts_with("avouch-session=avo_ss_")), "{set:?}");
    for cookie in set {
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
    }
}
