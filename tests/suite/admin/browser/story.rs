//! A secret that ends, from the first notice to the last trace of it, as the people see it who have to do with it: the operator
//! at the desk, the customer's administrator with a link and no account, and somebody who just signs in all the while.

use serde_json::json;
use time::Duration;
use time::format_description::well_known::Rfc3339;

use super::furniture::{Desk, Who};
use crate::admin::Api;
use crate::harness::World;
use crate::harness::app::basic;
use crate::harness::world::CONTOSO_SECRET;

const ENDING: &str = "the-secret-that-ends-0123456789";
const NEW: &str = "the-new-secret-from-contoso-0123";
const PAGE: &str = "/admin/connections/contoso/credentials";

fn takes(world: &World, secrets: &[&str]) {
    let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    world.idp.tell(|script| script.client_secrets = Some(secrets));
}

/// Somebody signs in, by this secret of ours.
async fn somebody_signs_in_by(world: &World, secret: &str) {
    world.signed_in().await;
    let shown = world.idp.received().token.pop().unwrap().authorization.unwrap();
    assert_eq!(shown, basic("avouch-at-contoso", secret));
}

/// The page with this address is looked at, in the picture's name too.
async fn look(desk: &Desk, name: &str) -> String {
    desk.browser.wait_for("main").await;
    desk.browser.screenshot(&format!("story/{name}")).await;
    let text = desk.browser.text("body").await;
    for secret in [CONTOSO_SECRET, ENDING, NEW] {
        assert!(!text.contains(secret), "{name} shows a secret");
    }
    text
}

#[tokio::test]
async fn chromium_a_secret_ends_and_nobody_notices_but_those_who_should() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "owner").await;
    // the secret in use ends in five days
    takes(&world, &[CONTOSO_SECRET, ENDING]);
    let ends = (world.broker.ctx().now() + Duration::days(5)).format(&Rfc3339).unwrap();
    let made = api.post("/connections/contoso/secrets", &json!({ "value": ENDING, "expires_at": ends })).await;
    let path = format!("/connections/contoso/secrets/{}/promote", made.text("id"));
    assert_eq!(api.post(&path, &json!({})).await.status, 200);
    let first = api.get("/connections/contoso/secrets").await.json["items"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.delete(&format!("/connections/contoso/secrets/{first}")).await.status, 204);
    takes(&world, &[ENDING]);
    world.broker.catch_up().await;
    somebody_signs_in_by(&world, ENDING).await;

    // the operator sees it coming
    let mut desk = Desk::of(world).await;
    desk.open(Who::Owner, "/admin").await;
    let text = look(&desk, "1-noticed").await;
    assert!(text.contains("contoso") && text.contains("4 days"), "{text}");
    desk.open(Who::Owner, "/admin/calendar").await;
    assert!(look(&desk, "2-calendar").await.contains("Nobody can sign in through contoso"));

    // and lets those renew it who can
    desk.browser.goto(&desk.world().broker.url("/admin/connections/contoso/renewal-links")).await;
    desk.browser.click("#make-link").await;
    let link = desk.browser.text("#renewal-url").await;
    look(&desk, "3-link").await;

    desk.browser.goto(&desk.world().broker.url("/admin")).await;
    let text = look(&desk, "3-waiting").await;
    assert!(text.contains("and was not used yet"), "{text}");

    // their administrator has the link, and no account
    desk.browser.forget_cookies().await;
    desk.browser.goto(&link).await;
    desk.browser.fill("#secret", "not-the-right-one-0123456789").await;
    desk.browser.click("#give").await;
    desk.browser.wait_for("#secret-error").await;
    look(&desk, "4-mistyped").await;
    takes(desk.world(), &[ENDING, NEW]);
    desk.browser.fill("#secret", NEW).await;
    desk.browser.click("#give").await;
    desk.browser.wait_for("#taken").await;
    assert!(look(&desk, "5-given").await.contains("takes the new secret"));
    somebody_signs_in_by(desk.world(), ENDING).await;

    // the operator rehearses and promotes it
    desk.anew(Who::Owner, PAGE).await;
    desk.browser.click("#rehearse").await;
    desk.browser.wait_for(".pill[data-state=passed]").await;
    look(&desk, "6-rehearsed").await;
    desk.browser.click("a[href$='/promote']").await;
    desk.browser.click("#go").await;
    desk.browser.wait_for("a[href$='/restore']").await;
    let text = look(&desk, "7-promoted").await;
    assert!(text.contains("Put it back") && text.contains("Not yet"), "{text}");
    somebody_signs_in_by(desk.world(), NEW).await;

    // once too soon: the former one is put back, and then again the new one
    desk.browser.click("a[href$='/restore']").await;
    desk.browser.click("#go").await;
    desk.browser.wait_for("a[href$='/promote']").await;
    somebody_signs_in_by(desk.world(), ENDING).await;
    desk.browser.click("a[href$='/promote']").await;
    desk.browser.click("#go").await;
    desk.browser.wait_for("a[href$='/restore']").await;
    somebody_signs_in_by(desk.world(), NEW).await;

    // a day later nothing needs the former one
    for _ in 0..3 {
        desk.world().broker.clock.advance(Duration::hours(9));
        somebody_signs_in_by(desk.world(), NEW).await;
        desk.world().broker.live().write_used_secrets().await.unwrap();
    }
    takes(desk.world(), &[NEW]);
    desk.anew(Who::Owner, PAGE).await;
    let text = look(&desk, "8-safe-to-remove").await;
    assert!(text.contains("Safe to remove") && text.contains("Yes"), "{text}");
    desk.browser.click("a[href$='/delete']").await;
    desk.browser.click("#go").await;
    desk.browser.wait_for(PAGE_OF_ONE).await;
    look(&desk, "9-retired").await;
    assert!(!desk.browser.has("a[href$='/restore']").await);
    somebody_signs_in_by(desk.world(), NEW).await;
    desk.open(Who::Owner, "/admin/calendar").await;
    assert!(!desk.browser.text("body").await.contains("our client secret"), "its end is nobody's concern now");

    let events = desk.world().broker.audit_events().await;
    let mut story: Vec<&str> = events
        .iter()
        .map(|event| event.action.as_str())
        .filter(|it| it.contains("secret") || it.contains("renewal"))
        .collect();
    story.dedup();
    println!("{story:?}");
}

const PAGE_OF_ONE: &str = ".credentials .credential:only-child";
