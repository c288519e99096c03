//! Operators, their keys, and people who come through a connection by rule.

use serde_json::json;

use super::seat::PASSWORD;
use super::{Api, Operator};
use crate::harness::{Broker, Options, Page, World};

#[tokio::test]
async fn an_owner_makes_changes_and_deletes_operators_by_page_and_by_api_alike() {
    let broker = Broker::start(Options::default()).await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let page = owner.open("/admin/operators/new").await;
    let wrong = owner.submit(&page, "operator", &[("email", "not an address")]).await;
    assert_eq!(wrong.status, 422, "{wrong}");
    let made = owner.submit(&page, "operator", &[("email", "grace@example.com"), ("role", "editor")]).await;
    let one_time = made.text_of("one-time-password").unwrap_or_else(|| panic!("{made}"));
    let again = owner.submit(&page, "operator", &[("email", "Grace@Example.com"), ("role", "editor")]).await;
    assert_eq!(again.status, 422, "{again}");

    let api = Api::of(&broker, "owner").await;
    let listed = api.get("/operators?q=grace").await;
    let grace_id = listed.json["items"][0]["id"].as_str().unwrap().to_owned();
    assert!(!listed.json.to_string().contains(&one_time) && listed.json["items"][0]["must_change_password"] == true);
    let mut grace = Operator::at(&broker, "grace@example.com");
    let page = grace.sign_in(&one_time).await;
    let page = grace.submit(&page, "choose-password", &[("current", &one_time), ("new", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/admin", "{page}");
    assert_eq!(grace.open("/admin/operators/new").await.status, 403);

    let read = api.get(&format!("/operators/{grace_id}")).await;
    let stale = [("if-match", "\"1\"")];
    let path = format!("/operators/{grace_id}");
    let refused = api.call(reqwest::Method::PATCH, &path, &stale, Some(&json!({ "role": "owner" }))).await;
    assert_eq!((refused.status, read.header("etag").is_empty()), (412, false), "{}", refused.json);
    let raised = api.patch(&path, &json!({ "role": "owner" })).await;
    assert_eq!((raised.status, raised.text("role")), (200, "owner"), "{}", raised.json);
    assert_eq!(grace.open("/admin/operators/new").await.status, 200, "it counts from the next click");
    assert_eq!(api.patch(&path, &json!({ "disabled": true })).await.status, 200);
    assert_eq!(grace.open("/admin").await.url.path(), "/admin/sign-in", "and who is switched off is out at once");
    assert_eq!(grace.sign_in(PASSWORD).await.status, 422);

    let page = owner.open(&format!("/admin/operators/{grace_id}/delete")).await;
    let page = owner.press(&page, "go").await;
    assert_eq!((page.status, page.url.path()), (200, "/admin/operators"), "{page}");
    assert_eq!(api.get(&path).await.status, 404);
    let events = broker.audit_events().await;
    let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
    for action in ["operator.created", "operator.changed", "operator.deleted", "operator.signed_in"] {
        assert!(actions.contains(&action), "no {action} in {actions:?}");
    }
    assert!(!format!("{events:?}").contains(&one_time));
}

#[tokio::test]
async fn the_last_owner_with_a_password_stays() {
    let broker = Broker::start(Options::default()).await;
    let api = Api::of(&broker, "owner").await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let id = api.get("/operators").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/operators/{id}");
    for change in [json!({ "role": "editor" }), json!({ "disabled": true })] {
        let refused = api.patch(&path, &change).await;
        assert_eq!((refused.status, refused.text("code")), (409, "last_owner"), "{}", refused.json);
    }
    assert_eq!(api.delete(&path).await.status, 409);
    let page = owner.open(&format!("/admin{path}")).await;
    let page = owner.submit(&page, "operator", &[("role", "auditor")]).await;
    assert_eq!(page.status, 422, "{page}");
    Operator::made(&broker, "second@example.com", "owner").await;
    assert_eq!(api.patch(&path, &json!({ "role": "editor" })).await.status, 200, "with a second one it goes");
}

#[tokio::test]
async fn a_key_is_shown_once_and_ends() {
    let broker = Broker::start(Options::default()).await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let page = owner.open("/admin/operator-keys/new").await;
    assert_eq!(owner.submit(&page, "key", &[("name", "ci"), ("expires", "tomorrow")]).await.status, 422);
    assert_eq!(owner.submit(&page, "key", &[("name", ""), ("expires", "")]).await.status, 422);
    let made = owner.submit(&page, "key", &[("name", "ci"), ("role", "auditor")]).await;
    let value = made.text_of("operator-key").unwrap_or_else(|| panic!("{made}"));
    let ci = Api::with(&broker, &value);
    assert_eq!((ci.get("/resources").await.status, ci.get("/operator-keys").await.status), (200, 200));
    assert_eq!(ci.post("/operator-keys", &json!({ "name": "x", "role": "auditor" })).await.status, 403);
    let list = owner.open("/admin/operator-keys").await;
    assert!(!list.body.contains(&value) && list.body.contains(&value[value.len() - 4..]), "{list}");

    let api = Api::of(&broker, "owner").await;
    let end = avouch::clock::Clock::now(&*broker.clock) + time::Duration::hours(2);
    let end = end.format(&time::format_description::well_known::Rfc3339).unwrap();
    let made = api.post("/operator-keys", &json!({ "name": "brief", "role": "auditor", "expires_at": end })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let brief = Api::with(&broker, made.text("value"));
    let path = format!("/operator-keys/{}", made.text("id"));
    assert!(api.get(&path).await.json.get("value").is_none());
    assert_eq!(brief.get("/resources").await.status, 200);
    broker.clock.advance(time::Duration::hours(2));
    assert_eq!(brief.get("/resources").await.status, 401);
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.status, 404);
    assert_eq!(api.post("/operator-keys", &json!({ "name": "ci", "role": "auditor" })).await.status, 409);
    let bad = api.post("/operator-keys", &json!({ "name": "y", "role": "king" })).await;
    assert_eq!(bad.status, 422, "{}", bad.json);
}

/// Contoso's groups of whoever signs in next.
fn groups(world: &World, groups: &[&str]) {
    let groups = json!(groups);
    world.idp.tell(move |idp| idp.userinfo["groups"] = groups);
}

async fn through_contoso(visitor: &mut Operator) -> Page {
    let page = visitor.open("/admin/sign-in").await;
    visitor.press(&page, "connection-contoso").await
}

async fn rule(api: &Api, when: &str, role: &str) -> String {
    let made = api.post("/operator-rules", &json!({ "connection": "contoso", "when": when, "role": role })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.text("id").to_owned()
}

#[tokio::test]
async fn a_rule_lets_people_in_through_a_connection_with_the_role_of_today() {
    let world = World::new().await;
    let broker = &world.broker;
    let api = Api::of(broker, "owner").await;
    let mut mia = Operator::at(broker, "");
    assert!(!mia.open("/admin/sign-in").await.has("connection-contoso"), "no rule, no button");
    rule(&api, "'avouch-admins' in claims.groups", "editor").await;
    let staff = rule(&api, "'staff' in claims.groups", "auditor").await;

    groups(&world, &["others"]);
    through_contoso(&mut mia).await.assert_problem(403, "no_operator");
    groups(&world, &["staff", "avouch-admins"]);
    let page = through_contoso(&mut mia).await;
    assert_eq!((page.status, page.url.path()), (200, "/admin"), "{page}");
    assert_eq!(mia.open("/admin/resources/new").await.status, 200, "the best rule counts");
    assert!(mia.browser.session(&broker.issuer).is_none(), "it is no single sign-on session");
    let listed = api.get("/operators").await;
    let operator = listed.json["items"].as_array().unwrap().iter().find(|one| one["signs_in_by"] == "connection");
    let sub = operator.unwrap()["user"].as_str().unwrap().to_owned();
    let id = operator.unwrap()["id"].as_str().unwrap().to_owned();
    let raised = api.patch(&format!("/operators/{id}"), &json!({ "role": "owner" })).await;
    assert_eq!(raised.text("code"), "through_connection", "{}", raised.json);
    assert_eq!(broker.audit_events().await.iter().filter(|event| event.actor == format!("user:{sub}")).count(), 1);

    // the rules are asked again wherever they sign in by that connection
    groups(&world, &["staff"]);
    world.signed_in().await;
    assert_eq!(mia.open("/admin/resources/new").await.status, 403, "an auditor now");
    groups(&world, &[]);
    world.signed_in().await;
    assert_eq!(mia.open("/admin").await.url.path(), "/admin/sign-in");

    groups(&world, &["staff"]);
    assert_eq!(through_contoso(&mut mia).await.url.path(), "/admin");
    assert_eq!(api.delete(&format!("/operator-rules/{staff}")).await.status, 204);
    assert_eq!(mia.open("/admin").await.url.path(), "/admin/sign-in", "the rule is gone, and so is the session");
    through_contoso(&mut mia).await.assert_problem(403, "no_operator");

    rule(&api, "user.email != ''", "auditor").await;
    assert_eq!(through_contoso(&mut mia).await.url.path(), "/admin");
    assert_eq!(api.post(&format!("/users/{sub}/block"), &json!({})).await.status / 100, 2);
    assert_eq!(mia.open("/admin").await.url.path(), "/admin/sign-in", "who is blocked is out at once");
    through_contoso(&mut mia).await.assert_problem(403, "user_blocked");
}

#[tokio::test]
async fn an_address_from_an_upstream_makes_nobody_the_operator_of_that_address() {
    let world = World::new().await;
    let broker = &world.broker;
    let api = Api::of(broker, "owner").await;
    let ada = Operator::signed_in(broker, "owner").await;
    rule(&api, "true", "auditor").await;
    let email = ada.email.clone();
    world.idp.tell(move |idp| idp.userinfo["email"] = json!(email));
    let mut mallory = Operator::at(broker, &ada.email);
    assert_eq!(through_contoso(&mut mallory).await.url.path(), "/admin");
    assert_eq!(mallory.open("/admin/operators/new").await.status, 403, "an auditor, whatever the address");
    let listed = api.get(&format!("/operators?q={}", ada.email)).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2, "two operators: {}", listed.json);
    let page = mallory.open("/admin/password").await;
    let page =
        mallory.submit(&page, "choose-password", &[("current", PASSWORD), ("new", "mallory was here now")]).await;
    assert_eq!(page.status, 422, "no password to change: {page}");
    let mut own = Operator::at(broker, &ada.email);
    assert_eq!(own.sign_in(PASSWORD).await.url.path(), "/admin");
}

#[tokio::test]
async fn a_rule_that_cannot_be_read_is_refused_beside_its_field() {
    let world = World::new().await;
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let page = owner.open("/admin/operator-rules/new").await;
    let wrong =
        owner.submit(&page, "rule", &[("connection", "contoso"), ("when", "claims.("), ("role", "editor")]).await;
    assert!(wrong.status == 422 && wrong.has("when-error") && wrong.body.contains("claims.("), "{wrong}");
    let made = owner.submit(&wrong, "rule", &[("when", "true"), ("connection", "contoso"), ("role", "editor")]).await;
    assert_eq!(made.url.path(), "/admin/operator-rules", "{made}");
}
