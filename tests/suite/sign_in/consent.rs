//! A third-party application asks the person first.

use crate::harness::{App, World};

async fn third_party(world: &World) -> App {
    world.app("partner", "name: Partner\nkind: spa\nfirst_party: false").await
}

#[tokio::test]
async fn what_was_allowed_is_remembered_until_more_is_asked_for() {
    let world = World::new().await;
    let app = third_party(&world).await;
    let mut browser = app.browser();
    let basic = app.scoped("openid profile");
    let (request, page) = basic.sign_in(&mut browser, &[]).await;
    assert!(
        page.has("allow") && page.has("deny") && page.body.contains("Partner") && page.body.contains("Marty McFly"),
        "{page}"
    );
    assert_eq!(page.text_of("return-host").as_deref(), Some(""), "the host stands in an element of its own");
    assert!(page.body.contains("https://partner.example"), "{page}");
    let page = browser.press(&page, "allow").await;
    assert_eq!(basic.redeem(&page.param("code"), &request.verifier).await.status, 200);
    let consent = world.last_event("consent").await;
    assert_eq!((consent.outcome.as_str(), consent.client_id.as_deref()), ("success", Some("partner")));

    basic.tokens(&mut browser, &[("prompt", "none")]).await;
    let (_, page) = app.sign_in(&mut browser, &[("prompt", "none")]).await;
    page.assert_error("consent_required");
    let (_, page) = app.sign_in(&mut browser, &[]).await;
    assert!(page.has("allow"), "more was asked for: {page}");
    let (_, page) = basic.sign_in(&mut browser, &[("prompt", "consent")]).await;
    assert!(page.has("allow"), "prompt=consent asks again: {page}");
}

#[tokio::test]
async fn who_does_not_allow_goes_back_with_access_denied_and_is_asked_again() {
    let world = World::new().await;
    let app = third_party(&world).await;
    let mut browser = app.browser();
    let (request, page) = app.sign_in(&mut browser, &[]).await;
    let answer = browser.press(&page, "deny").await;
    answer.assert_error("access_denied");
    assert_eq!((answer.param("state"), answer.param("iss")), (request.state, world.broker.issuer.clone()));
    let consent = world.last_event("consent").await;
    assert_eq!(consent.reason.as_deref(), Some("denied_by_person"));
    browser.press(&page, "allow").await.assert_problem(400, "authorization_stale");
    let (_, page) = app.sign_in(&mut browser, &[]).await;
    assert!(page.has("allow"), "{page}");
}

#[tokio::test]
async fn the_page_and_its_button_are_for_the_browser_that_began() {
    let world = World::new().await;
    let app = third_party(&world).await;
    let mut browser = app.browser();
    let (_, page) = app.sign_in(&mut browser, &[]).await;
    let (mut other, _) = world.signed_in().await;
    other.stop_at(&app.redirect_uri);
    other.open(page.url.as_str()).await.assert_problem(400, "authorization_stale");
    other.press(&page, "allow").await.assert_problem(400, "form_foreign");
    assert!(browser.press(&page, "allow").await.params().contains_key("code"));
}

/// Whoever knows the address of the page, or has its form from before, could otherwise step over the hint.
#[tokio::test]
async fn consent_is_no_way_around_an_id_token_hint_about_somebody_else() {
    let world = World::new().await;
    let app = third_party(&world).await;
    let (mut browser, mine) = world.signed_in().await;
    browser.stop_at(&app.redirect_uri);
    let hint = mine["id_token"].as_str().unwrap();
    let (_, page) = app.sign_in(&mut browser, &[("id_token_hint", hint)]).await;
    assert!(page.has("allow"), "{page}");
    let consent = page.url.to_string();
    let authorize = consent.replace("/consent/", "/authorize/");

    // somebody else signs in, and comes back to the same authorization as far as before its next step
    world.idp.tell(|script| script.subject = "doc".into());
    world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    browser.stop_at(&world.broker.url("/connections/"));
    let callback = browser.open(&authorize).await;
    browser.stop_no_more().stop_at(&authorize);
    let back = browser.open(callback.url.as_str()).await;
    assert!(back.stopped, "{back}");
    browser.stop_no_more().stop_at(&app.redirect_uri);
    browser.open(&consent).await.assert_problem(400, "authorization_stale");
    browser.press(&page, "allow").await.assert_problem(400, "authorization_stale");

    browser.open(&authorize).await.assert_error("login_required");
    for address in [&consent, &authorize] {
        browser.open(address).await.assert_problem(400, "authorization_stale");
    }
    browser.press(&page, "allow").await.assert_problem(400, "authorization_stale");
    assert_eq!(world.count("consent", "success").await, 0);
}
