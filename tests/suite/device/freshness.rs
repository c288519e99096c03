//! Who approves has signed in just now: a device cannot show who holds it, so the person must (RFC 8628 §5.4).

use time::Duration;

use super::{Device, influxctl};
use crate::harness::World;

#[tokio::test]
async fn who_signed_in_just_now_is_asked_at_once() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let (mut browser, _) = world.signed_in().await;
    world.broker.clock.advance(Duration::seconds(270));
    let page = Device::ask(&app).await.enter(&mut browser).await;
    assert!(page.has("approve"), "{page}");
    assert_eq!(world.idp.received().authorize.len(), 1, "one sign-in serves both");
}

#[tokio::test]
async fn an_older_session_signs_in_again_at_the_provider() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let (mut browser, _) = world.signed_in().await;
    world.broker.clock.advance(Duration::seconds(301));
    let page = Device::ask(&app).await.enter(&mut browser).await;
    assert!(page.has("approve"), "{page}");
    let trips = world.idp.received().authorize;
    assert_eq!((trips.len(), trips[1]["prompt"].as_str()), (2, "login"));
}

#[tokio::test]
async fn a_provider_that_answers_from_an_old_sign_in_does_not_do() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    world.idp.tell(|script| {
        script.id_token = Some(Box::new(|claims| {
            let now = claims["iat"].as_i64().unwrap();
            claims["auth_time"] = (now - 3600).into();
        }));
    });
    let page = device.enter(&mut crate::harness::Browser::new()).await;
    page.assert_problem(403, "auth_time_too_old");
}

#[tokio::test]
async fn a_page_that_stood_open_too_long_approves_nothing() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let (mut browser, _) = world.signed_in().await;
    let page = device.enter(&mut browser).await;
    world.broker.clock.advance(Duration::seconds(301));
    let page = browser.press(&page, "approve").await;
    assert!(page.has("approve"), "signed in again, and asked again: {page}");
    assert_eq!(world.idp.received().authorize.len(), 2);
    device.poll().await.assert_error(400, "authorization_pending");
    assert!(browser.press(&page, "approve").await.has("device-approved"));
    assert_eq!(device.poll().await.status, 200);
}

#[tokio::test]
async fn who_signed_out_meanwhile_signs_in_first() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let (mut browser, _) = world.signed_in().await;
    let page = device.enter(&mut browser).await;
    let out = browser.open(&world.broker.url("/oidc/logout")).await;
    browser.press(&out, "sign-out").await;
    let page = browser.press(&page, "approve").await;
    assert!(page.has("approve"), "{page}");
    device.poll().await.assert_error(400, "authorization_pending");
}
