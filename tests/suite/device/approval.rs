//! The person decides.

use time::Duration;

use super::{API, Device, enter, influxctl};
use crate::harness::app::{answer, http};
use crate::harness::{Browser, Options, World};

#[tokio::test]
async fn the_page_says_who_asks_for_what_from_where_and_when() {
    let settings = vec![("AVOUCH_TRUSTED_PROXIES", "127.0.0.1/32".to_owned())];
    let world = World::with(Options { settings, ..Options::default() }).await;
    let app = influxctl(&world, "first_party: false").await;
    let asked = http()
        .post(world.broker.url("/oauth/device/code"))
        .header("x-forwarded-for", "203.0.113.7")
        .form(&[("client_id", "influxctl"), ("scope", "openid profile email offline_access read")]);
    let device = Device { app, answer: answer(asked).await.json };
    world.broker.clock.advance(Duration::minutes(2));
    let page = device.enter(&mut Browser::new()).await;
    assert_eq!(page.text_of("requested-from").as_deref(), Some("203.0.113.7"), "{page}");
    assert_eq!(page.text_of("asked-at").as_deref(), Some("2 minutes ago"));
    assert_eq!(page.text_of("code-shown").as_deref(), Some(device.user_code()));
    for text in
        ["InfluxCTL", "Marty McFly", "marty@contoso.example", API, "read", "when you are away", "8 minutes more"]
    {
        assert!(page.body.contains(text), "{text} on {page}");
    }
    assert!(page.has("elsewhere") && page.body.contains("in front of you"), "{page}");
    assert_eq!(page.header("cache-control"), "no-store");

    let near = Device::ask(&device.app).await;
    assert!(!near.enter(&mut Browser::new()).await.has("elsewhere"), "both are here");
}

#[tokio::test]
async fn the_answer_may_be_reloaded_and_given_once() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    let question = device.enter(&mut browser).await;
    let done = browser.press(&question, "approve").await;
    assert!(done.has("device-approved") && done.body.contains("InfluxCTL"), "{done}");
    assert!(browser.open(done.url.as_str()).await.has("device-approved"));
    assert!(browser.press(&question, "deny").await.has("device-approved"), "who decided first has decided");
    assert_eq!(device.poll().await.status, 200);
    assert!(browser.open(done.url.as_str()).await.has("device-approved"));
    assert_eq!(world.count("device.approval", "success").await, 1);
}

#[tokio::test]
async fn of_two_people_with_one_code_the_first_decides() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let (mut marty, mut doc) = (Browser::new(), Browser::new());
    let to_marty = device.enter(&mut marty).await;
    world.idp.tell(|script| script.subject = "doc".into());
    let to_doc = device.enter(&mut doc).await;
    assert!(doc.press(&to_doc, "deny").await.has("device-denied"));
    assert!(marty.press(&to_marty, "approve").await.has("device-denied"));
    device.poll().await.assert_error(400, "access_denied");
    assert_eq!(world.count("device.approval", "success").await, 0);
}

#[tokio::test]
async fn page_and_button_are_for_the_browser_in_which_the_code_was_typed() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    let page = device.enter(&mut browser).await;
    let (mut other, _) = world.signed_in().await;
    other.open(page.url.as_str()).await.assert_problem(400, "authorization_stale");
    other.press(&page, "approve").await.assert_problem(400, "form_foreign");
    let csrf = page.form("device-form").fields.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    let fields = [("csrf", csrf.as_str()), ("decision", "approve")];
    let evil = Some("https://evil.example");
    browser.post_from(evil, page.url.as_str(), &fields).await.assert_problem(400, "form_foreign");
    browser.post(page.url.as_str(), &[fields[1], ("csrf", "x")]).await.assert_problem(400, "form_foreign");
    device.poll().await.assert_error(400, "authorization_pending");
    // an answer that is neither word is no
    assert!(browser.post(page.url.as_str(), &[fields[0], ("decision", "")]).await.has("device-denied"));
}

