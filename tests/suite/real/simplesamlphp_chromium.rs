//! SimpleSAMLphp's own login page in a real Chromium: it stands at 127.0.0.1 and Avouch at localhost, two sites, so that
//! the browser withholds cookies as it does in life. Leaves pictures in target/screenshots.

use serde_json::json;

use super::app::App;
use super::chromium::picture;
use super::simplesamlphp_stage::{PASSWORD, SimpleSamlPhpStage};
use crate::harness::{Chromium, SimpleSamlPhp};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

async fn set() -> (SimpleSamlPhpStage, App, Chromium) {
    with(SimpleSamlPhp::start()).await
}

async fn with(idp: SimpleSamlPhp) -> (SimpleSamlPhpStage, App, Chromium) {
    let stage = SimpleSamlPhpStage::with(idp, json!({})).await;
    let app = stage.application().await;
    (stage, app, Chromium::start().await)
}

async fn ask(stage: &SimpleSamlPhpStage, app: &mut App) -> String {
    app.ask_at(&stage.broker.issuer, "response_mode", "query").await
}

/// Types into the login page.
pub async fn log_in(browser: &Chromium, password: &str) {
    browser.fill("#username", "alice").await;
    browser.fill("#password", password).await;
    browser.click("#submit_button").await;
}

#[tokio::test]
async fn a_person_mistypes_a_password_and_signs_in() {
    let (mut stage, mut app, browser) = set().await;
    stage.idp.sp(json!({ "assertion.encryption": true }));
    let url = ask(&stage, &mut app).await;
    browser.goto(&url).await;
    browser.wait_for("#password").await;
    browser.screenshot("saml-login").await;
    log_in(&browser, "wrong").await;
    browser.wait_for(".erroricon").await;
    log_in(&browser, PASSWORD).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    let claims = app.welcome(&back).await;
    assert_eq!((&claims["email"], &claims["groups"]), (&json!("alice@corp.example"), &json!(["eng", "admins"])));

    // Signed in here; anew means its login page again.
    let url = ask(&stage, &mut app).await;
    browser.goto(&url).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["sub"], claims["sub"]);
    browser.goto(&app.ask_at(&stage.broker.issuer, "prompt", "login").await).await;
    log_in(&browser, PASSWORD).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["sub"], claims["sub"]);
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}

#[tokio::test]
async fn request_and_answer_cross_the_sites_as_forms_without_script() {
    let mut idp = SimpleSamlPhp::start();
    idp.idp(json!({ "SingleSignOnServiceBinding": [POST] }));
    let (stage, mut app, browser) = with(idp).await;
    let url = ask(&stage, &mut app).await;
    browser.script(false).await;
    browser.goto(&url).await;
    browser.wait_for("#form-post").await;
    picture(&browser, "saml-request").await;
    browser.click("#continue").await;
    log_in(&browser, PASSWORD).await;
    browser.click("button.btn[type=submit]").await;
    // Our own page: the answer came from another site, without our cookies, and is posted again from ours.
    browser.wait_for("#form-post").await;
    picture(&browser, "saml-answer").await;
    browser.click("#continue").await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["name"], "Alice Adams");

    browser.script(true).await;
    let url = app.ask_at(&stage.broker.issuer, "prompt", "login").await;
    browser.goto(&url).await;
    log_in(&browser, PASSWORD).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["name"], "Alice Adams", "with script nothing has to be pressed");
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}

#[tokio::test]
async fn an_answer_signed_by_another_key_ends_on_a_page_with_ways_on() {
    let (mut stage, mut app, browser) = set().await;
    // Fetched before the key changes, the trusted certificate is that of the first key.
    stage.sign_in().await;
    stage.idp.new_key("other");
    stage.idp.idp(json!({ "privatekey": "other.key" }));
    let url = ask(&stage, &mut app).await;
    browser.goto(&url).await;
    log_in(&browser, PASSWORD).await;
    let trace_id = browser.text("#trace-id").await;
    picture(&browser, "saml-refused").await;
    let events = stage.broker.audit_events().await;
    let event = events.iter().find(|event| event.trace_id.as_deref() == Some(&trace_id));
    assert_eq!(event.and_then(|event| event.reason.as_deref()), Some("signature_invalid"), "{events:#?}");
    browser.goto(&stage.broker.url("/")).await;
    browser.wait_for("#signed-out").await;
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}
