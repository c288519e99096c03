//! Byte for byte what golang.org/x/oauth2 sends, which influxctl and many other Go programs are made with.

use serde_json::Value;

use super::{Device, influxctl};
use crate::harness::raw::{RawAnswer, post};
use crate::harness::{Browser, World};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

async fn token(world: &World, authorization: Option<&str>, body: &str) -> RawAnswer {
    let line = authorization.map(|value| format!("Authorization: {value}"));
    let headers: Vec<&str> = [FORM].into_iter().chain(line.as_deref()).collect();
    post(&world.broker.issuer, "/oauth/token", &headers, body).await
}

fn pending(answer: &RawAnswer) {
    assert_eq!((answer.status, &answer.json()["error"]), (400, &Value::from("authorization_pending")), "{answer:?}");
}

#[tokio::test]
async fn a1_the_device_request_of_go() {
    let world = World::new().await;
    influxctl(&world, "complete_verification_uri: true").await;
    let body = "audience=https%3A%2F%2Finflux.example&client_id=influxctl&scope=openid+offline_access";
    let headers = [FORM, "Accept: application/json"];
    let answer = post(&world.broker.issuer, "/oauth/device/code", &headers, body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
    let json = answer.json();
    for member in ["device_code", "user_code", "verification_uri", "verification_uri_complete"] {
        assert!(json[member].is_string(), "{member} in {json}");
    }
    assert_eq!((&json["expires_in"], &json["interval"]), (&600.into(), &5.into()));
}

#[tokio::test]
async fn a2_the_twin_polls_of_a_public_client() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app.scoped("openid offline_access")).await;
    let body = format!(
        "client_id=influxctl&device_code={}&grant_type={GRANT}&scope=openid+offline_access",
        device.device_code()
    );
    let empty_secret = Some("Basic aW5mbHV4Y3RsOg==");
    for _ in 0..3 {
        pending(&token(&world, empty_secret, &body).await);
        pending(&token(&world, None, &body).await);
        world.broker.clock.advance(time::Duration::seconds(5));
    }
    // and with both on their way at once
    let (one, other) = tokio::join!(token(&world, empty_secret, &body), token(&world, None, &body));
    pending(&one);
    pending(&other);
    device.approve(&mut Browser::new()).await;
    let answer = token(&world, empty_secret, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.json()["refresh_token"].is_string() && answer.json()["id_token"].is_string());
}

#[tokio::test]
async fn a3_the_twin_polls_of_a_client_with_a_secret() {
    let world = World::new().await;
    let secret = "s3cret+with/odd chars";
    world.broker.secret("odd", secret);
    let shop = "clients: [{ client_id: shop, kind: web, grants: [device_code], client_secret: { file: odd } }]";
    world.apply(shop).await;
    let device = Device::ask(&world.shop.scoped("openid")).await;
    let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let basic = crate::harness::app::basic("shop", &escaped);
    let in_basic = format!("client_id=shop&device_code={}&grant_type={GRANT}&scope=openid", device.device_code());
    let in_body = format!(
        "client_id=shop&client_secret={escaped}&device_code={}&grant_type={GRANT}&scope=openid",
        device.device_code()
    );
    pending(&token(&world, Some(&basic), &in_basic).await);
    pending(&token(&world, None, &in_body).await);
    device.approve(&mut Browser::new()).await;
    let answer = token(&world, None, &in_body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
