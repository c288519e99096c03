//! One address may begin so much a second and no more; tokens, keys and documents are not counted.

use time::Duration;

use crate::harness::app::{answer, get, http};
use crate::harness::{App, Browser, Options, World, until};

#[tokio::test]
async fn who_asks_too_often_waits_and_the_fleet_behind_the_same_address_does_not() {
    let settings = vec![("AVOUCH_RATE_LIMIT", "1".into()), ("AVOUCH_TRUSTED_PROXIES", "127.0.0.1".into())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    let from =
        |path: &str, address: &str| answer(http().get(world.broker.url(path)).header("x-forwarded-for", address));
    let begin = world.shop.request(&[]).url;
    let path = begin.strip_prefix(&world.broker.issuer).unwrap();
    // many at a time: one after the other a slow machine may never be too fast
    let many = futures_util::future::join_all((0..40).map(|_| from(path, "192.0.2.1"))).await;
    let refused = many.iter().find(|page| page.status == 429).expect("ten at once, then one a second");
    assert!((1..=2).contains(&refused.header("retry-after").parse().unwrap()));
    let others = futures_util::future::join_all((0..20).map(|_| from("/oidc/logout", "192.0.2.1"))).await;
    assert!(others.iter().filter(|page| page.status == 429).count() > 10, "one count for all that begins something");
    for free in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(from(free, "192.0.2.1").await.status, 200, "{free}");
    }
    let token = http().post(world.broker.url("/oauth/token")).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(answer(token.form(&[("grant_type", "client_credentials")])).await.status, 401);
    assert_ne!(from(path, "192.0.2.2").await.status, 429, "somebody else is not concerned");

    let mut browser = Browser::new();
    // again where a second has passed before the browser comes: then it is one a second
    let page = until("a browser is too fast", async || {
        futures_util::future::join_all((0..40).map(|_| from("/oidc/logout", "127.0.0.1"))).await;
        let page = browser.open(&world.broker.url("/oidc/logout")).await;
        (page.status == 429).then_some(page)
    })
    .await;
    page.assert_problem(429, "too_many_requests");
    assert!(page.body.contains("too often") && page.body.contains("Wait"), "{page}");
}

#[tokio::test]
async fn zero_is_no_limit() {
    let settings = vec![("AVOUCH_RATE_LIMIT", "0".into())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    for _ in 0..50 {
        assert_eq!(get(&world.broker.url("/authorize")).await.status, 400);
    }
}

#[tokio::test]
async fn a_wrong_secret_is_soon_told_to_wait_and_the_right_one_beside_it_still_works() {
    let world = World::new().await;
    let wrong = App::new(&world.broker, "shop", Some("a-secret-of-last-year"));
    let attempt = async || wrong.token(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
    for _ in 0..20 {
        attempt().await.assert_error(401, "invalid_client");
    }
    for _ in 0..30 {
        let waits = attempt().await;
        waits.assert_error(429, "temporarily_unavailable");
        assert!(waits.text("error_description").contains("credentials") && waits.header("retry-after") == "30");
    }
    assert_eq!(world.count("client.authentication", "refused").await, 20, "no row for each of what follows");
    world.shop.tokens(&mut world.shop.browser(), &[]).await;
    world.broker.clock.advance(Duration::minutes(1));
    attempt().await.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_client_has_the_limit_that_its_operator_gave_it() {
    let world = World::new().await;
    world.broker.secret("eager", "eager-secret-0123456789");
    world.apply("clients: [{ client_id: eager, kind: machine, rate_limit: 3, client_secret: { file: eager } }]").await;
    let eager = App::new(&world.broker, "eager", Some("eager-secret-0123456789"));
    let ask = async || eager.token(&[("grant_type", "client_credentials")]).await;
    for _ in 0..3 {
        assert_eq!(ask().await.status, 200);
    }
    let refused = ask().await;
    refused.assert_error(429, "temporarily_unavailable");
    assert!(refused.text("error_description").contains("3 token requests a minute"));
    world.shop.tokens(&mut world.shop.browser(), &[]).await;
    world.broker.clock.advance(Duration::minutes(1));
    assert_eq!(ask().await.status, 200);
}
