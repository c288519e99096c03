//! Renewal links: somebody without an account gives one connection a new secret or certificate, once. And everybody else
//! who has the address, or guesses at it, and gets nothing.

mod limits;
mod rehearsed;
mod saml;
mod walk;

use serde_json::json;

use crate::admin::{Api, Operator};
use crate::harness::world::CONTOSO_SECRET;
use crate::harness::{Browser, Page, World};

pub const NEXT: &str = "the-next-secret-of-contoso-0123";

/// Its address.
pub async fn link(world: &World, slug: &str, takes_over: bool) -> String {
    let api = Api::of(&world.broker, "editor").await;
    let made = api.post(&format!("/connections/{slug}/renewal-links"), &json!({ "takes_over": takes_over })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.text("url").to_owned()
}

pub async fn give(browser: &mut Browser, url: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.open(url).await;
    assert_eq!(page.status, 200, "{page}");
    browser.submit(&page, "renew", fields).await
}

/// `id state`, the newest first.
pub async fn secrets(world: &World) -> Vec<String> {
    let api = Api::of(&world.broker, "auditor").await;
    let known = api.get("/connections/contoso/secrets").await;
    known.json["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
pub fn leads_nowhere(page: &Page) {
    page.assert_problem(404, "renewal_link_over");
    assert!(!page.has("renew") && !page.body.contains("contoso") && !page.body.contains("Contoso"), "{page}");
}

#[tokio::test]
async fn an_operator_makes_a_link_and_somebody_without_an_account_uses_it_once() {
    let world = World::new().await;
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso").await;
    assert!(page.has("renewal-links"), "{page}");
    let page = editor.open("/admin/connections/contoso/renewal-links").await;
    let wrong = editor.submit(&page, "make", &[("days", "31")]).await;
    assert_eq!((wrong.status, wrong.has("days-error")), (422, true), "{wrong}");
    let page = editor.submit(&page, "make", &[("days", "3")]).await;
    let url = page.text_of("renewal-url").unwrap();
    assert!(url.starts_with(&world.broker.url("/renew/avo_rl_")), "{url}");
    assert!(page.body.contains("href=\"mailto:?subject=New%20client%20secret"), "{page}");
    // shown once, and nowhere else
    let page = editor.open("/admin/connections/contoso/renewal-links").await;
    assert!(page.body.contains("Not used yet") && !page.body.contains("avo_rl_"), "{page}");

    let mut admin = Browser::new();
    let page = admin.open(&url).await;
    for (id, text) in
        [("client-id", "avouch-at-contoso"), ("callback", &*world.broker.url("/connections/contoso/callback"))]
    {
        assert_eq!(page.text_of(id).as_deref(), Some(text), "{page}");
    }
    assert!(page.has("in-use") && !page.body.contains(CONTOSO_SECRET), "{page}");
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "strict-origin"));
    let page = admin.submit(&page, "renew", &[("secret", &format!(" {NEXT} ")), ("expires_at", "2127-05-21")]).await;
    assert!(page.status == 200 && page.has("taken") && page.has("waits"), "{page}");
    assert!(!page.body.contains(NEXT), "{page}");
    assert_eq!(secrets(&world).await, ["next", "active"]);
    leads_nowhere(&admin.open(&url).await);

    // nothing has changed for anybody who signs in
    world.broker.catch_up().await;
    world.signed_in().await;
    let sent = world.idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(crate::harness::app::basic("avouch-at-contoso", CONTOSO_SECRET)));
    let used = world.last_event("renewal_link.used").await;
    assert!(used.actor.starts_with("renewal_link:rnl_") && used.trace_id.is_some(), "{used:?}");
    assert_eq!(world.last_event("connection.secret_added").await.actor, used.actor);
    let page = editor.open("/admin/connections/contoso/renewal-links").await;
    assert!(page.body.contains(">Used<"), "{page}");
}

#[tokio::test]
async fn the_api_makes_lists_and_withdraws_links_and_says_where_one_leads_once() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let path = "/connections/contoso/renewal-links";
    let made = api.post(path, &json!({})).await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert!(made.text("text").contains(made.text("url")) && made.text("mailto").starts_with("mailto:?"));
    let listed = api.get(path).await;
    let one = &listed.json["items"][0];
    assert_eq!((&one["state"], &one["tries"]), (&json!("open"), &json!(0)), "{}", listed.json);
    assert!(!listed.json.to_string().contains("avo_rl_"), "{}", listed.json);
    for body in [json!({ "days": 0 }), json!({ "days": 31 })] {
        let refused = api.post(path, &body).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["path"]), (422, &json!("days")), "{}", refused.json);
    }
    let one = format!("{path}/{}", made.text("id"));
    assert_eq!(api.delete(&one).await.status, 204);
    assert_eq!(api.delete(&one).await.status, 404);
    leads_nowhere(&Browser::new().open(made.text("url")).await);
    let events = world.broker.audit_events().await;
    assert!(!events.iter().any(|event| event.detail.to_string().contains("avo_rl_")), "{events:#?}");
    for _ in 0..10 {
        assert_eq!(api.post(path, &json!({})).await.status, 201);
    }
    let full = api.post(path, &json!({})).await;
    assert_eq!((full.status, full.text("code")), (409, "too_many_links"), "{}", full.json);
    world.set_contoso("enabled: false").await;
    let off = api.post(path, &json!({})).await;
    assert_eq!((off.status, off.text("code")), (409, "connection_disabled"), "{}", off.json);
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_stands_beside_it_and_uses_nothing_up() {
    let world = World::new().await;
    let url = link(&world, "contoso", false).await;
    let mut admin = Browser::new();
    for (secret, expires_at, field) in [
        ("", "", "secret"),
        ("  ", "2127-05-21", "secret"),
        ("two\nlines", "", "secret"),
        (NEXT, "2020-01-01", "expires_at"),
        (NEXT, "soon", "expires_at"),
        // what is in use already
        (CONTOSO_SECRET, "2127-05-21", "secret"),
    ] {
        let page = give(&mut admin, &url, &[("secret", secret), ("expires_at", expires_at)]).await;
        assert!(page.status == 422 && page.has(&format!("{field}-error")), "{secret:?}: {page}");
        let form = page.form("renew");
        assert!(form.fields.contains(&("expires_at".into(), expires_at.into())), "{form:?}");
        assert!(form.fields.contains(&("secret".into(), String::new())) && !page.body.contains(NEXT), "{page}");
    }
    assert_eq!(secrets(&world).await, ["active"]);
    // an operator's next secret is not pushed aside
    let api = Api::of(&world.broker, "editor").await;
    api.post("/connections/contoso/secrets", &json!({ "value": "an-operator-was-quicker" })).await;
    let page = give(&mut admin, &url, &[("secret", NEXT)]).await;
    assert!(page.status == 422 && page.has("secret-error"), "{page}");
    assert_eq!(secrets(&world).await, ["next", "active"]);
    assert_eq!(api.get("/connections/contoso/renewal-links").await.json["items"][0]["tries"], 0);
}
