//! What is taken back from a person: each of it reaches what it says, and nothing else.

use serde_json::json;

use super::sub_of;
use crate::admin::{Api, Operator};
use crate::harness::{Browser, World};

async fn is_signed_in(world: &World, browser: &mut Browser) -> bool {
    let (_, page) = world.shop.sign_in(browser, &[("prompt", "none")]).await;
    page.params().contains_key("code")
}

#[tokio::test]
async fn a_block_by_the_page_ends_everything_until_it_is_lifted() {
    let world = World::new().await;
    let (mut browser, tokens) = world.signed_in().await;
    let sub = sub_of(&tokens);
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let asked = ada.open(&format!("/admin/users/{sub}/block")).await;
    assert!(asked.has("touches") && asked.body.contains("Browsers signed in</dt><dd dir=\"auto\">1<"), "{asked}");
    assert!(is_signed_in(&world, &mut browser).await, "asking does nothing");
    let shown = ada.press(&asked, "go").await;
    assert_eq!(shown.text_of("status").as_deref(), Some("Blocked"), "{shown}");
    assert!(!is_signed_in(&world, &mut browser).await);
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    let (_, refused) = world.shop.sign_in(&mut browser, &[]).await;
    refused.assert_problem(403, "user_blocked");
    let event = world.last_event("user.blocked").await;
    assert_eq!((event.actor.as_str(), event.sub.as_deref()), (&*format!("operator:{}", ada.email), Some(&*sub)));
    assert_eq!(event.detail["changes"], json!({ "status": ["active", "blocked"] }));
    assert!(event.trace_id.is_some(), "{event:?}");

    let asked = ada.open(&format!("/admin/users/{sub}/unblock")).await;
    ada.press(&asked, "go").await;
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    assert!(page.params().contains_key("code"), "{page}");
}

#[tokio::test]
async fn one_session_ends_and_the_other_goes_on() {
    let world = World::new().await;
    let (mut office, tokens) = world.signed_in().await;
    let sub = sub_of(&tokens);
    let api = Api::of(&world.broker, "editor").await;
    let path = format!("/users/{sub}/sessions");
    let first = api.get(&path).await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let (mut phone, _) = world.signed_in().await;
    world.idp.tell(|script| script.subject = "doc".into());
    let (mut doc, of_doc) = world.signed_in().await;

    let foreign = api.delete(&format!("/users/{}/sessions/{first}", sub_of(&of_doc))).await;
    assert_eq!(foreign.status, 404, "it is somebody else's: {}", foreign.json);
    assert!(is_signed_in(&world, &mut office).await);
    assert_eq!(api.delete(&format!("{path}/{first}")).await.status, 204);
    assert_eq!(api.delete(&format!("{path}/{first}")).await.status, 404, "it is over");
    assert!(!is_signed_in(&world, &mut office).await && is_signed_in(&world, &mut phone).await);
    let event = world.last_event("session.ended").await;
    assert_eq!((event.sub.as_deref(), &event.detail["session"]), (Some(&*sub), &json!(first)));

    let ended = api.delete(&path).await;
    assert_eq!((ended.status, &ended.json["sessions"]), (200, &json!(1)), "{}", ended.json);
    assert!(!is_signed_in(&world, &mut phone).await && is_signed_in(&world, &mut doc).await);
}

#[tokio::test]
async fn one_application_loses_its_tokens_and_the_person_stays_signed_in() {
    let world = World::new().await;
    let wiki = world.app("wiki", "kind: spa").await;
    let (mut browser, of_shop) = world.signed_in().await;
    browser.stop_at(&wiki.redirect_uri);
    let of_wiki = wiki.tokens(&mut browser, &[]).await;
    let sub = sub_of(&of_shop);
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let asked = ada.open(&format!("/admin/users/{sub}/grants/shop/withdraw")).await;
    let shown = ada.press(&asked, "go").await;
    assert_eq!(shown.url.path(), format!("/admin/users/{sub}"), "{shown}");
    world.shop.refresh(of_shop["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    assert_eq!(wiki.refresh(of_wiki["refresh_token"].as_str().unwrap()).await.status, 200);
    assert!(is_signed_in(&world, &mut browser).await);
    let event = world.last_event("tokens.withdrawn").await;
    assert_eq!((event.client_id.as_deref(), &event.detail["refresh_families"]), (Some("shop"), &json!(1)));
    let api = Api::of(&world.broker, "editor").await;
    assert_eq!(api.delete(&format!("/users/{sub}/grants/shop")).await.status, 404);
    assert_eq!(api.delete(&format!("/users/{sub}/grants/wiki")).await.status, 204);
}

#[tokio::test]
async fn a_consent_that_is_forgotten_is_asked_for_again() {
    let world = World::new().await;
    let partner = world.app("partner", "name: Partner\nkind: spa\nfirst_party: false").await;
    let mut browser = partner.browser();
    let (request, page) = partner.sign_in(&mut browser, &[]).await;
    let page = browser.press(&page, "allow").await;
    let sub = sub_of(&partner.redeem(&page.param("code"), &request.verifier).await.json);
    let api = Api::of(&world.broker, "editor").await;
    let listed = api.get(&format!("/users/{sub}/consents")).await.json;
    assert_eq!(listed["items"][0]["client_id"], "partner", "{listed}");
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let asked = ada.open(&format!("/admin/users/{sub}/consents/partner/forget")).await;
    ada.press(&asked, "go").await;
    let (_, page) = partner.sign_in(&mut browser, &[("prompt", "none")]).await;
    page.assert_error("consent_required");
    assert_eq!(api.delete(&format!("/users/{sub}/consents/partner")).await.status, 404);
}

#[tokio::test]
async fn somebody_who_is_deleted_is_out_and_forgotten_and_comes_back_as_somebody_else() {
    let world = World::new().await;
    let (mut browser, tokens) = world.signed_in().await;
    let sub = sub_of(&tokens);
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let asked = ada.open(&format!("/admin/users/{sub}/delete")).await;
    assert!(asked.body.contains(&sub) && asked.body.contains("Identities"), "{asked}");
    let shown = ada.press(&asked, "go").await;
    assert_eq!((shown.status, shown.url.path()), (200, "/admin/users"), "{shown}");
    assert_eq!(ada.open(&format!("/admin/users/{sub}")).await.status, 404);
    assert!(!is_signed_in(&world, &mut browser).await);
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    let info = world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status, 401, "{}", info.json);
    let event = world.last_event("user.deleted").await;
    assert_eq!((event.sub.as_deref(), &event.detail["sessions"]), (Some(&*sub), &json!(1)));
    for event in world.broker.audit_events().await {
        let told = format!("{event:?}");
        assert!(!told.contains("marty@") && !told.contains("McFly"), "the log keeps the sub only: {told}");
    }
    let mut again = world.shop.browser();
    assert_ne!(sub_of(&world.shop.tokens(&mut again, &[]).await), sub);
    let api = Api::of(&world.broker, "editor").await;
    assert_eq!(api.delete(&format!("/users/{sub}")).await.status, 404);
}
