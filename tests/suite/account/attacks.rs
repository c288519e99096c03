//! Each of these would give one person's account to another, or link what nobody wanted.

use serde_json::json;
use time::Duration;

use super::Linking;
use crate::admin::Api;
use crate::harness::world::connection;

#[tokio::test]
async fn a_form_of_another_site_begins_and_confirms_nothing() {
    let this = Linking::new().await;
    let (mut browser, page) = this.signed_in("contoso", "ada").await;
    let start = this.at("/account/link");
    let csrf = page.form("link-form").fields[0].1.clone();
    let fields = [("csrf", csrf.as_str()), ("connection", "fabrikam")];
    browser.post_from(Some("https://evil.example"), &start, &fields).await.assert_problem(400, "form_foreign");
    let fields = [("csrf", ""), ("connection", "fabrikam")];
    browser.post(&start, &fields).await.assert_problem(400, "form_foreign");
    assert!(this.fabrikam.received().authorize.is_empty());

    let asked = this.asked(&mut browser, "mallory").await;
    let confirm = asked.form("link-form").fields[0].1.clone();
    let fields = [("csrf", confirm.as_str()), ("decision", "link")];
    let page = browser.post_from(Some("https://evil.example"), asked.url.as_str(), &fields).await;
    this.assert_refused(&page, 400, "form_foreign").await;
    // the token of the page before is not that of the question
    let fields = [("csrf", csrf.as_str()), ("decision", "link")];
    this.assert_refused(&browser.post(asked.url.as_str(), &fields).await, 400, "form_foreign").await;

    // and nobody is signed in to the attacker's account to link theirs to it
    let mut victim = this.world.shop.browser();
    let page = victim.open(&this.at("/account/sign-in")).await;
    let csrf = page.form("connection-form").fields[0].1.clone();
    let fields = [("csrf", csrf.as_str()), ("connection", "contoso")];
    let page = victim.post_from(Some("https://evil.example"), &this.at("/account/sign-in"), &fields).await;
    page.assert_problem(400, "form_foreign");
}

#[tokio::test]
async fn an_answer_in_another_browser_proves_nothing() {
    let this = Linking::new().await;
    let (mut mallory, _) = this.signed_in("contoso", "mallory").await;
    let (mut ada, _) = this.signed_in("contoso", "ada").await;
    let answer = this.at_callback(&mut mallory, "mallory-new").await;
    let page = ada.open(answer.url.as_str()).await;
    this.assert_refused(&page, 400, "state_of_another_browser").await;
}

#[tokio::test]
async fn an_answer_in_another_session_of_the_same_browser_proves_nothing() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let answer = this.at_callback(&mut browser, "ada-new").await;
    // the same person signs in anew meanwhile: another session takes the place of the one that asked
    let page = browser.open(&this.at("/account/again")).await;
    let page = browser.press(&page, "again-contoso").await;
    assert!(page.has("signed-in-as"), "{page}");
    this.assert_refused(&browser.open(answer.url.as_str()).await, 403, "account_session_over").await;

    // and so does another person
    let answer = this.at_callback(&mut browser, "ada-new").await;
    this.sub_in(&mut browser, "contoso", "mallory").await;
    this.assert_refused(&browser.open(answer.url.as_str()).await, 403, "account_session_over").await;
}

#[tokio::test]
async fn a_proof_is_of_one_person_one_session_and_one_browser() {
    let this = Linking::new().await;
    let (mut mallory, _) = this.signed_in("contoso", "mallory").await;
    let (mut ada, _) = this.signed_in("contoso", "ada").await;
    let asked = this.asked(&mut mallory, "mallory-new").await;
    this.assert_refused(&ada.open(asked.url.as_str()).await, 400, "link_proof_over").await;
    // mallory gives the session away, and with it the browser's other cookie not
    let own = this.asked(&mut ada, "ada-new").await;
    let fields = [("csrf", own.form("link-form").fields[0].1.clone()), ("decision", "link".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    this.assert_refused(&ada.post(asked.url.as_str(), &fields).await, 400, "form_foreign").await;
    // the same person in another session of the same browser
    let page = ada.open(&this.at("/account/again")).await;
    this.says("contoso", "ada");
    ada.press(&page, "again-contoso").await;
    this.assert_refused(&ada.open(own.url.as_str()).await, 400, "link_proof_over").await;
    this.assert_refused(&ada.press(&own, "link").await, 400, "form_foreign").await;
}

#[tokio::test]
async fn a_proof_counts_once() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let asked = this.asked(&mut browser, "ada-new").await;
    assert!(browser.press(&asked, "link").await.has("said"));
    browser.press(&asked, "link").await.assert_problem(400, "link_proof_over");
    assert_eq!(this.links().await, 1);
    let event = this.world.last_event("identity.linked").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some("link_proof_over")));
}

