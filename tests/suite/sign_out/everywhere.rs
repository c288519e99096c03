//! "Sign out everywhere": all sessions of a person, all refresh tokens, all applications; by themselves or by an operator.

use super::is_signed_in;
use super::notification::{sign_out, told};
use crate::harness::World;
use crate::harness::app::claims;

#[tokio::test]
async fn a_person_ends_all_of_it_from_one_browser() {
    let (world, endpoint) = told().await;
    let (mut office, at_office) = world.signed_in().await;
    let page = office.open(&world.broker.url("/oidc/logout")).await;
    assert!(page.has("sign-out") && !page.has("sign-out-everywhere"), "there is one browser only: {page}");
    let (mut phone, at_phone) = world.signed_in().await;
    world.idp.tell(|script| script.subject = "doc".into());
    let (mut doc, of_doc) = world.signed_in().await;

    let page = office.open(&world.broker.url("/oidc/logout")).await;
    let foreign = office
        .post_from(
            Some("https://evil.example"),
            &world.broker.url("/oidc/logout"),
            &[("csrf", "x"), ("everywhere", "yes")],
        )
        .await;
    assert!(foreign.status >= 400 || foreign.has("form-post"), "{foreign}");
    assert!(is_signed_in(&world, &mut phone).await);
    assert!(office.press(&page, "sign-out-everywhere").await.has("signed-out"));

    assert!(!is_signed_in(&world, &mut office).await && !is_signed_in(&world, &mut phone).await);
    for tokens in [&at_office, &at_phone] {
        world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    }
    let told = endpoint.wait(2).await;
    let sub = claims(at_office["id_token"].as_str().unwrap())["sub"].clone();
    assert!(told.iter().all(|one| claims(one.token())["sub"] == sub));
    assert!(is_signed_in(&world, &mut doc).await);
    assert_eq!(world.shop.refresh(of_doc["refresh_token"].as_str().unwrap()).await.status, 200);
    let event = world.last_event("logout.everywhere").await;
    assert_eq!((event.outcome.as_str(), &event.detail["sessions"]), ("success", &2.into()));
    assert_eq!(event.sub, sub.as_str().map(str::to_owned));
}

#[tokio::test]
async fn an_application_cannot_ask_for_everywhere() {
    let (world, _endpoint) = told().await;
    let (mut browser, tokens) = world.signed_in().await;
    let (mut phone, _) = world.signed_in().await;
    let hint = tokens["id_token"].as_str().unwrap();
    browser.open(&world.broker.url(&format!("/oidc/logout?id_token_hint={hint}&everywhere=yes"))).await;
    assert!(!is_signed_in(&world, &mut browser).await);
    assert!(is_signed_in(&world, &mut phone).await);
}

#[tokio::test]
async fn an_operator_signs_a_person_out_and_reaches_refresh_tokens_that_outlived_their_session() {
    let (world, endpoint) = told().await;
    let (mut browser, tokens) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    endpoint.wait(1).await;
    super::notification::settled(&world).await;
    let (mut phone, _) = world.signed_in().await;
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    let (done, said) = world.broker.cli(&["user", "sign-out", &sub]).await;
    assert!(done && said.contains("1 sessions, 2 grants"), "{said}");
    assert!(!is_signed_in(&world, &mut phone).await);
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    endpoint.wait(3).await;
    let event = world.last_event("logout.everywhere").await;
    assert_eq!((event.actor.as_str(), event.sub), ("cli", Some(sub)));
}

#[tokio::test]
async fn a_person_who_is_blocked_is_out_and_stays_out_until_unblocked() {
    let world = World::new().await;
    let (mut browser, tokens) = world.signed_in().await;
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    assert!(world.broker.cli(&["user", "block", &sub]).await.0);
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
    assert!(!is_signed_in(&world, &mut browser).await);
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    page.assert_problem(403, "user_blocked");
    assert!(world.broker.cli(&["user", "unblock", &sub]).await.0);
    world.shop.tokens(&mut world.shop.browser(), &[]).await;
    for (unknown, word) in [("usr_00000000000000000000000000", "no user"), ("marty@contoso.example", "usr_")] {
        let (done, said) = world.broker.cli(&["user", "sign-out", unknown]).await;
        assert!(!done && said.contains(word), "{said}");
    }
}
