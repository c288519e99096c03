//! The device pages in a real Chromium, with pictures; once without script and mouse.

use serde_json::{Value, json};

use super::chromium::{picture, sign_in_upstream};
use super::stage::{Stage, client};
use crate::harness::app::post;
use crate::harness::chromium::{Chromium, ENTER};

const API: &str = "https://influx.example";

async fn set() -> (Stage, Chromium) {
    let stage = Stage::set(&[("contoso", "client_secret_basic")]).await;
    let influxctl = json!({
        "name": "influxctl",
        "kind": "native",
        "grants": ["device_code", "refresh_token"],
        "audiences": [API],
        "complete_verification_uri": true,
    });
    let file = json!({
        "connections": [stage.connection("contoso", "client_secret_basic", json!({ "display_name": "Contoso" }))],
        "resources": [{ "identifier": API, "scopes": ["read", "write"] }],
        "clients": [client("influxctl", influxctl)],
    });
    stage.apply(&file).await;
    (stage, Chromium::start().await)
}

async fn ask(stage: &Stage) -> Value {
    let fields = [("client_id", "influxctl"), ("scope", "openid profile email groups offline_access read write")];
    post(&stage.broker.url("/oauth/device/code"), None, &fields).await.json
}

#[tokio::test]
async fn a_person_connects_a_device() {
    let (stage, browser) = set().await;
    let device = ask(&stage).await;
    let code = device["user_code"].as_str().unwrap();
    browser.goto(device["verification_uri"].as_str().unwrap()).await;
    browser.wait_for("#user-code").await;
    picture(&browser, "device").await;
    browser.fill("#user-code", "BCDF-GHJK").await;
    browser.click("#continue").await;
    browser.wait_for("#code-error").await;
    picture(&browser, "device-error").await;
    browser.fill("#user-code", code).await;
    browser.click("#continue").await;
    sign_in_upstream(&browser, &stage).await;
    browser.wait_for("#approve").await;
    assert_eq!(browser.text("#code-shown").await, code);
    picture(&browser, "device-approval").await;
    browser.click("#approve").await;
    browser.wait_for("#device-approved").await;
    picture(&browser, "device-approved").await;

    // the next one comes as an address, and the sign-in is still fresh
    let device = ask(&stage).await;
    browser.goto(device["verification_uri_complete"].as_str().unwrap()).await;
    browser.wait_for("#user-code").await;
    picture(&browser, "device-compare").await;
    browser.click("#continue").await;
    browser.click("#deny").await;
    browser.wait_for("#device-denied").await;
    picture(&browser, "device-denied").await;
    browser.goto(device["verification_uri_qr"].as_str().unwrap()).await;
    browser.screenshot("device-qr").await;
    assert_eq!(browser.complaints(stage.issuer()).await, [""; 0]);
}

#[tokio::test]
async fn a_person_connects_a_device_without_script_or_mouse() {
    let (stage, browser) = set().await;
    browser.script(false).await;
    let device = ask(&stage).await;
    browser.goto(device["verification_uri"].as_str().unwrap()).await;
    browser.wait_for("#user-code").await;
    browser.press(device["user_code"].as_str().unwrap()).await;
    browser.press(ENTER).await;
    sign_in_upstream(&browser, &stage).await;
    browser.wait_for("#approve").await;
    browser.tab_to("deny").await;
    browser.tab_to("approve").await;
    browser.press(ENTER).await;
    browser.wait_for("#device-approved").await;
    assert_eq!(browser.complaints(stage.issuer()).await, [""; 0]);
}
