//! The whole of it in a real Chromium, each page by day, by night and on a phone.

use super::Linking;
use crate::harness::Chromium;

async fn look(browser: &Chromium, name: &str) {
    browser.wait_for("main").await;
    for look in ["light", "dark", "phone"] {
        match look {
            "dark" => browser.dark(true).await,
            "phone" => browser.window(390, 844).await,
            _ => {}
        }
        browser.screenshot(&format!("account/{name}-{look}")).await;
        let found = browser.axe().await;
        assert!(found.is_empty(), "{name} {look}: {found:#?}");
        assert_eq!(browser.overflow().await, 0, "{name} {look} is to be scrolled sideways");
        browser.dark(false).await;
        browser.window(1280, 900).await;
    }
}

#[tokio::test]
async fn chromium_somebody_links_an_identity_and_takes_it_away() {
    let this = Linking::new().await;
    this.world.set_contoso("display_name: Contoso").await;
    let browser = Chromium::start().await;
    this.says("contoso", "ada");
    browser.goto(&this.at("/account")).await;
    look(&browser, "1-sign-in").await;
    browser.click("#connection-contoso").await;
    browser.wait_for("#signed-in-as").await;
    look(&browser, "2-account").await;
    this.says("fabrikam", "ada-new");
    browser.click("#link-fabrikam").await;
    browser.wait_for("#link").await;
    look(&browser, "3-confirm").await;
    browser.click("#link").await;
    browser.wait_for("#said").await;
    look(&browser, "4-linked").await;

    // one that is somebody else's
    this.sub_at("fabrikam", "grace").await;
    browser.click("#link-fabrikam").await;
    browser.wait_for("#error-code").await;
    look(&browser, "5-refused").await;

    browser.goto(&this.at("/account/again")).await;
    look(&browser, "6-again").await;
    browser.goto(&this.at("/account")).await;
    browser.click("a[id^=remove-]").await;
    browser.wait_for("#remove").await;
    look(&browser, "7-remove").await;
    browser.click("#remove").await;
    browser.wait_for("#said").await;
    look(&browser, "8-removed").await;
}
