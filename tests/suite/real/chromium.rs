//! The pages in a real Chromium: a person goes from an application by our chooser to oidc-provider's own sign-in page,
//! consents, and comes back. Leaves pictures in target/screenshots (`make screenshots`).

use serde_json::json;

use super::app::App;
use super::stage::{Stage, client};
use crate::harness::chromium::{Chromium, ENTER};

/// Two connections, of which one lets nobody in, and an application of somebody else.
async fn set() -> (Stage, App, Chromium) {
    let method = "client_secret_basic";
    let stage = Stage::set(&[("contoso", method), ("fabrikam", method)]).await;
    let app = App::open("reports").await;
    let contoso = json!({ "display_name": "Contoso", "email_domains": ["corp.example"] });
    let fabrikam = json!({ "display_name": "Fabrikam", "allow": "'partners' in claims.groups" });
    let reports = json!({ "name": "Quarterly Reports", "first_party": false, "redirect_uris": [app.redirect_uri] });
    let file = json!({
        "connections": [stage.connection("contoso", method, contoso), stage.connection("fabrikam", method, fabrikam)],
        "clients": [client("reports", reports)],
    });
    stage.apply(&file).await;
    (stage, app, Chromium::start().await)
}

/// oidc-provider's own pages: who it is, and that we may know.
async fn sign_in_upstream(browser: &Chromium, stage: &Stage) {
    browser.wait_for_url(&format!("{}/interaction/", stage.provider_issuer)).await;
    browser.fill("input[name=login]", "alice").await;
    browser.fill("input[name=password]", "any").await;
    browser.click("button[type=submit]").await;
    browser.click("form:has(input[value=consent]) button[type=submit]").await;
}

/// One page as people have it: on a desk by day and by night, and on a phone.
pub async fn picture(browser: &Chromium, name: &str) {
    browser.screenshot(&format!("{name}-light")).await;
    browser.dark(true).await;
    browser.screenshot(&format!("{name}-dark")).await;
    browser.dark(false).await;
    browser.window(390, 844).await;
    browser.screenshot(&format!("{name}-phone")).await;
    assert!(browser.overflow().await <= 0, "{name} is to be scrolled sideways on a phone");
    browser.window(1280, 900).await;
}

#[tokio::test]
async fn a_person_signs_in_through_the_chooser_and_consents() {
    let (stage, mut app, browser) = set().await;
    browser.goto(&stage.broker.url("/")).await;
    browser.wait_for("#signed-out").await;
    picture(&browser, "landing").await;

    browser.goto(&app.ask(&stage).await).await;
    browser.wait_for("#connection-fabrikam").await;
    picture(&browser, "chooser").await;
    browser.fill("#email", "alice@nobody.example").await;
    browser.click("#continue").await;
    browser.wait_for("#email-error").await;
    picture(&browser, "chooser-error").await;

    browser.fill("#email", "alice@corp.example").await;
    browser.click("#continue").await;
    sign_in_upstream(&browser, &stage).await;
    browser.wait_for("#allow").await;
    assert!(browser.text("main").await.contains("alice@corp.example"), "whose account it is about");
    picture(&browser, "consent").await;
    browser.click("#allow").await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    browser.wait_for("#welcome").await;
    assert_eq!(app.welcome(&back).await["name"], "Alice Adams");

    // Everything is remembered: session and consent.
    browser.goto(&app.ask(&stage).await).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["groups"], json!(["eng", "admins"]));
    browser.goto(&app.ask_for(&stage, "prompt", "select_account").await).await;
    browser.wait_for("#continue-as").await;
    picture(&browser, "chooser-again").await;
    browser.click("#continue-as").await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["name"], "Alice Adams");
    browser.goto(&stage.broker.url("/")).await;
    browser.wait_for("#signed-in").await;
    picture(&browser, "landing-signed-in").await;
    assert_eq!(browser.complaints(stage.issuer()).await, [""; 0]);
}

#[tokio::test]
async fn a_person_whom_the_rule_refuses_is_told_so_and_has_ways_on() {
    let (stage, mut app, browser) = set().await;
    browser.goto(&app.ask(&stage).await).await;
    browser.click("#connection-fabrikam").await;
    sign_in_upstream(&browser, &stage).await;
    assert!(browser.text("#trace-id").await.starts_with("trc_"));
    picture(&browser, "refused").await;
    browser.goto(&stage.broker.url("/")).await;
    browser.wait_for("#signed-out").await;
    assert_eq!(browser.complaints(stage.issuer()).await, [""; 0]);
}

#[tokio::test]
async fn the_pages_work_without_script() {
    let (stage, mut app, browser) = set().await;
    browser.script(false).await;
    browser.goto(&app.ask(&stage).await).await;
    browser.click("#connection-contoso").await;
    sign_in_upstream(&browser, &stage).await;
    browser.click("#deny").await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert!(back.contains("error=access_denied"), "{back}");

    browser.goto(&app.ask(&stage).await).await;
    browser.click("#allow").await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["email"], "alice@corp.example");

    browser.goto(&app.ask_for(&stage, "response_mode", "form_post").await).await;
    browser.wait_for("#form-post").await;
    picture(&browser, "form-post").await;
    browser.click("#continue").await;
    browser.wait_for("#welcome").await;
    assert_eq!(app.welcome_posted().await["email"], "alice@corp.example");
    browser.script(true).await;
    browser.goto(&app.ask_for(&stage, "response_mode", "form_post").await).await;
    browser.wait_for("#welcome").await;
    assert_eq!(app.welcome_posted().await["email"], "alice@corp.example", "with script nothing has to be pressed");
}

#[tokio::test]
async fn the_pages_work_without_a_mouse() {
    let (stage, mut app, browser) = set().await;
    browser.goto(&app.ask(&stage).await).await;
    browser.wait_for("#email").await;
    browser.tab_to("email").await;
    browser.tab_to("continue").await;
    browser.tab_to("connection-contoso").await;
    browser.screenshot("chooser-focus").await;
    browser.press(ENTER).await;
    sign_in_upstream(&browser, &stage).await;
    browser.wait_for("#allow").await;
    browser.tab_to("deny").await;
    browser.tab_to("allow").await;
    browser.press(ENTER).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert_eq!(app.welcome(&back).await["name"], "Alice Adams");
}
