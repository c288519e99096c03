//! OIDC Back-Channel Logout 1.0, the provider's side: applications are told that a session is over. The first two tests are
//! named after the modules of the OpenID Foundation's back-channel plan.

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use time::Duration;

use super::is_signed_in;
use crate::device::{Device, influxctl};
use crate::harness::app::{claims, get, header, post};
use crate::harness::{App, AuditEvent, Browser, Habit, LogoutEndpoint, Options, World, until};

pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The shop, which takes logout tokens, and where.
pub async fn told() -> (World, LogoutEndpoint) {
    told_with(Options::default()).await
}

pub async fn told_with(options: Options) -> (World, LogoutEndpoint) {
    let world = World::with(options).await;
    let endpoint = LogoutEndpoint::start().await;
    set_shop(&world, &format!("backchannel_logout_uri: {}", endpoint.url("shop"))).await;
    (world, endpoint)
}

/// The shop with one more setting.
pub async fn set_shop(world: &World, more: &str) {
    world.apply(&format!("clients:\n  - client_id: shop\n    name: The Shop\n    kind: web\n    redirect_uris: [https://shop.example/callback]\n    grants: [authorization_code, refresh_token]\n    client_secret: {{ file: shop }}\n    {more}\n")).await;
}

/// One more application, signed in to in this browser.
pub async fn wiki(world: &World, endpoint: &LogoutEndpoint, browser: &mut Browser) -> App {
    let wiki = world.app("wiki", &format!("kind: spa\nbackchannel_logout_uri: {}", endpoint.url("wiki"))).await;
    browser.stop_at(&wiki.redirect_uri);
    wiki.tokens(browser, &[]).await;
    wiki
}

pub async fn sign_out(world: &World, browser: &mut Browser) {
    let page = browser.open(&world.broker.url("/oidc/logout")).await;
    assert!(browser.press(&page, "sign-out").await.has("signed-out"));
}

/// An application was told or given up.
pub async fn settled(world: &World) -> AuditEvent {
    until("a notification that is settled", async || {
        let events = world.broker.audit_events().await;
        events.into_iter().rev().find(|event| event.action == "logout.notification")
    })
    .await
}

