//! The device waits.

use futures_util::future::join_all;
use time::Duration;

use super::{API, Device, GRANT, influxctl};
use crate::harness::app::{basic, claims, header, post};
use crate::harness::{App, Browser, World};

#[tokio::test]
async fn an_approved_device_gets_what_a_code_would_get() {
    let world = World::new().await;
    let app = influxctl(&world, "claims: { id_token: [email] }").await;
    let device = Device::ask(&app).await;
    device.poll().await.assert_error(400, "authorization_pending");
    let tokens = device.tokens(&mut Browser::new()).await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "openid profile email offline_access read");
    let access = app.verified(tokens["access_token"].as_str().unwrap(), API).await.claims;
    let id = app.verified(tokens["id_token"].as_str().unwrap(), "influxctl").await.claims;
    assert_eq!((&access["sub"], &access["client_id"]), (&id["sub"], &"influxctl".into()));
    assert!(id["sub"].as_str().unwrap().starts_with("usr_") && id.get("nonce").is_none());
    assert_eq!((&id["email"], &id["sid"]), (&"marty@contoso.example".into(), &access["sid"]));
    let refreshed = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.json);
    assert_eq!(claims(refreshed.text("id_token"))["sub"], id["sub"]);
    let issued = world.last_event("device.approval").await;
    assert_eq!((issued.sub.as_deref(), issued.outcome.as_str()), (id["sub"].as_str(), "success"));
    assert_eq!(header(tokens["access_token"].as_str().unwrap())["typ"], "at+jwt");
}

#[tokio::test]
async fn waiting_is_neither_audited_nor_a_refusal() {
    let world = World::new().await;
    let device = Device::ask(&influxctl(&world, "").await).await;
    for _ in 0..5 {
        device.poll().await.assert_error(400, "authorization_pending");
        world.broker.clock.advance(Duration::seconds(5));
    }
    assert_eq!(world.count("token.refused", "refused").await, 0);
}

#[tokio::test]
async fn only_real_haste_is_told_to_slow_down_and_waits_longer_each_time() {
    let world = World::new().await;
    let device = Device::ask(&influxctl(&world, "").await).await;
    let after = async |millis: i64| {
        world.broker.clock.advance(Duration::milliseconds(millis));
        device.poll().await
    };
    // x/oauth2 asks twice in one breath, and no timer is exact
    for millis in [0, 2, 4800, 3, 5100, 2] {
        after(millis).await.assert_error(400, "authorization_pending");
    }
    after(2000).await.assert_error(400, "slow_down");
    after(5000).await.assert_error(400, "slow_down");
    after(15_000).await.assert_error(400, "authorization_pending");
    after(10_000).await.assert_error(400, "slow_down");
    // haste delays, and loses nothing
    device.approve(&mut Browser::new()).await;
    assert_eq!(device.poll().await.status, 200);
}

#[tokio::test]
async fn a_refused_device_hears_that_and_nothing_else() {
    let world = World::new().await;
    let device = Device::ask(&influxctl(&world, "").await).await;
    let mut browser = Browser::new();
    let page = device.enter(&mut browser).await;
    let page = browser.press(&page, "deny").await;
    assert!(page.has("device-denied"), "{page}");
    for _ in 0..2 {
        device.poll().await.assert_error(400, "access_denied");
    }
    let event = world.last_event("device.approval").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some("denied_by_person")));
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes_approved_or_not() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let (forgotten, approved) = (Device::ask(&app).await, Device::ask(&app).await);
    world.broker.clock.advance(Duration::seconds(590));
    forgotten.poll().await.assert_error(400, "authorization_pending");
    approved.approve(&mut Browser::new()).await;
    world.broker.clock.advance(Duration::seconds(10));
    for device in [&forgotten, &approved] {
        device.poll().await.assert_error(400, "expired_token");
    }
    let page = forgotten.enter(&mut Browser::new()).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("expired"), "{page}");
}

#[tokio::test]
async fn a_device_code_is_redeemed_once_by_its_client() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let other = world.app("other", "kind: native\ngrants: [device_code]").await;
    let device = Device::ask(&app).await;
    let stolen = Device { app: other, answer: device.answer.clone() };
    stolen.poll().await.assert_error(400, "invalid_grant");
    device.approve(&mut Browser::new()).await;
    stolen.poll().await.assert_error(400, "invalid_grant");
    assert_eq!(device.poll().await.status, 200);
    for _ in 0..2 {
        device.poll().await.assert_error(400, "invalid_grant");
        world.broker.clock.advance(Duration::seconds(6));
    }
    let never = [("grant_type", GRANT), ("device_code", "avo_dc_made_up")];
    app.token(&never).await.assert_error(400, "invalid_grant");
    app.token(&[("grant_type", GRANT)]).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn of_polls_in_one_breath_one_gets_tokens_and_keeps_them() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    for _ in 0..5 {
        let device = Device::ask(&app).await;
        device.approve(&mut Browser::new()).await;
        let answers = join_all((0..4).map(|_| device.poll())).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(won.len(), 1);
        for answer in lost {
            answer.assert_error(400, "invalid_grant");
        }
        assert_eq!(app.refresh(won[0].text("refresh_token")).await.status, 200);
    }
}

#[tokio::test]
async fn a_code_survives_every_failed_authentication() {
    let world = World::new().await;
    influxctl(&world, "").await;
    world.apply("clients: [{ client_id: shop, name: The Shop, kind: web, grants: [device_code], client_secret: { file: shop } }]").await;
    let shop = App { scope: "openid".into(), ..world.shop.clone() };
    let device = Device::ask(&shop).await;
    device.approve(&mut Browser::new()).await;
    let fields = [("grant_type", GRANT), ("device_code", device.device_code()), ("client_id", "shop")];
    for auth in [None, Some(basic("shop", "")), Some(basic("shop", "wrong"))] {
        post(&shop.token_url(), auth.as_deref(), &fields).await.assert_error(401, "invalid_client");
    }
    assert_eq!(device.poll().await.status, 200);
}
