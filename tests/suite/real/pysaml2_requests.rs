//! pysaml2 above Avouch: requests by form, our own keys replaced, and a sign-in that begins at pysaml2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::saml_stage::{Metadata, SamlStage, arrive};
use super::stage::CALLBACK;
use crate::harness::{Browser, Chromium, Page};

async fn with(more: Value) -> SamlStage {
    SamlStage::set("localhost", Metadata::Fetched, more).await
}

impl SamlStage {
    /// pysaml2 reads our metadata again.
    async fn trusted_again(&mut self) {
        let ours = self.our_metadata().await;
        self.idp.tell(json!({ "cmd": "trust_sp", "metadata": ours })).await;
    }

    async fn sp_keys(&self, command: &str) {
        let (success, printed) = self.broker.cli(&["connection", "sp-keys", command, "fabrikam"]).await;
        assert!(success, "{command}: {printed}");
        self.broker.catch_up().await;
    }
}

#[tokio::test]
async fn a_request_by_form_is_believed_as_it_was_signed() {
    let mut stage = with(json!({})).await;
    let sso_url = stage.metadata_url.replace("/metadata", "/sso");
    let rotated = stage.idp.tell(json!({ "cmd": "rotate_certificate" })).await;
    let connection = json!({
        "slug": "fabrikam", "protocol": "saml", "entity_id": stage.metadata_url, "sso_url": sso_url,
        "sso_binding": "post", "certificates": rotated["certificates"],
    });
    stage.broker.apply(&json!({ "connections": [connection] }).to_string()).await;
    let url = stage.ask().await;
    let mut browser = Browser::new();
    let form = browser.stop_at(CALLBACK).open(&url).await;
    assert_eq!(form.form("form-post").action, sso_url, "{form}");

    let request = form.form("form-post").fields.iter().find(|(name, _)| name == "SAMLRequest").unwrap().1.clone();
    let request = String::from_utf8(STANDARD.decode(request).unwrap()).unwrap();
    let changed = STANDARD.encode(request.replace("AllowCreate=\"true\"", "AllowCreate=\"false\""));
    let unsigned = request.split("<ds:Signature").next().unwrap().to_owned()
        + request.split("</ds:Signature>").nth(1).unwrap_or_default();
    for other in [changed, STANDARD.encode(unsigned)] {
        let page = browser.submit(&form, "form-post", &[("SAMLRequest", &other)]).await;
        assert_eq!(page.status, 400, "{page}");
    }
    let answer = browser.submit(&form, "form-post", &[]).await;
    assert!(arrive(&mut browser, &answer).await.stopped, "{answer}");
}

#[tokio::test]
async fn our_keys_are_replaced_without_a_failed_sign_in() {
    let mut stage = with(json!({ "encryption": "require" })).await;
    stage.idp.tell(json!({ "cmd": "mode", "sign": "both", "encrypt": true })).await;
    let before = stage.sign_in().await["sub"].clone();
    stage.sp_keys("add").await;
    assert_eq!(stage.sign_in().await["sub"], before, "by the old copy of our metadata");
    stage.trusted_again().await;
    assert_eq!(stage.sign_in().await["sub"], before, "by the copy that shows both");
    let (mut under_way, page) = stage.answered().await;
    stage.sp_keys("promote").await;
    assert!(arrive(&mut under_way, &page).await.stopped, "encrypted to the key before");
    assert_eq!(stage.sign_in().await["sub"], before, "signed with a key that pysaml2 has seen");
    stage.trusted_again().await;
    stage.sp_keys("retire").await;
    assert_eq!(stage.sign_in().await["sub"], before, "by the new keys alone");
}

#[tokio::test]
async fn pysaml2_is_asked_anew_and_for_a_context() {
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    let smartcard = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI";
    let mut stage = with(json!({ "force_authn": true, "requested_authn_context": [smartcard, password] })).await;
    stage.sign_in().await;
    let mut stage = with(json!({ "requested_authn_context": [smartcard] })).await;
    stage.refused("authn_context").await;
}

/// From pysaml2's page to our second request and its answer.
async fn begun_there(stage: &SamlStage, browser: &mut Browser) -> Page {
    let sp = stage.broker.url("/connections/fabrikam/metadata");
    let mut start = url::Url::parse(&stage.metadata_url.replace("/metadata", "/start")).unwrap();
    start.query_pairs_mut().append_pair("sp", &sp).append_pair("RelayState", "https://evil.example/");
    let page = browser.open(start.as_str()).await;
    arrive(browser, &page).await
}

#[tokio::test]
async fn a_sign_in_that_begins_at_pysaml2_is_confirmed_by_it_before_it_counts() {
    let stage = with(json!({})).await;
    let mut browser = Browser::new();
    let page = begun_there(&stage, &mut browser).await;
    stage.assert_refusal(&browser, &page, 400, "unsolicited").await;

    let stage = with(json!({ "allow_idp_initiated": true })).await;
    let mut browser = Browser::new();
    let page = begun_there(&stage, &mut browser).await;
    assert_eq!((page.status, page.forms().len()), (200, 1), "pysaml2 answers our own request: {page}");
    assert_eq!(browser.session(&stage.broker.issuer), None);
    let page = arrive(&mut browser, &page).await;
    assert_eq!((page.status, page.url.path()), (200, "/"), "{page}");
    assert!(page.has("signed-in") && page.body.contains("Alice Adams"), "{page}");
}

/// Twice from another site, and only a real browser withholds cookies.
#[tokio::test]
async fn a_real_browser_comes_from_pysaml2_and_is_signed_in() {
    let more = json!({ "allow_idp_initiated": true });
    let stage = SamlStage::set("127.0.0.1", Metadata::Fetched, more).await;
    let browser = Chromium::start().await;
    let sp = stage.broker.url("/connections/fabrikam/metadata");
    browser.goto(&format!("{}?sp={sp}", stage.metadata_url.replace("/metadata", "/start"))).await;
    assert!(browser.text("#signed-in").await.contains("Alice Adams"));
    assert_eq!(browser.complaints(&stage.broker.issuer).await, [""; 0]);
}
