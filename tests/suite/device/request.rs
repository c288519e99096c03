//! The device asks for its codes.

use super::{API, Device, ask, influxctl};
use crate::harness::app::{answer, basic, claims, get, http, post};
use crate::harness::{App, Browser, World};

#[tokio::test]
async fn a_device_gets_two_codes_and_an_address() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let answer = ask(&app, &[("client_id", "influxctl"), ("scope", "openid")]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{}", answer.json);
    assert_eq!((&answer.json["expires_in"], &answer.json["interval"]), (&600.into(), &5.into()));
    assert_eq!(answer.text("verification_uri"), world.broker.url("/device"));
    assert!(answer.text("device_code").starts_with("avo_dc_"));
    let code = answer.text("user_code");
    let (front, back) = code.split_once('-').expect("a dash in the middle");
    let consonants = |text: &str| text.len() == 4 && text.bytes().all(|b| b"BCDFGHJKLMNPQRSTVWXZ".contains(&b));
    assert!(consonants(front) && consonants(back), "{code}");
    let complete = ["verification_uri_complete", "verification_uri_qr"];
    assert!(complete.iter().all(|member| answer.json.get(member).is_none()), "only where the client says so");
    let event = world.last_event("device.request").await;
    assert_eq!((event.outcome.as_str(), event.client_id.as_deref()), ("success", Some("influxctl")));
}

#[tokio::test]
async fn no_secret_is_demanded_and_a_wrong_one_is_not_taken() {
    let world = World::new().await;
    influxctl(&world, "").await;
    world.apply("clients: [{ client_id: shop, name: The Shop, kind: web, grants: [device_code], client_secret: { file: shop } }]").await;
    let url = world.broker.url("/oauth/device/code");
    let secret = crate::harness::world::SHOP_SECRET;
    for (auth, fields) in [
        (None, vec![("client_id", "shop")]),
        (None, vec![("client_id", "shop"), ("client_secret", secret)]),
        (Some(basic("shop", secret)), vec![]),
        (Some(basic("shop", secret)), vec![("client_id", "shop")]),
        // a public client's secret means nothing
        (Some(basic("influxctl", "")), vec![("client_id", "influxctl")]),
        (None, vec![("client_id", "influxctl"), ("client_secret", "whatever")]),
    ] {
        let answer = post(&url, auth.as_deref(), &fields).await;
        assert_eq!(answer.status, 200, "{fields:?}: {}", answer.json);
    }
    for (auth, fields) in [
        (None, vec![("client_id", "shop"), ("client_secret", "wrong")]),
        (Some(basic("shop", "wrong")), vec![("client_id", "shop")]),
        (Some(basic("nobody", "")), vec![]),
        (None, vec![("client_id", "nobody")]),
    ] {
        post(&url, auth.as_deref(), &fields).await.assert_error(401, "invalid_client");
    }
    post(&url, None, &[("scope", "openid")]).await.assert_error(400, "invalid_request");
    let as_json = http().post(&url).json(&serde_json::json!({ "client_id": "influxctl" })).send().await.unwrap();
    assert_eq!(as_json.status(), 400);
}

#[tokio::test]
async fn only_clients_with_the_grant_get_codes() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let shop = ask(&app, &[("client_id", "shop")]).await;
    shop.assert_error(400, "unauthorized_client");
    assert!(shop.text("error_description").contains("device_code"), "{}", shop.json);
    let off = influxctl(&world, "enabled: false").await;
    ask(&off, &[("client_id", "influxctl")]).await.assert_error(401, "invalid_client");
}