/// The rows of device sign-ins are ordinary authorizations: no other page may make a code of one.
#[tokio::test]
async fn a_device_sign_in_leads_nowhere_else() {
    let world = World::new().await;
    let app = influxctl(&world, "grants: [device_code, authorization_code]").await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    let page = device.enter(&mut browser).await;
    let id = page.url.path().rsplit('/').next().unwrap().to_owned();
    let consent = world.broker.url(&format!("/consent/{id}"));
    browser.open(&consent).await.assert_problem(400, "authorization_stale");
    let again = browser.open(&world.broker.url(&format!("/authorize/{id}"))).await;
    assert!(again.has("approve"), "{again}");
    // an authorization of another kind has no page here
    let wiki = world.app("wiki", "kind: spa\nfirst_party: false").await;
    browser.stop_at(&wiki.redirect_uri);
    let (_, asked) = wiki.sign_in(&mut browser, &[]).await;
    let id = asked.url.path().rsplit('/').next().unwrap();
    browser.open(&world.broker.url(&format!("/device/{id}"))).await.assert_problem(400, "authorization_stale");
}

#[tokio::test]
async fn the_code_expires_while_the_page_is_open() {
    let world = World::new().await;
    let app = influxctl(&world, "").await;
    let device = Device::ask(&app).await;
    world.broker.clock.advance(Duration::seconds(580));
    let mut browser = Browser::new();
    let page = device.enter(&mut browser).await;
    assert!(page.body.contains("less than a minute more"), "{page}");
    world.broker.clock.advance(Duration::seconds(21));
    let page = browser.press(&page, "approve").await;
    assert!(page.has("device-expired") && page.has("again"), "{page}");
    device.poll().await.assert_error(400, "expired_token");
    assert_eq!(world.count("device.approval", "success").await, 0);
}

#[tokio::test]
async fn signing_in_follows_the_clients_own_connections_and_rules() {
    let world = World::new().await;
    let fabrikam = world.connect("fabrikam", "display_name: Fabrikam").await;
    world.connect("third", "display_name: Third").await;
    let app = influxctl(&world, "connections: [contoso, fabrikam]").await;
    let device = Device::ask(&app).await;
    let mut browser = Browser::new();
    let page = device.enter(&mut browser).await;
    assert!(page.has("connection-contoso") && page.has("connection-fabrikam"), "{page}");
    assert!(!page.has("connection-third") && !page.has("return-host"), "{page}");
    let page = browser.press(&page, "connection-fabrikam").await;
    assert!(page.has("approve") && page.has("switch-account"), "{page}");
    // with another account after all
    let link = page.body.split("id=\"switch-account\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = browser.open(&world.broker.url(&link)).await;
    let page = browser.press(&page, "connection-contoso").await;
    assert!(browser.press(&page, "approve").await.has("device-approved"));
    assert_eq!((fabrikam.received().authorize.len(), world.idp.received().authorize.len()), (1, 1));
    let event = world.last_event("device.approval").await;
    assert_eq!(event.connection.as_deref(), Some("contoso"));

    world.set_contoso("allow: \"'pilots' in claims.groups\"").await;
    let app = influxctl(&world, "connections: [contoso]").await;
    let device = Device::ask(&app).await;
    let page = device.enter(&mut Browser::new()).await;
    page.assert_problem(403, "not_allowed");
    assert!(page.body.contains("Back to the code"), "{page}");
    device.poll().await.assert_error(400, "authorization_pending");
}

#[tokio::test]
async fn with_a_session_of_a_foreign_connection_the_person_signs_in_anew() {
    let world = World::new().await;
    world.connect("fabrikam", "display_name: Fabrikam").await;
    let app = influxctl(&world, "connections: [fabrikam]").await;
    let mut browser = world.shop.browser();
    world.shop.tokens(&mut browser, &[("connection", "contoso")]).await;
    let device = Device::ask(&app).await;
    let page = enter(&app.issuer, &mut browser, device.user_code()).await;
    browser.press(&page, "approve").await;
    assert_eq!(world.last_event("device.approval").await.connection.as_deref(), Some("fabrikam"));
}
