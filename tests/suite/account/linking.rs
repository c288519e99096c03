//! The way it goes.

use super::Linking;
use crate::harness::FakeIdp;
use crate::harness::world::connection;

#[tokio::test]
async fn a_person_links_a_second_identity_and_is_the_same_by_both() {
    let this = Linking::new().await;
    let sub = this.sub_at("contoso", "ada").await;
    let (mut browser, page) = this.signed_in("contoso", "ada").await;
    assert!(page.body.contains("ada@contoso.example") && page.has("link-fabrikam"), "{page}");
    assert!(!page.has("link-contoso"), "it does not say linking: {page}");
    let session = browser.session(&this.world.broker.issuer);

    let page = this.asked(&mut browser, "ada-new").await;
    let (account, identity) = page.body.split_once("id=\"identity\"").unwrap();
    assert!(account.contains("<bdi>ada@contoso.example</bdi>"), "{page}");
    assert!(identity.contains("<bdi>ada-new@fabrikam.example</bdi>"), "{page}");
    let asked = this.fabrikam.received().authorize.pop().unwrap();
    assert_eq!(asked["prompt"], "login", "the provider asks the person: {asked:?}");
    assert_eq!(this.links().await, 0, "asking links nothing");

    let page = browser.press(&page, "link").await;
    assert!(page.has("said") && page.body.contains("Fabrikam</bdi>"), "{page}");
    assert_eq!(browser.session(&this.world.broker.issuer), session, "nobody was signed in by it");
    let event = this.world.last_event("identity.linked").await;
    assert_eq!((event.actor, event.sub.as_deref()), (format!("user:{sub}"), Some(&*sub)));
    assert_eq!((event.connection.as_deref(), event.outcome.as_str()), (Some("fabrikam"), "success"));
    assert!(event.detail["identity"].as_str().unwrap().starts_with("idn_") && event.trace_id.is_some());
    assert_eq!(this.sub_at("fabrikam", "ada-new").await, sub);
    assert_eq!(this.sub_at("contoso", "ada").await, sub);
}

#[tokio::test]
async fn whoever_says_no_has_nothing_linked_and_the_proof_is_gone() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let asked = this.asked(&mut browser, "ada-new").await;
    let page = browser.press(&asked, "keep").await;
    assert!(page.body.contains("Nothing was linked"), "{page}");
    this.assert_refused(&browser.press(&asked, "link").await, 400, "link_proof_over").await;
}

#[tokio::test]
async fn a_sign_in_links_nothing_whatever_it_says_and_whoever_is_signed_in() {
    let this = Linking::new().await;
    // both providers vouch for the same verified address, and both may
    this.world.set_contoso("email_domains: [same.example]\nlinking: true").await;
    this.world.apply(&connection("fabrikam", &this.fabrikam, "linking: true\nemail_domains: [same.example]")).await;
    let ours = serde_json::json!({ "name": "Ada", "email": "ada@same.example", "email_verified": true });
    let mut browser = this.world.shop.browser();
    let mut subs = Vec::new();
    for (slug, idp) in [("contoso", &this.world.idp), ("fabrikam", &this.fabrikam)] {
        idp.tell(|script| (script.subject, script.userinfo) = ("ada".into(), ours.clone()));
        let more = [("connection", slug), ("prompt", "login")];
        let tokens = this.world.shop.tokens(&mut browser, &more).await;
        let claims = crate::harness::app::claims(tokens["id_token"].as_str().unwrap());
        subs.push(claims["sub"].as_str().unwrap().to_owned());
        let page = browser.open(&this.at("/account")).await;
        assert_eq!(page.body.matches("<li id=\"idn_").count(), 1, "{page}");
    }
    assert_ne!(subs[0], subs[1]);
    assert_eq!(this.links().await, 0);
}

#[tokio::test]
async fn the_same_name_at_another_issuer_is_somebody_else() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    this.linked(&mut browser, "ada").await;
    let sub = this.sub_at("contoso", "ada").await;
    assert_eq!(this.sub_at("fabrikam", "ada").await, sub);
    let elsewhere = FakeIdp::start(&this.world.broker.clock).await;
    this.world.apply(&connection("fabrikam", &elsewhere, "linking: true")).await;
    let mut stranger = this.world.shop.browser();
    elsewhere.tell(|script| script.subject = "ada".into());
    let more = [("connection", "fabrikam")];
    let tokens = this.world.shop.tokens(&mut stranger, &more).await;
    let claims = crate::harness::app::claims(tokens["id_token"].as_str().unwrap());
    assert_ne!(claims["sub"], sub.as_str());
}

#[tokio::test]
async fn only_what_says_so_is_offered_and_an_unlisted_one_is_not() {
    let this = Linking::new().await;
    let (mut browser, page) = this.signed_in("contoso", "ada").await;
    let csrf = page.form("link-form").fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let fields = [("csrf", csrf.as_str()), ("connection", "contoso")];
    browser.post(&this.at("/account/link"), &fields).await.assert_problem(404, "connection_unknown");
    this.world.apply(&connection("fabrikam", &this.fabrikam, "linking: true\nlisted: false")).await;
    let page = browser.open(&this.at("/account")).await;
    assert!(!page.has("link-fabrikam"), "{page}");
    let fields = [("csrf", csrf.as_str()), ("connection", "fabrikam")];
    browser.post(&this.at("/account/link"), &fields).await.assert_problem(404, "connection_unknown");
}

#[tokio::test]
async fn people_without_a_button_find_the_account_by_their_address() {
    let this = Linking::new().await;
    this.world.set_contoso("listed: false\nemail_domains: [contoso.example]").await;
    this.says("contoso", "ada");
    let mut browser = this.world.shop.browser();
    let page = browser.open(&this.at("/account")).await;
    assert!(!page.has("connection-contoso"), "{page}");
    let wrong = browser.submit(&page, "email-form", &[("email", "ada@nowhere.example")]).await;
    assert!(wrong.status == 422 && wrong.has("email-error"), "{wrong}");
    let page = browser.submit(&page, "email-form", &[("email", "ada@contoso.example")]).await;
    assert!(page.has("signed-in-as"), "{page}");
}