/// REQUIREMENTS of influxctl's sample configurations: `scopes = [""]`, Auth0's `audience`, Entra's `X/.default`.
#[tokio::test]
async fn audiences_and_scopes_are_asked_for_in_every_dialect() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    for (more, scope) in [
        (vec![("scope", "")], ""),
        (vec![], ""),
        (vec![("audience", API), ("scope", "read")], "read"),
        (vec![("resource", API), ("scope", "openid read unknown")], "openid read"),
        (vec![("scope", "https://influx.example/.default openid")], "openid"),
    ] {
        let fields = [vec![("client_id", "influxctl")], more].concat();
        let answer = ask(&app, &fields).await;
        assert_eq!(answer.status, 200, "{fields:?}: {}", answer.json);
        let device = Device { app: app.clone(), answer: answer.json };
        let tokens = device.tokens(&mut Browser::new()).await;
        assert_eq!(tokens["scope"], scope, "{fields:?}");
        assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], API, "{fields:?}");
        assert_eq!(tokens.get("id_token").is_some(), scope.contains("openid"));
        assert!(tokens.get("refresh_token").is_none(), "nobody asked for offline_access");
    }
    let forbidden = "https://forbidden.example";
    for target in ["audience", "resource"] {
        let answer = ask(&app, &[("client_id", "influxctl"), (target, forbidden)]).await;
        answer.assert_error(400, "invalid_target");
    }
    for scope in ["https://forbidden.example/.default", "nowhere/.default"] {
        let answer = ask(&app, &[("client_id", "influxctl"), ("scope", scope)]).await;
        answer.assert_error(400, "invalid_scope");
        assert!(answer.text("error_description").contains(scope), "{}", answer.json);
    }
}

#[tokio::test]
async fn a_default_scope_is_judged_alike_by_every_grant() {
    let world = World::new().await;
    influxctl(&world, "").await;
    let spa = world.app("wiki", "kind: spa\naudiences: [https://influx.example]").await;
    let asked = spa.scoped("openid offline_access read https://influx.example/.default");
    let tokens = asked.tokens(&mut asked.browser(), &[]).await;
    assert_eq!(claims(tokens["access_token"].as_str().unwrap())["aud"], API);
    let refused = spa.scoped("openid https://forbidden.example/.default");
    let (_, page) = refused.sign_in(&mut refused.browser(), &[]).await;
    page.assert_error("invalid_scope");
    let refresh = |scope: &'static str, token: &serde_json::Value| {
        let (app, token) = (spa.clone(), token["refresh_token"].as_str().unwrap().to_owned());
        async move { app.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)]).await }
    };
    refresh("https://forbidden.example/.default", &tokens).await.assert_error(400, "invalid_scope");
    let again = refresh("https://influx.example/.default", &tokens).await;
    assert_eq!((again.status, again.text("scope")), (200, "openid offline_access read"));
}

#[tokio::test]
async fn a_client_may_let_its_devices_show_a_complete_address_and_a_picture_of_it() {
    let world = World::new().await;
    let app = influxctl(&world, "complete_verification_uri: true").await;
    let device = Device::ask(&app).await;
    let complete = world.broker.url(&format!("/device?user_code={}", device.user_code()));
    assert_eq!(device.answer["verification_uri_complete"], complete.as_str());
    let picture = device.answer["verification_uri_qr"].as_str().unwrap();
    let answer = http().get(picture).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/svg+xml");
    let svg = answer.text().await.unwrap();
    assert!(svg.contains("<svg") && !svg.contains("<script"), "{svg}");
    // it is drawn from the code alone, so it says nothing about which codes there are
    assert_eq!(get(&world.broker.url("/device/qr/BBBB-BBBB.svg")).await.status, 200);
    assert_eq!(get(&world.broker.url("/device/qr/AAAA-AAAA.svg")).await.status, 404);
}

#[tokio::test]
async fn a_flood_of_requests_is_told_to_come_back_later() {
    let world = World::new().await;
    let app: App = influxctl(&world, "").await;
    let (client, url) = (http(), world.broker.url("/oauth/device/code"));
    for round in 0..610 {
        let answer = answer(client.post(&url).form(&[("client_id", "influxctl")])).await;
        if answer.status != 200 {
            answer.assert_error(503, "temporarily_unavailable");
            assert!(round >= 100, "many people may sit behind one address");
            assert!(!answer.header("retry-after").is_empty());
            world.broker.clock.advance(time::Duration::minutes(11));
            Device::ask(&app).await;
            return;
        }
    }
    panic!("nobody stops it");
}
