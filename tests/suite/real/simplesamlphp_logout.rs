//! Single logout with SimpleSAMLphp, begun here and begun there, by both bindings. It insists on our signatures and signs
//! what it says itself.

use serde_json::json;

use super::chromium::picture;
use super::simplesamlphp_chromium::log_in;
use super::simplesamlphp_stage::{BYE, PASSWORD, SimpleSamlPhpStage, asks_who, inflated};
use crate::harness::{AuditEvent, Browser, Chromium, Page, SimpleSamlPhp};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// SimpleSAMLphp takes logout messages by this binding.
async fn set(binding: &str) -> SimpleSamlPhpStage {
    let mut idp = SimpleSamlPhp::start();
    idp.idp(json!({ "sign.logout": true, "validate.logout": true, "SingleLogoutServiceBinding": [binding] }));
    SimpleSamlPhpStage::with(idp, json!({ "single_logout": true })).await
}

/// Where SimpleSAMLphp's own "sign out everywhere" is, which ends at an address of its own.
fn sign_out_there(stage: &SimpleSamlPhpStage) -> String {
    let after = stage.idp.url("logout.html");
    format!("{}?RelayState={after}", stage.idp.url("saml2/idp/initSLO.php"))
}

/// Presses Continue on whatever only carries on, ours and SimpleSAMLphp's.
async fn carry_on(browser: &mut Browser, mut page: Page) -> Page {
    while let Some(form) = page.forms().into_iter().next().filter(|_| !page.stopped && !asks_who(&page)) {
        page = browser.submit(&page, &form.id, &[]).await;
    }
    page
}

async fn last(stage: &SimpleSamlPhpStage, action: &str) -> AuditEvent {
    let events = stage.broker.audit_events().await;
    events.iter().rfind(|event| event.action == action).unwrap_or_else(|| panic!("no {action}: {events:#?}")).clone()
}

#[tokio::test]
async fn whoever_signs_out_here_is_signed_out_there() {
    for binding in [REDIRECT, POST] {
        let mut stage = set(binding).await;
        let mut browser = Browser::new();
        let leave = stage.enter(&mut browser).await;
        assert!(stage.knows(&browser).await);
        let page = browser.open(&leave).await;
        let page = carry_on(&mut browser, page).await;
        assert!(page.stopped && page.url.as_str().starts_with(BYE), "{binding}: {page}");
        assert!(!stage.knows(&browser).await, "{binding}");
        let page = stage.visit(&mut browser, json!({})).await;
        assert!(asks_who(&page), "{binding}: its session is over: {page}");
        let event = last(&stage, "logout.upstream").await;
        assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("success", None), "{binding}");
    }
}

#[tokio::test]
async fn whoever_signs_out_there_is_signed_out_here() {
    for binding in [REDIRECT, POST] {
        let mut stage = set(binding).await;
        // by which binding it speaks to us
        let slo = stage.broker.url("/connections/fabrikam/slo");
        stage.idp.sp(json!({ "SingleLogoutService": [{ "Binding": binding, "Location": slo }] }));
        let mut browser = Browser::new();
        stage.enter(&mut browser).await;
        let mut elsewhere = Browser::new();
        stage.enter(&mut elsewhere).await;

        let page = browser.open(&sign_out_there(&stage)).await;
        let page = carry_on(&mut browser, page).await;
        assert!(page.url.as_str().starts_with(&stage.idp.url("logout.html")), "{binding}: {page}");
        assert!(!stage.knows(&browser).await, "{binding}");
        assert!(stage.knows(&elsewhere).await, "{binding}: another session of hers lives on");
        let page = stage.visit(&mut browser, json!({})).await;
        assert!(asks_who(&page), "{binding}: {page}");
    }
}

#[tokio::test]
async fn a_logout_message_without_a_signature_signs_nobody_out() {
    let mut stage = set(REDIRECT).await;
    let mut browser = Browser::new();
    let leave = stage.enter(&mut browser).await;
    stage.idp.idp(json!({ "sign.logout": false }));
    let page = browser.clone().open(&sign_out_there(&stage)).await;
    page.assert_problem(400, "not_signed");
    assert!(stage.knows(&browser).await);
    // Its answer to ours is no better, but whoever wanted to leave has left.
    let page = browser.open(&leave).await;
    assert_eq!(page.text_of("error-code").as_deref(), Some("not_signed"), "{page}");
    assert!(!stage.knows(&browser).await);
}

#[tokio::test]
async fn a_transient_name_is_enough_to_sign_out_by() {
    let mut idp = SimpleSamlPhp::start();
    idp.idp(json!({ "sign.logout": true, "validate.logout": true }));
    idp.sp(json!({ "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" }));
    let mut stage = SimpleSamlPhpStage::with(idp, json!({ "single_logout": true, "subject": "uid" })).await;
    let [mut there, mut here] = [Browser::new(), Browser::new()];
    stage.enter(&mut there).await;
    let leave = stage.enter(&mut here).await;
    there.open(&sign_out_there(&stage)).await;
    assert!(!stage.knows(&there).await && stage.knows(&here).await);

    // What we say of her is what it called her, not the attribute that we know her by.
    let slo = stage.idp.url("saml2/idp/SingleLogoutService.php");
    let page = here.stop_at(&slo).open(&leave).await;
    let request = inflated(&page.param("SAMLRequest"));
    assert!(request.contains(":nameid-format:transient\"") && !request.contains(">alice<"), "{request}");
    assert!(request.contains("<samlp:SessionIndex>"), "{request}");
}

#[tokio::test]
async fn a_person_signs_out_of_both_in_chromium() {
    let stage = set(REDIRECT).await;
    let mut app = stage.application().await;
    let browser = Chromium::start().await;
    browser.goto(&app.ask_at(&stage.broker.issuer, "response_mode", "query").await).await;
    log_in(&browser, PASSWORD).await;
    browser.wait_for_url(&app.redirect_uri).await;
    browser.goto(&stage.broker.url("/oidc/logout")).await;
    browser.click("#sign-out").await;
    browser.wait_for("#signed-out").await;
    assert!(browser.text("#also-at").await.contains("Fabrikam"));
    picture(&browser, "saml-signed-out").await;
    browser.goto(&app.ask_at(&stage.broker.issuer, "response_mode", "query").await).await;
    browser.wait_for("#password").await;
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}

/// Its page signs everybody out in frames of its own, which is another site's: our cookies do not come along.
#[tokio::test]
async fn a_person_signs_out_there_by_frames_in_chromium() {
    let mut stage = set(REDIRECT).await;
    stage.idp.idp(json!({ "logouttype": "iframe" }));
    let mut app = stage.application().await;
    let browser = Chromium::start().await;
    browser.goto(&app.ask_at(&stage.broker.issuer, "response_mode", "query").await).await;
    log_in(&browser, PASSWORD).await;
    browser.wait_for_url(&app.redirect_uri).await;
    browser.goto(&sign_out_there(&stage)).await;
    browser.wait_for("#logout-all").await;
    browser.screenshot("saml-sign-out-there").await;
    browser.click("#logout-all").await;
    // It goes on by itself when every frame has come back to it.
    browser.wait_for_url(&stage.idp.url("logout.html")).await;
    browser.goto(&app.ask_at(&stage.broker.issuer, "prompt", "none").await).await;
    let back = browser.wait_for_url(&app.redirect_uri).await;
    assert!(back.contains("error=login_required"), "{back}");
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}
