//! What is taken back between the approval and the poll is not handed out.

use sqlx::ConnectOptions as _;

use super::{Device, influxctl};
use crate::harness::{Browser, World};

async fn approved(world: &World, more: &str) -> (Device, Browser) {
    let app = influxctl(world, more).await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    device.approve(&mut browser).await;
    (device, browser)
}

#[tokio::test]
async fn somebody_blocked_gets_nothing() {
    let world = World::new().await;
    let (device, mut browser) = approved(&world, "").await;
    let sub = world.last_event("device.approval").await.sub.unwrap();
    let block = async |status: &str| {
        let mut conn = world.broker.database().connect().await.unwrap();
        let block = sqlx::query("UPDATE users SET status = $2 WHERE id = $1").bind(&sub).bind(status);
        block.execute(&mut conn).await.unwrap();
    };
    block("blocked").await;
    device.poll().await.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some("user_blocked"));
    let other = Device::ask(&device.app).await;
    other.enter(&mut browser).await.assert_problem(403, "user_blocked");
    block("active").await;
    assert_eq!(device.poll().await.status, 200, "and nothing was burnt");
}

#[tokio::test]
async fn a_disabled_client_gets_nothing_and_asks_nobody() {
    let world = World::new().await;
    let (device, mut browser) = approved(&world, "").await;
    let waiting = Device::ask(&device.app).await;
    let page = waiting.enter(&mut browser).await;
    influxctl(&world, "enabled: false").await;
    device.poll().await.assert_error(401, "invalid_client");
    browser.press(&page, "approve").await.assert_problem(400, "authorization_stale");
    assert_eq!(waiting.enter(&mut Browser::new()).await.status, 422);
}

#[tokio::test]
async fn without_the_grant_neither_codes_nor_approvals_count() {
    let world = World::new().await;
    let (device, mut browser) = approved(&world, "").await;
    let waiting = Device::ask(&device.app).await;
    let page = waiting.enter(&mut browser).await;
    world.app("influxctl", "kind: native\nname: InfluxCTL\naudiences: [https://influx.example]").await;
    device.poll().await.assert_error(400, "unauthorized_client");
    assert!(browser.press(&page, "approve").await.has("device-expired"));
    assert_eq!(waiting.enter(&mut Browser::new()).await.status, 422);
}

#[tokio::test]
async fn a_disabled_connection_takes_its_approvals_with_it() {
    let world = World::new().await;
    let (device, mut browser) = approved(&world, "").await;
    let waiting = Device::ask(&device.app).await;
    let page = waiting.enter(&mut browser).await;
    world.set_contoso("enabled: false").await;
    device.poll().await.assert_error(400, "invalid_grant");
    browser.press(&page, "approve").await.assert_problem(403, "no_connection");
    waiting.poll().await.assert_error(400, "authorization_pending");
}

#[tokio::test]
async fn who_signs_out_everywhere_takes_the_approval_back() {
    let world = World::new().await;
    let (device, mut browser) = approved(&world, "").await;
    let page = browser.open(&world.broker.url("/oidc/logout")).await;
    browser.press(&page, "sign-out").await;
    device.poll().await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_audience_that_was_taken_away_is_not_in_the_token() {
    let world = World::new().await;
    let (device, _) = approved(&world, "").await;
    world.app("influxctl", "kind: native\ngrants: [device_code]").await;
    device.poll().await.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some("audience_withdrawn"));
}
