//! Which way in: the chooser, e-mail domains, hints, and what an application allows.

use crate::harness::world::connection;
use crate::harness::{FakeIdp, World};

async fn two() -> (World, FakeIdp) {
    let world = World::new().await;
    world.set_contoso("display_name: Contoso\nemail_domains: [contoso.example]").await;
    let fabrikam = world.connect("fabrikam", "display_name: Fabrikam\nemail_domains: [fabrikam.example]").await;
    (world, fabrikam)
}

#[tokio::test]
async fn with_several_providers_the_person_chooses_one() {
    let (world, fabrikam) = two().await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.has("connection-contoso") && page.has("connection-fabrikam") && page.body.contains("The Shop"), "{page}");
    let page = browser.press(&page, "connection-fabrikam").await;
    assert!(page.params().contains_key("code"), "{page}");
    assert_eq!((fabrikam.received().authorize.len(), world.idp.received().authorize.len()), (1, 0));
    let login = world.last_event("login").await;
    assert_eq!(login.connection.as_deref(), Some("fabrikam"));
}

#[tokio::test]
async fn an_address_leads_to_its_provider_and_is_passed_on() {
    let (world, fabrikam) = two().await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let page = browser.submit(&page, "email-form", &[("email", " Doc@FABRIKAM.example ")]).await;
    assert!(page.params().contains_key("code"), "{page}");
    assert_eq!(fabrikam.received().authorize[0]["login_hint"], "Doc@FABRIKAM.example");
}

#[tokio::test]
async fn an_unknown_address_is_told_nothing_about_which_domains_there_are() {
    let (world, _) = two().await;
    world.apply(&connection("hidden", &world.idp, "enabled: false\nemail_domains: [hidden.example]")).await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let mut texts = Vec::new();
    for address in ["a@nowhere.example", "a@hidden.example", "a@sub.contoso.example", "contoso.example", "", "a@"] {
        let answer = browser.submit(&page, "email-form", &[("email", address)]).await;
        assert_eq!(answer.status, 422, "{address}");
        let summary = answer.body.split("id=\"error-summary\"").nth(1).unwrap().split("</div>").next().unwrap();
        texts.push(summary.to_owned());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn hints_go_straight_to_a_provider() {
    let (world, fabrikam) = two().await;
    let hints = [
        ("connection", "fabrikam"),
        ("kc_idp_hint", "fabrikam"),
        ("connector_id", "fabrikam"),
        ("idp_hint", "fabrikam"),
        ("login_hint", "doc@fabrikam.example"),
        ("domain_hint", "fabrikam.example"),
    ];
    for hint in hints {
        let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[hint]).await;
        assert!(page.params().contains_key("code"), "{hint:?}: {page}");
    }
    assert_eq!((fabrikam.received().authorize.len(), world.idp.received().authorize.len()), (hints.len(), 0));
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("connection", "nowhere")]).await;
    assert!(page.has("connection-contoso"), "an unknown hint is only a hint: {page}");
}

#[tokio::test]
async fn the_provider_used_last_comes_first() {
    let (world, _) = two().await;
    let mut browser = world.shop.browser();
    world.shop.tokens(&mut browser, &[("connection", "fabrikam")]).await;
    world.broker.clock.advance(time::Duration::hours(3));
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let place = |id: &str| page.body.find(&format!("id=\"{id}\"")).unwrap();
    assert!(place("connection-fabrikam") < place("connection-contoso") && page.body.contains("Last used"));
}

#[tokio::test]
async fn an_unlisted_provider_has_no_button_and_is_found_by_address() {
    let (world, fabrikam) = two().await;
    world.apply(&connection("fabrikam", &fabrikam, "listed: false\nemail_domains: [fabrikam.example]")).await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    assert!(!page.has("connection-fabrikam") && page.has("connection-contoso"), "{page}");
    let page = browser.submit(&page, "email-form", &[("email", "doc@fabrikam.example")]).await;
    assert!(page.params().contains_key("code"), "{page}");
}

#[tokio::test]
async fn an_application_admits_its_own_providers_only() {
    let (world, _) = two().await;
    let app = world.app("wiki", "kind: spa\nconnections: [contoso]").await;
    let mut browser = app.browser();
    app.tokens(&mut browser, &[]).await; // straight through: only one is possible
    app.tokens(&mut app.browser(), &[("connection", "fabrikam")]).await;
    assert_eq!(world.idp.received().authorize.len(), 2, "the hint cannot lead where the application does not go");
    // signed in at fabrikam, which wiki does not accept
    let mut other = world.shop.browser();
    world.shop.tokens(&mut other, &[("connection", "fabrikam")]).await;
    other.stop_at(&app.redirect_uri);
    let (_, page) = app.sign_in(&mut other, &[("prompt", "none")]).await;
    page.assert_error("login_required");
}

#[tokio::test]
async fn a_choice_that_was_not_offered_is_refused() {
    let (world, fabrikam) = two().await;
    world.connect("third", "").await;
    let app = world.app("wiki", "kind: spa\nconnections: [contoso, third]").await;
    let mut browser = app.browser();
    let (_, page) = app.sign_in(&mut browser, &[]).await;
    let page = browser.submit(&page, "connection-form", &[("connection", "fabrikam")]).await;
    page.assert_problem(404, "connection_unknown");
    assert!(fabrikam.received().authorize.is_empty());
}

#[tokio::test]
async fn without_any_way_in_the_page_says_so() {
    let world = World::new().await;
    world.set_contoso("enabled: false").await;
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    page.assert_problem(403, "no_connection");
}