#[tokio::test]
async fn a_proof_counts_for_five_minutes() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let asked = this.asked(&mut browser, "ada-new").await;
    this.world.broker.clock.advance(Duration::minutes(5));
    this.assert_refused(&browser.press(&asked, "link").await, 400, "link_proof_over").await;
    this.assert_refused(&browser.open(asked.url.as_str()).await, 400, "link_proof_over").await;
}

#[tokio::test]
async fn two_confirmations_at_once_are_one_link() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let asked = this.asked(&mut browser, "ada-new").await;
    let mut tab = browser.clone();
    let (one, two) = tokio::join!(browser.press(&asked, "link"), tab.press(&asked, "link"));
    let done = [&one, &two].into_iter().filter(|page| page.has("said")).count();
    assert_eq!((done, this.links().await), (1, 1), "{one}\n{two}");
    let page = browser.open(&this.at("/account")).await;
    assert_eq!(page.body.matches("<li id=\"idn_").count(), 2, "{page}");
}

#[tokio::test]
async fn what_is_somebody_elses_stays_theirs_and_the_page_does_not_say_whose() {
    let this = Linking::new().await;
    let of_grace = this.sub_at("fabrikam", "grace").await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let answer = this.at_callback(&mut browser, "grace").await;
    let page = browser.open(answer.url.as_str()).await;
    this.assert_refused(&page, 409, "identity_of_another").await;
    assert!(!page.body.contains("grace") && !page.body.contains(&of_grace), "{page}");
    let event = this.world.last_event("identity.linked").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some("identity_of_another")));
    assert!(event.actor.starts_with("user:usr_"), "{event:?}");

    // it becomes somebody's while the question is on the screen
    let asked = this.asked(&mut browser, "heddy").await;
    let of_heddy = this.sub_at("fabrikam", "heddy").await;
    this.assert_refused(&browser.press(&asked, "link").await, 409, "identity_of_another").await;
    assert_eq!(this.sub_at("fabrikam", "heddy").await, of_heddy);
    assert_eq!(this.sub_at("fabrikam", "grace").await, of_grace);
}

#[tokio::test]
async fn what_is_linked_already_is_not_linked_again() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    this.linked(&mut browser, "ada-new").await;
    let answer = this.at_callback(&mut browser, "ada-new").await;
    browser.open(answer.url.as_str()).await.assert_problem(409, "identity_linked_already");
    assert_eq!(this.links().await, 1);
}

#[tokio::test]
async fn a_connection_that_is_closed_meanwhile_links_nothing() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let set = async |more: &str| this.world.apply(&connection("fabrikam", &this.fabrikam, more)).await;
    for (more, at_arrival, at_confirmation) in [
        ("linking: true\nenabled: false", (404, "connection_unknown"), (403, "linking_off")),
        ("linking: false", (403, "linking_off"), (403, "linking_off")),
    ] {
        set("linking: true").await;
        let answer = this.at_callback(&mut browser, "ada-new").await;
        set(more).await;
        let page = browser.open(answer.url.as_str()).await;
        this.assert_refused(&page, at_arrival.0, at_arrival.1).await;

        set("linking: true").await;
        let asked = this.asked(&mut browser, "ada-new").await;
        set(more).await;
        let page = browser.press(&asked, "link").await;
        this.assert_refused(&page, at_confirmation.0, at_confirmation.1).await;
    }
}

#[tokio::test]
async fn a_session_that_ends_in_the_middle_links_nothing() {
    let this = Linking::new().await;
    let api = Api::of(&this.world.broker, "editor").await;
    let sub = this.sub_at("contoso", "ada").await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let answer = this.at_callback(&mut browser, "ada-new").await;
    assert_eq!(api.delete(&format!("/users/{sub}/sessions")).await.status, 200);
    let page = browser.open(answer.url.as_str()).await;
    this.assert_refused(&page, 403, "account_session_over").await;

    this.sign_in(&mut browser, "contoso", "ada").await;
    let asked = this.asked(&mut browser, "ada-new").await;
    assert_eq!(api.post(&format!("/users/{sub}/block"), &json!({})).await.status, 200);
    let page = browser.press(&asked, "link").await;
    assert_eq!((page.url.path(), this.links().await), ("/account/sign-in", 0), "{page}");
}

#[tokio::test]
async fn somebody_whom_the_rule_of_the_connection_keeps_out_links_nothing() {
    let this = Linking::new().await;
    let more = "linking: true\nallow: claims.sub == 'staff'";
    this.world.apply(&connection("fabrikam", &this.fabrikam, more)).await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let answer = this.at_callback(&mut browser, "ada-new").await;
    this.assert_refused(&browser.open(answer.url.as_str()).await, 403, "not_allowed").await;
}
