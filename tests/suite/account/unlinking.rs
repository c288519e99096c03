//! An identity is taken away: by the person, and by an operator.

use time::Duration;

use super::Linking;
use crate::admin::{Api, Operator};
use crate::harness::{Browser, Page};

/// The first identity of this subject on the page, by its id.
fn identity(page: &Page, subject: &str) -> String {
    let before = page.body.split(&format!("<bdi class=\"subject\">{subject}</bdi>")).next().unwrap();
    let id = before.rsplit("<li id=\"").next().unwrap().split('"').next().unwrap();
    assert!(id.starts_with("idn_"), "{subject} on {page}");
    id.to_owned()
}

async fn remove(this: &Linking, browser: &mut Browser, id: &str) -> Page {
    let page = browser.open(&this.at(&format!("/account/identities/{id}/remove"))).await;
    if page.has("remove") { browser.press(&page, "remove").await } else { page }
}

#[tokio::test]
async fn what_came_by_it_ends_with_it_and_nothing_else_does() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let page = this.linked(&mut browser, "ada-new").await;
    let sub = this.sub_at("contoso", "ada").await;
    this.says("fabrikam", "ada-new");
    let offline = this.world.shop.scoped("openid offline_access");
    let mut by_fabrikam = this.world.shop.browser();
    let tokens = offline.tokens(&mut by_fabrikam, &[("connection", "fabrikam")]).await;
    this.says("contoso", "ada");
    let mut by_contoso = this.world.shop.browser();
    let kept = offline.tokens(&mut by_contoso, &[("connection", "contoso")]).await;

    let page = remove(&this, &mut browser, &identity(&page, "ada-new")).await;
    assert!(page.has("said") && !page.body.contains("ada-new"), "{page}");
    offline.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    assert_eq!(offline.refresh(kept["refresh_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(by_fabrikam.open(&this.at("/account")).await.url.path(), "/account/sign-in");
    assert!(by_contoso.open(&this.at("/account")).await.has("signed-in-as"));
    let event = this.world.last_event("identity.unlinked").await;
    assert_eq!((event.actor, event.sub.as_deref()), (format!("user:{sub}"), Some(&*sub)));
    assert_eq!((event.connection.as_deref(), &event.detail["sessions"]), (Some("fabrikam"), &1.into()));
    assert_ne!(this.sub_at("fabrikam", "ada-new").await, sub, "whoever comes by it is somebody new");
}

#[tokio::test]
async fn neither_the_one_in_use_nor_the_last_nor_another_persons() {
    let this = Linking::new().await;
    let (mut grace, of_grace) = this.signed_in("contoso", "grace").await;
    this.linked(&mut grace, "grace-new").await;
    let (mut browser, page) = this.signed_in("contoso", "ada").await;
    let own = identity(&page, "ada");
    assert!(!page.has(&format!("remove-{own}")), "{page}");
    remove(&this, &mut browser, &own).await.assert_problem(409, "identity_in_use");
    let page = this.linked(&mut browser, "ada-new").await;
    let (own, new) = (identity(&page, "ada"), identity(&page, "ada-new"));
    assert!(page.has(&format!("remove-{new}")) && !page.has(&format!("remove-{own}")), "{page}");
    remove(&this, &mut browser, &own).await.assert_problem(409, "identity_in_use");
    remove(&this, &mut browser, &identity(&of_grace, "grace")).await.assert_problem(404, "identity_unknown");

    // the question of one that may go, pressed for others
    let asked = browser.open(&this.at(&format!("/account/identities/{new}/remove"))).await;
    let csrf = asked.form("remove-form").fields[0].1.clone();
    let other = this.at(&format!("/account/identities/{own}/remove"));
    browser.post(&other, &[("csrf", csrf.as_str())]).await.assert_problem(400, "form_foreign");
    let foreign = browser.post_from(Some("https://evil.example"), asked.url.as_str(), &[("csrf", csrf.as_str())]).await;
    foreign.assert_problem(400, "form_foreign");

    // in two browsers, each takes away what the other is signed in by: one is left
    let (mut other, page) = this.signed_in("fabrikam", "ada-new").await;
    let theirs = other.open(&this.at(&format!("/account/identities/{own}/remove"))).await;
    assert!(theirs.has("remove"), "{page}\n{theirs}");
    let (one, two) = tokio::join!(browser.press(&asked, "remove"), other.press(&theirs, "remove"));
    assert_eq!([&one, &two].into_iter().filter(|page| page.has("said")).count(), 1, "{one}\n{two}");
    assert_eq!(this.world.count("identity.unlinked", "success").await, 1);
}

#[tokio::test]
async fn nothing_goes_by_a_session_that_somebody_left_open() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let page = this.linked(&mut browser, "ada-new").await;
    let address = this.at(&format!("/account/identities/{}/remove", identity(&page, "ada-new")));
    let asked = browser.open(&address).await;
    this.world.broker.clock.advance(Duration::minutes(11));
    assert_eq!(browser.open(&address).await.url.path(), "/account/again");
    assert_eq!(browser.press(&asked, "remove").await.url.path(), "/account/again");
    assert_eq!(this.world.count("identity.unlinked", "success").await, 0);
}

#[tokio::test]
async fn what_a_file_names_is_the_files() {
    let this = Linking::new().await;
    let file = "users: [{ connection: contoso, subject: ada, email: ada@contoso.example }]";
    let made = this.world.apply(file).await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    let page = this.linked(&mut browser, "ada-new").await;
    let named = identity(&page, "ada");
    let (mut other, page) = this.signed_in("fabrikam", "ada-new").await;
    assert!(page.body.contains("Kept by whoever runs this page"), "{page}");
    remove(&this, &mut other, &named).await.assert_problem(409, "identity_of_file");
    let api = Api::of(&this.world.broker, "editor").await;
    let sub = &made[0].1;
    let refused = api.delete(&format!("/users/{sub}/identities/{named}")).await;
    assert_eq!((refused.status, refused.json["code"] == "owned_by_file"), (409, true));
    this.world.apply(file).await;
    assert_eq!(this.sub_at("contoso", "ada").await, sub.as_str());
}

#[tokio::test]
async fn an_operator_takes_one_away_and_never_the_last() {
    let this = Linking::new().await;
    let (mut browser, _) = this.signed_in("contoso", "ada").await;
    this.linked(&mut browser, "ada-new").await;
    let sub = this.sub_at("contoso", "ada").await;
    let api = Api::of(&this.world.broker, "editor").await;
    let shown = api.get(&format!("/users/{sub}")).await.json;
    let ids: Vec<_> = (0..2).map(|n| shown["identities"][n]["id"].as_str().unwrap().to_owned()).collect();
    let auditor = Api::of(&this.world.broker, "auditor").await;
    assert_eq!(auditor.delete(&format!("/users/{sub}/identities/{}", ids[1])).await.status, 403);

    let mut ada = Operator::signed_in(&this.world.broker, "editor").await;
    let page = ada.open(&format!("/admin/users/{sub}")).await;
    assert!(page.body.contains(&format!("/identities/{}/unlink", ids[0])), "{page}");
    let page = ada.open(&format!("/admin/users/{sub}/identities/{}/unlink", ids[0])).await;
    assert!(page.body.contains("Take this identity away"), "{page}");
    let page = ada.press(&page, "go").await;
    assert!(page.status == 200 && !page.body.contains("/unlink\""), "{page}");
    assert_eq!(browser.open(&this.at("/account")).await.url.path(), "/account/sign-in", "that session came by it");
    let event = this.world.last_event("identity.unlinked").await;
    assert_eq!((event.actor, event.sub.as_deref()), (format!("operator:{}", ada.email), Some(&*sub)));

    let last = api.delete(&format!("/users/{sub}/identities/{}", ids[1])).await;
    assert_eq!((last.status, last.json["code"] == "last_identity"), (409, true), "{}", last.json);
    assert_eq!(api.delete(&format!("/users/{sub}/identities/{}", ids[0])).await.status, 404);
}
