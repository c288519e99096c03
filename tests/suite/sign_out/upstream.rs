//! Signing out here goes on to an OpenID provider where the connection says so (RP-Initiated Logout 1.0, the other side).

use serde_json::json;
use sqlx::{ConnectOptions as _, Row as _};
use time::Duration;

use super::BYE;
use crate::harness::app::claims;
use crate::harness::{Browser, Options, Page, World};

/// Contoso with these settings, the shop with an address to return to.
async fn world(settings: &str) -> World {
    let world = World::with(Options::default()).await;
    world.idp.offers_logout();
    world.set_contoso(settings).await;
    shop(&world, "    post_logout_redirect_uris: [https://shop.example/bye]\n").await;
    world
}

async fn shop(world: &World, more: &str) {
    world.apply(&format!("clients:\n  - client_id: shop\n    name: The Shop\n    kind: web\n    redirect_uris: [https://shop.example/callback]\n    grants: [authorization_code, refresh_token]\n    client_secret: {{ file: shop }}\n{more}")).await;
}

/// Somebody signed in, and the shop sends them to sign out. Ends at the provider, or where there is none.
async fn left(world: &World) -> (Browser, Page) {
    let (mut browser, tokens) = world.signed_in().await;
    browser.stop_at(BYE).stop_at(&format!("{}/logout", world.idp.issuer));
    let hint = tokens["id_token"].as_str().unwrap();
    let query = [("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "s/1 ü")];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let page = browser.open(&world.broker.url(&format!("/oidc/logout?{query}"))).await;
    (browser, page)
}

async fn is_signed_in(world: &World, browser: &mut Browser) -> bool {
    let (_, page) = world.shop.sign_in(browser, &[("prompt", "none")]).await;
    page.params().contains_key("code")
}

#[tokio::test]
async fn the_person_is_taken_to_the_provider_and_back_to_the_application() {
    let world = world("upstream_logout: true").await;
    let (mut browser, page) = left(&world).await;
    assert!(page.stopped && page.url.as_str().starts_with(&format!("{}/logout?", world.idp.issuer)), "{page}");
    let hint = page.param("id_token_hint");
    assert_eq!((&claims(&hint)["iss"], &claims(&hint)["sub"]), (&json!(world.idp.issuer), &json!("marty")));
    assert_eq!(page.param("client_id"), "avouch-at-contoso");
    let done = world.broker.url("/oidc/logout/done");
    assert_eq!(page.param("post_logout_redirect_uri"), done, "one address, to be registered at the provider");
    assert!(!is_signed_in(&world, &mut browser).await, "here it is over, whether they come back or not");
    let state = page.param("state");
    let page = browser.open(&format!("{done}?state={state}")).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE) && page.param("state") == "s/1 ü", "{page}");
    assert_eq!(world.last_event("logout.upstream").await.outcome, "success");
    assert_refused(&world, &browser.open(&format!("{done}?state={state}")).await, "state_replayed").await;
}

#[tokio::test]
async fn without_an_application_it_ends_on_a_page_that_says_so() {
    let world = world("upstream_logout: true").await;
    let (mut browser, _) = world.signed_in().await;
    browser.stop_at(&format!("{}/logout", world.idp.issuer));
    let page = browser.open(&world.broker.url("/oidc/logout")).await;
    let page = browser.press(&page, "sign-out").await;
    let done = format!("{}?state={}", page.param("post_logout_redirect_uri"), page.param("state"));
    let page = browser.open(&done).await;
    assert!(page.has("signed-out") && page.has("also-at") && page.body.contains("<bdi>contoso</bdi>"), "{page}");
}

#[tokio::test]
async fn it_stays_with_our_own_session_unless_the_connection_says_more_and_the_provider_can() {
    let quiet = world("").await;
    let (mut browser, page) = left(&quiet).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
    assert!(!is_signed_in(&quiet, &mut browser).await);

    let incapable = world("upstream_logout: true").await;
    incapable.idp.tell_the_truth();
    let (_, page) = left(&incapable).await;
    assert!(page.stopped && page.url.as_str().starts_with(BYE), "{page}");
}

#[tokio::test]
async fn a_return_counts_in_the_browser_that_left_and_leads_nowhere_else() {
    let world = world("upstream_logout: true").await;
    let (mut browser, page) = left(&world).await;
    let done = world.broker.url("/oidc/logout/done");
    let good = format!("{done}?state={}", page.param("state"));
    let mut stranger = world.shop.browser();
    assert_refused(&world, &stranger.open(&good).await, "state_of_another_browser").await;
    for bad in
        ["", "?state=https://evil.example/", "?state=a&state=b", "?post_logout_redirect_uri=https://evil.example/"]
    {
        assert_refused(&world, &browser.open(&format!("{done}{bad}")).await, "state_unknown").await;
    }
    shop(&world, "    post_logout_redirect_uris: [https://shop.example/other]\n").await;
    let page = browser.open(&good).await;
    assert!(page.status == 200 && page.has("signed-out"), "the address was taken back: {page}");

    let (mut browser, page) = left(&world).await;
    assert!(page.status == 400, "the address is not registered now: {page}");
    shop(&world, "    post_logout_redirect_uris: [https://shop.example/bye]\n").await;
    let page = browser.open(&world.broker.url("/oidc/logout")).await;
    let page = browser.press(&page, "sign-out").await;
    world.broker.clock.advance(Duration::minutes(31));
    let late = format!("{done}?state={}", page.param("state"));
    assert_refused(&world, &browser.open(&late).await, "authorization_stale").await;
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_nobody_signed_in() {
    let mut world = world("upstream_logout: true").await;
    let (mut browser, tokens) = world.signed_in().await;
    world.idp.sleep().await;
    world.broker.restart().await;
    browser.stop_at(BYE);
    let query = [("id_token_hint", tokens["id_token"].as_str().unwrap()), ("post_logout_redirect_uri", BYE)];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let page = browser.open(&world.broker.url(&format!("/oidc/logout?{query}"))).await;
    assert!(page.stopped && page.url.as_str() == BYE, "{page}");
    assert!(!is_signed_in(&world, &mut browser).await);
    let event = world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("failed", Some("upstream_unavailable")));
}

#[tokio::test]
async fn a_long_id_token_goes_by_form() {
    let world = world("upstream_logout: true").await;
    world.idp.tell(|script| script.claims = json!({ "groups": vec!["a-group-with-a-long-name"; 200] }));
    let (_, page) = left(&world).await;
    let form = page.form("form-post");
    assert_eq!(form.action, format!("{}/logout", world.idp.issuer));
    let names: Vec<_> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["client_id", "post_logout_redirect_uri", "state", "id_token_hint"]);
}

#[tokio::test]
async fn the_providers_token_is_sealed_where_it_is_kept() {
    let world = world("upstream_logout: true").await;
    let (_, page) = left(&world).await;
    let hint = page.param("id_token_hint");
    let mut conn = world.broker.database().connect().await.unwrap();
    let row =
        sqlx::query("SELECT id_token, to_jsonb(u)::text FROM upstream_sessions u").fetch_one(&mut conn).await.unwrap();
    let (sealed, text): (Vec<u8>, String) = (row.get(0), row.get(1));
    let payload = hint.split('.').nth(1).unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains(payload) && !text.contains(payload));
}

async fn assert_refused(world: &World, page: &Page, reason: &str) {
    page.assert_problem(400, reason);
    let event = world.last_event("logout.upstream").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some(reason)));
}
