//! mod_auth_openidc in a real Apache below Avouch: signing in, refresh, new keys of ours, and signing out.

use serde_json::{Value, json};

use crate::harness::{Apache, Browser, Page, World, until};

const SECRET: &str = "only-for-tests-and-long-enough-to-be-taken";

/// A world with Apache in it; `more` adds to its client.
pub async fn set(more: Value) -> (World, Apache) {
    let world = World::new().await;
    let apache = Apache::start(&world.broker.issuer, SECRET).await;
    world.broker.secret("apache", SECRET);
    register(&world, &apache, more).await;
    (world, apache)
}

/// Its client, with these settings too.
async fn register(world: &World, apache: &Apache, more: Value) {
    let client = json!({
        "client_id": "apache",
        "kind": "web",
        "client_secret": { "file": "apache" },
        "redirect_uris": [apache.redirect_uri()],
        "post_logout_redirect_uris": [apache.at("/bye/")],
        "claims": { "id_token": ["email", "name"] },
    });
    let client = super::stage::merge(client, more);
    world.apply(&json!({ "clients": [client] }).to_string()).await;
}

/// Somebody opens a page of the application and is signed in on the way.
pub async fn enter(apache: &Apache, browser: &mut Browser) -> Page {
    let page = browser.open(&apache.at("/")).await;
    assert!(page.status == 200 && page.has("welcome"), "{page}");
    page
}

/// Whether the module lets this browser in without asking us.
pub async fn is_in(apache: &Apache, browser: &Browser, issuer: &str) -> bool {
    let mut browser = browser.clone();
    let page = browser.stop_at(issuer).open(&apache.at("/")).await;
    !page.stopped
}

#[tokio::test]
async fn apache_learns_who_came_and_refreshes() {
    let (world, apache) = set(json!({})).await;
    let mut browser = Browser::new();
    let page = enter(&apache, &mut browser).await;
    assert_eq!((page.header("x-email"), page.header("x-name")), ("marty@contoso.example", "Marty McFly"));
    assert_eq!(page.header("x-groups"), "staff");
    assert!(page.header("x-user").starts_with("usr_"), "{}", page.header("x-user"));
    assert!(is_in(&apache, &browser, &world.broker.issuer).await);
    assert!(!is_in(&apache, &Browser::new(), &world.broker.issuer).await);

    let before = ["x-access-token", "x-refresh-token"].map(|name| page.header(name).to_owned());
    assert!(before.iter().all(|token| !token.is_empty()), "{before:?}");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("refresh", &apache.at("/"))
        .append_pair("access_token", &before[0])
        .finish();
    let page = browser.open(&format!("{}?{query}", apache.redirect_uri())).await;
    assert!(page.has("welcome") && page.url.query().is_none(), "{page}");
    for (name, old) in ["x-access-token", "x-refresh-token"].into_iter().zip(&before) {
        assert!(!page.header(name).is_empty() && page.header(name) != old, "{name} is a new one");
    }
    assert_eq!(world.count("token.issued", "success").await, 2);
}

/// It keeps our keys by `kid` for an hour: the next key is among them before it signs, and one that it does not know makes
/// it look again.
#[tokio::test]
async fn apache_follows_our_keys() {
    let (world, apache) = set(json!({})).await;
    let mut seen = Vec::new();
    for turn in 0..4 {
        if turn > 0 {
            let (done, printed) = world.broker.cli(&["keys", "rotate", "--now"]).await;
            assert!(done, "{printed}");
        }
        let kid = signing_kid(&world, &seen).await;
        enter(&apache, &mut Browser::new()).await;
        seen.push(kid);
    }
}

/// The key that signs once the broker has heard of it.
async fn signing_kid(world: &World, before: &[String]) -> String {
    until("a new key signs", async || {
        let shop = &world.shop;
        let tokens = shop.tokens(&mut shop.browser(), &[]).await;
        let header = crate::harness::app::header(tokens["id_token"].as_str().unwrap());
        let kid = header["kid"].as_str().unwrap().to_owned();
        (!before.contains(&kid)).then_some(kid)
    })
    .await
}

#[tokio::test]
async fn apache_signs_people_out_here_too() {
    let (world, apache) = set(json!({})).await;
    let mut browser = Browser::new();
    enter(&apache, &mut browser).await;
    let bye = apache.at("/bye/");
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("logout", &bye).finish();
    let page = browser.open(&format!("{}?{query}", apache.redirect_uri())).await;
    assert!(page.has("bye") && page.url.as_str().starts_with(&bye), "{page}");
    assert!(!is_in(&apache, &browser, &world.broker.issuer).await, "the application let go");
    let (_, asked) = world.shop.sign_in(browser.stop_at(&world.shop.redirect_uri), &[("prompt", "none")]).await;
    asked.assert_error("login_required");
}

#[tokio::test]
async fn apache_is_told_of_a_logout_behind_its_back() {
    let (world, apache) = set(json!({})).await;
    let told_at = format!("{}?logout=backchannel", apache.redirect_uri());
    register(&world, &apache, json!({ "backchannel_logout_uri": told_at })).await;
    let (mut browser, mut elsewhere) = (Browser::new(), Browser::new());
    enter(&apache, &mut browser).await;
    enter(&apache, &mut elsewhere).await;
    let page = browser.open(&world.broker.url("/oidc/logout")).await;
    assert!(browser.press(&page, "sign-out").await.has("signed-out"));
    let told = "avouch_logout_notifications_total{client_id=\"apache\",outcome=\"success\"}";
    until("it takes our logout token", async || (world.broker.metric(told).await == 1).then_some(())).await;
    assert!(!is_in(&apache, &browser, &world.broker.issuer).await, "the application let go");
    assert!(is_in(&apache, &elsewhere, &world.broker.issuer).await, "another session of the same person");
}
