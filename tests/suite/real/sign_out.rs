//! Signing out with npm oidc-provider above Avouch: there, of which it tells us server to server, and here, from where
//! the person is taken on to it.

use serde_json::json;

use super::person::Person;
use super::stage::{CALLBACK, Stage, client};
use crate::harness::{App, Page, until};

async fn set(upstream_logout: bool) -> (Stage, App) {
    let stage = Stage::set(&[("contoso", "client_secret_basic")]).await;
    let connection = stage.connection("contoso", "client_secret_basic", json!({ "upstream_logout": upstream_logout }));
    stage.apply(&json!({ "connections": [connection], "clients": [client("reports", json!({}))] })).await;
    let mut app = App::new(&stage.broker, "reports", None);
    app.redirect_uri = CALLBACK.into();
    (stage, app)
}

async fn is_signed_in(app: &App, person: &mut Person) -> bool {
    person.browser().stop_no_more().stop_at(CALLBACK);
    let (_, page) = app.sign_in(person.browser(), &[("prompt", "none")]).await;
    page.params().contains_key("code")
}

/// Its question whether one wants to sign out, answered.
async fn confirm(person: &mut Person, page: &Page) -> Page {
    let form = page.forms().into_iter().find(|form| form.fields.iter().any(|(name, _)| name == "xsrf"));
    let form = form.unwrap_or_else(|| panic!("oidc-provider asks nothing: {page}"));
    person.browser().submit(page, &form.id, &[("logout", "yes")]).await
}

#[tokio::test]
async fn who_signs_out_there_is_signed_out_here() {
    let (stage, app) = set(false).await;
    let (mut alice, mut mallory) = (Person::new("alice"), Person::new("mallory"));
    alice.travel(&app.request(&[]).url, CALLBACK).await;
    mallory.travel(&app.request(&[]).url, CALLBACK).await;
    assert!(is_signed_in(&app, &mut alice).await && is_signed_in(&app, &mut mallory).await);
    let page = alice.browser().open(&format!("{}/session/end", stage.provider_issuer)).await;
    confirm(&mut alice, &page).await;
    until("she is signed out", async || (!is_signed_in(&app, &mut alice).await).then_some(())).await;
    let events = stage.broker.audit_events().await;
    assert!(events.iter().any(|event| event.action == "logout.upstream" && event.sub.is_some()), "{events:#?}");
    assert!(is_signed_in(&app, &mut mallory).await);
}

#[tokio::test]
async fn who_signs_out_here_is_taken_there_and_back() {
    let (stage, app) = set(true).await;
    let mut alice = Person::new("alice");
    alice.travel(&app.request(&[]).url, CALLBACK).await;
    let page = alice.browser().open(&stage.broker.url("/oidc/logout")).await;
    let page = alice.browser().press(&page, "sign-out").await;
    assert!(page.url.as_str().starts_with(&stage.provider_issuer), "{page}");
    assert!(!is_signed_in(&app, &mut alice).await, "here at once");
    let page = confirm(&mut alice, &page).await;
    assert!(page.has("signed-out") && page.has("also-at"), "{page}");
    alice.browser().stop_no_more().stop_at(CALLBACK);
    let page = alice.browser().open(&app.request(&[]).url).await;
    assert!(!page.stopped, "the provider asks who it is: {page}");
}
