//! Nothing changes by a session that somebody left open.

use serde_json::json;
use time::Duration;

use super::Linking;

#[tokio::test]
async fn whoever_signed_in_longer_ago_signs_in_once_more_first() {
    let this = Linking::new().await;
    let (mut browser, page) = this.signed_in("contoso", "ada").await;
    this.world.broker.clock.advance(Duration::minutes(11));
    let again = browser.press(&page, "link-fabrikam").await;
    assert!(again.url.path() == "/account/again" && again.has("again-contoso"), "{again}");
    assert!(this.fabrikam.received().authorize.is_empty() && !again.has("again-fabrikam"), "{again}");
    let before = browser.session(&this.world.broker.issuer);
    let page = browser.press(&again, "again-contoso").await;
    assert!(page.has("signed-in-as"), "{page}");
    assert_eq!(this.world.idp.received().authorize.pop().unwrap()["prompt"], "login");
    assert_ne!(browser.session(&this.world.broker.issuer), before);
    this.linked(&mut browser, "ada-new").await;
}

#[tokio::test]
async fn somebody_else_who_signs_in_once_more_changes_nothing_and_is_not_signed_in() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let before = browser.session(&this.world.broker.issuer);
    for who in ["nobody-yet", "grace"] {
        if who == "grace" {
            this.sub_at("contoso", "grace").await;
        }
        let again = browser.open(&this.at("/account/again")).await;
        this.says("contoso", who);
        browser.press(&again, "again-contoso").await.assert_problem(403, "signed_in_as_another");
        assert_eq!(browser.session(&this.world.broker.issuer), before);
        let page = browser.open(&this.at("/account")).await;
        assert!(page.has("signed-in-as") && page.body.contains("<bdi>ada@contoso.example</bdi>"), "{page}");
    }
    let again = browser.open(&this.at("/account/again")).await;
    let fields = [("csrf", again.form("again-form").fields[0].1.clone()), ("connection", "fabrikam".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = browser.post(&this.at("/account/again"), &fields).await;
    page.assert_problem(404, "connection_unknown");
}

#[tokio::test]
async fn a_provider_that_answers_from_an_older_sign_in_proves_nothing() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let old = this.world.broker.ctx().now().unix_timestamp() - 3600;
    for idp in [&this.world.idp, &this.fabrikam] {
        idp.lie(move |claims| claims["auth_time"] = json!(old));
    }
    let answer = this.at_callback(&mut browser, "ada-new").await;
    this.assert_refused(&browser.open(answer.url.as_str()).await, 403, "auth_time_too_old").await;
    let again = browser.open(&this.at("/account/again")).await;
    browser.press(&again, "again-contoso").await.assert_problem(403, "auth_time_too_old");
    // a sign-in by such an answer shows the page, and no more
    let (mut browser, page) = this.signed_in("contoso", "ada").await;
    assert_eq!(browser.press(&page, "link-fabrikam").await.url.path(), "/account/again");
}