/// Nothing is owed any more. What is owed is written with the end of the session, so after this nothing comes.
pub async fn nothing_owed(world: &World) {
    let mut conn = world.broker.database().connect().await.unwrap();
    until("nothing is owed", async || {
        let owed: i64 =
            sqlx::query_scalar("SELECT count(*) FROM logout_notifications").fetch_one(&mut conn).await.unwrap();
        (owed == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout_discovery() {
    let world = World::new().await;
    let document = get(&world.broker.url("/.well-known/openid-configuration")).await.json;
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    let (world, endpoint) = told().await;
    let (mut browser, tokens) = world.signed_in().await;
    let id_token = claims(tokens["id_token"].as_str().unwrap());
    let hint = tokens["id_token"].as_str().unwrap();
    let page = browser.open(&world.broker.url(&format!("/oidc/logout?id_token_hint={hint}"))).await;
    assert!(page.has("signed-out"), "{page}");

    let received = endpoint.wait(1).await.remove(0);
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/shop"));
    assert_eq!(received.content_type, "application/x-www-form-urlencoded");
    assert_eq!(received.fields.len(), 1, "logout_token and nothing else");
    let token = world.shop.verified(received.token(), "shop").await.claims;
    let head = header(received.token());
    assert_eq!((&head["typ"], &head["alg"]), (&json!("logout+jwt"), &json!("RS256")));
    assert_eq!(token["aud"], "shop");
    assert_eq!((&token["sub"], &token["sid"]), (&id_token["sub"], &id_token["sid"]));
    assert_eq!(token["events"], json!({ EVENT: {} }));
    assert!(!token["jti"].as_str().unwrap().is_empty());
    let (iat, exp) = (token["iat"].as_i64().unwrap(), token["exp"].as_i64().unwrap());
    let now = avouch::clock::Clock::now(world.broker.clock.as_ref()).unix_timestamp();
    assert!((0..60).contains(&(now - iat)) && exp - iat == 120, "{token}");
    let mut members: Vec<_> = token.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"], "no nonce above all");

    let (_, page) = world.shop.sign_in(&mut browser, &[("prompt", "none")]).await;
    assert_eq!(page.param("error"), "login_required");
    let event = settled(&world).await;
    assert_eq!((event.outcome.as_str(), event.client_id.as_deref()), ("success", Some("shop")));
    nothing_owed(&world).await;
    assert_eq!(endpoint.received().len(), 1, "once is enough");
}

#[tokio::test]
async fn every_application_of_the_session_is_told_and_no_other() {
    let (world, endpoint) = told().await;
    let (mut browser, tokens) = world.signed_in().await;
    wiki(&world, &endpoint, &mut browser).await;
    // one that wants to know and was not used, one that was used and does not want to know, somebody else's session
    world.app("blog", &format!("kind: spa\nbackchannel_logout_uri: {}", endpoint.url("blog"))).await;
    let quiet = world.app("quiet", "kind: spa").await;
    browser.stop_at(&quiet.redirect_uri);
    quiet.tokens(&mut browser, &[]).await;
    let (mut other, _) = world.signed_in().await;

    sign_out(&world, &mut browser).await;
    let received = endpoint.wait(2).await;
    let sid = claims(tokens["id_token"].as_str().unwrap())["sid"].clone();
    let mut told: Vec<_> = received.iter().map(|one| (one.path.clone(), claims(one.token())["aud"].clone())).collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(told, [("/shop".to_owned(), json!("shop")), ("/wiki".to_owned(), json!("wiki"))]);
    assert!(received.iter().all(|one| claims(one.token())["sid"] == sid));
    assert!(is_signed_in(&world, &mut other).await);
    nothing_owed(&world).await;
    assert_eq!(endpoint.received().len(), 2);
}

#[tokio::test]
async fn a_logout_at_the_provider_is_passed_on() {
    let (world, endpoint) = told().await;
    world.idp.tell(|script| script.claims = json!({ "sid": "s1" }));
    let (_, tokens) = world.signed_in().await;
    let token = world.idp.logout_token("avouch-at-contoso", json!({ "sid": "s1" }));
    let url = world.broker.url("/connections/contoso/backchannel-logout");
    assert_eq!(post(&url, None, &[("logout_token", &token)]).await.status, 200);
    let told = claims(endpoint.wait(1).await[0].token());
    assert_eq!(told["sid"], claims(tokens["id_token"].as_str().unwrap())["sid"]);
}

#[tokio::test]
async fn a_sign_in_anew_tells_nobody_and_the_logout_after_it_names_both_sessions() {
    let (world, endpoint) = told().await;
    let (mut browser, first) = world.signed_in().await;
    let second = world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    let sid = |tokens: &Value| claims(tokens["id_token"].as_str().unwrap())["sid"].clone();
    assert_ne!(sid(&first), sid(&second));
    nothing_owed(&world).await;
    assert!(endpoint.received().is_empty(), "nobody signed out");
    sign_out(&world, &mut browser).await;
    let told: Vec<_> = endpoint.wait(2).await.iter().map(|one| claims(one.token())["sid"].clone()).collect();
    assert!(told.contains(&sid(&first)) && told.contains(&sid(&second)), "{told:?}");
}

#[tokio::test]
async fn another_person_in_the_same_browser_signs_nobody_out_by_it() {
    let (world, endpoint) = told().await;
    let (mut browser, first) = world.signed_in().await;
    world.idp.tell(|script| script.subject = "doc".into());
    let second = world.shop.tokens(&mut browser, &[("prompt", "login")]).await;
    sign_out(&world, &mut browser).await;
    let told = claims(endpoint.wait(1).await[0].token());
    assert_eq!(told["sub"], claims(second["id_token"].as_str().unwrap())["sub"]);
    nothing_owed(&world).await;
    assert_eq!(endpoint.received().len(), 1);
    // the first is reached by signing them out everywhere
    let sub = claims(first["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned();
    assert!(world.broker.cli(&["user", "sign-out", &sub]).await.0);
    assert_eq!(claims(endpoint.wait(2).await[1].token())["sub"], sub);
}

#[tokio::test]
async fn a_device_that_was_approved_in_the_session_is_told() {
    let (world, endpoint) = told().await;
    let tv = influxctl(&world, &format!("backchannel_logout_uri: {}", endpoint.url("tv"))).await;
    let mut browser = Browser::new();
    Device::ask(&tv).await.tokens(&mut browser).await;
    sign_out(&world, &mut browser).await;
    assert_eq!(claims(endpoint.wait(1).await[0].token())["aud"], "influxctl");
}

#[tokio::test]
async fn a_broker_that_is_restarted_still_tells() {
    let (mut world, endpoint) = told().await;
    endpoint.behave(Habit::Say(500));
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    super::notification_rules::failed(&world, 1).await;
    endpoint.behave(Habit::Say(200));
    world.broker.restart().await;
    world.broker.clock.advance(Duration::seconds(31));
    endpoint.wait(2).await;
    assert_eq!(settled(&world).await.outcome, "success");
}
