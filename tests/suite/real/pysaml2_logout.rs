//! Single logout with pysaml2, which answers only for whom it signed in: the NameID as it sent it, the session by its
//! index, every message signed.

use serde_json::json;

use super::saml_stage::{Metadata, SamlStage, arrive};
use crate::harness::{Browser, Page, Peer};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// Somebody is signed in in the browser; pysaml2 takes and sends logout messages by this binding.
async fn signed_in(binding: &str) -> (SamlStage, Browser) {
    let more = json!({ "single_logout": true, "subject": "uid" });
    let (mut idp, metadata_url) = Peer::pysaml2_idp("localhost").await;
    idp.tell(json!({ "cmd": "slo_binding", "binding": binding })).await;
    let mut stage = SamlStage::around((idp, metadata_url), Metadata::Fetched, more).await;
    let who = json!({ "name_id": "_8c1f", "name_id_format": TRANSIENT, "attributes": { "uid": ["alice"] } });
    stage.user(who).await;
    let (mut browser, page) = stage.answered().await;
    assert!(arrive(&mut browser, &page).await.stopped);
    assert!(is_signed_in(&stage, &browser).await);
    (stage, browser)
}

async fn is_signed_in(stage: &SamlStage, browser: &Browser) -> bool {
    let page = browser.clone().open(&stage.broker.url("/")).await;
    page.has("signed-in")
}

/// Presses on where a page only carries on.
async fn carry_on(browser: &mut Browser, mut page: Page) -> Page {
    while let Some(form) = page.forms().into_iter().next() {
        page = browser.submit(&page, &form.id, &[]).await;
    }
    page
}

#[tokio::test]
async fn whoever_signs_out_here_is_signed_out_there() {
    for binding in ["redirect", "post"] {
        let (stage, mut browser) = signed_in(binding).await;
        let page = browser.open(&stage.broker.url("/oidc/logout")).await;
        let page = browser.press(&page, "sign-out").await;
        let page = carry_on(&mut browser, page).await;
        assert!(page.has("also-at"), "{binding}: {page}");
        assert!(!is_signed_in(&stage, &browser).await, "{binding}");
    }
}

#[tokio::test]
async fn whoever_signs_out_there_is_signed_out_here() {
    for binding in ["redirect", "post"] {
        let (stage, mut browser) = signed_in(binding).await;
        let page = browser.open(&stage.metadata_url.replace("/metadata", "/logout")).await;
        let page = carry_on(&mut browser, page).await;
        assert_eq!((page.status, page.body.as_str()), (200, "signed out everywhere"), "{binding}: {page}");
        assert!(!is_signed_in(&stage, &browser).await, "{binding}");
    }
}
