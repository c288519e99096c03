//! Forms of ours come back from our own pages, in the browser they were given to.

use crate::harness::World;

#[tokio::test]
async fn a_form_without_its_token_or_from_another_site_does_nothing() {
    let world = World::new().await;
    let fabrikam = world.connect("fabrikam", "email_domains: [fabrikam.example]").await;
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    let form = page.form("connection-form");
    let csrf = form.fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
    let action = world.broker.url(&form.action);
    let ours = [("csrf", csrf.as_str()), ("connection", "fabrikam")];

    browser.submit(&page, "connection-form", &[("csrf", "wrong"), ("connection", "fabrikam")]).await.assert_problem(400, "form_foreign");
    browser.submit(&page, "email-form", &[("csrf", ""), ("email", "a@fabrikam.example")]).await.assert_problem(400, "form_foreign");
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        browser.post_from(Some(origin), &action, &ours).await.assert_problem(400, "form_foreign");
    }
    let mut stranger = world.shop.browser();
    let (_, _) = world.shop.sign_in(&mut stranger, &[]).await;
    stranger.post(&action, &ours).await.assert_problem(400, "form_foreign");
    assert!(fabrikam.received().authorize.is_empty());
    let missing = browser.post(&action, &[("connection", "fabrikam")]).await;
    assert_eq!(missing.status, 400, "{missing}");
    assert!(fabrikam.received().authorize.is_empty());
    assert!(browser.post(&action, &ours).await.params().contains_key("code"), "and the form itself still works");
}

#[tokio::test]
async fn the_token_of_one_form_does_not_fit_another() {
    let world = World::new().await;
    world.connect("fabrikam", "").await;
    let app = world.app("partner", "kind: spa\nfirst_party: false").await;
    let mut browser = app.browser();
    let (_, chooser) = app.sign_in(&mut browser, &[]).await;
    let login = chooser.form("connection-form").fields[0].1.clone();
    let consent = browser.press(&chooser, "connection-contoso").await;
    let answer = browser.submit(&consent, "consent-form", &[("csrf", &login), ("decision", "allow")]).await;
    answer.assert_problem(400, "form_foreign");
}
