//! A provider's discovery document says something else than it did. Until an operator has approved it, what was approved
//! counts: nobody's secret goes to a new place because a document names it.

use serde_json::json;
use time::Duration;

use crate::admin::{Api, Operator};
use crate::harness::{FakeIdp, Misbehaviour, Place, World};

/// As the janitor does, an hour later than the last time.
async fn look(world: &World) {
    world.broker.clock.advance(Duration::minutes(61));
    avouch::drift::look(world.broker.live()).await.unwrap();
    world.broker.catch_up().await;
}

async fn states(api: &Api) -> Vec<String> {
    let all = api.get("/connections/contoso/versions").await;
    assert_eq!(all.status, 200, "{}", all.json);
    all.json["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

async fn newest(api: &Api) -> serde_json::Value {
    api.get("/connections/contoso/versions").await.json["items"][0].clone()
}

fn move_token_endpoint(world: &World, to: &FakeIdp) {
    let moved = format!("{}/token", to.issuer);
    world.idp.tell(|script| {
        script.discovery = Some(Box::new(move |document| document["token_endpoint"] = json!(moved)));
    });
}

#[tokio::test]
async fn a_moved_token_endpoint_is_not_used_until_it_is_approved() {
    let mut world = World::new().await;
    look(&world).await;
    let api = Api::of(&world.broker, "editor").await;
    assert_eq!(states(&api).await, ["approved"], "the first is approved as the connection was");
    let elsewhere = FakeIdp::start(&world.broker.clock).await;
    move_token_endpoint(&world, &elsewhere);
    look(&world).await;
    look(&world).await;
    assert_eq!(states(&api).await, ["pending", "approved"]);
    assert_eq!(world.count("connection.drift_seen", "failed").await, 1, "said once");
    world.signed_in().await;
    assert_eq!(elsewhere.received().token.len(), 0, "the secret stays at home");
    world.broker.restart().await;
    world.signed_in().await;
    assert_eq!(elsewhere.received().token.len(), 0, "nor does a restart forget");

    let api = Api::of(&world.broker, "editor").await;
    let pending = newest(&api).await;
    let home = format!("{}/token", world.idp.issuer);
    assert_eq!(pending["changes"], json!({ "token_endpoint": [home, format!("{}/token", elsewhere.issuer)] }));
    let (id, none) = (pending["id"].as_str().unwrap(), json!({}));
    let auditor = Api::of(&world.broker, "auditor").await;
    let path = format!("/connections/contoso/versions/{id}");
    assert_eq!(auditor.post(&format!("{path}/approve"), &none).await.status, 403);
    assert_eq!(api.post(&format!("{path}/reject"), &none).await.status, 204);
    look(&world).await;
    assert_eq!(states(&api).await, ["rejected", "approved"], "not asked again");
    assert_eq!(api.post(&format!("{path}/reject"), &none).await.status, 409);
    assert_eq!(api.post(&format!("{path}/approve"), &none).await.status, 204);
    assert_eq!(states(&api).await, ["approved", "superseded"]);
    assert_eq!(world.count("connection.drift_approved", "success").await, 1);
    world.broker.catch_up().await;
    let mut browser = world.shop.browser();
    world.shop.sign_in(&mut browser, &[]).await;
    assert_eq!(elsewhere.received().token.len(), 1, "approved, it is used");
}

#[tokio::test]
async fn weaker_algorithms_wait_and_additions_do_not() {
    let world = World::new().await;
    look(&world).await;
    let api = Api::of(&world.broker, "editor").await;
    let say = |algs: serde_json::Value| {
        world.idp.tell(|script| {
            script.discovery = Some(Box::new(move |document| {
                document["id_token_signing_alg_values_supported"] = algs.clone();
                document["scopes_supported"] = json!(["openid", "new"]);
            }));
        });
    };
    say(json!(["RS256", "ES256"]));
    look(&world).await;
    assert_eq!(states(&api).await, ["approved", "superseded"]);
    say(json!(["RS256", "ES256", "none"]));
    look(&world).await;
    assert_eq!(states(&api).await, ["pending", "approved", "superseded"]);
    say(json!(["RS256", "ES256"]));
    look(&world).await;
    assert_eq!(states(&api).await, ["superseded", "approved", "superseded"], "it went back by itself");
}

#[tokio::test]
async fn a_provider_whose_document_is_gone_or_lies_about_its_issuer_changes_nothing() {
    let mut world = World::new().await;
    look(&world).await;
    world.idp.tell(|script| {
        script.discovery = Some(Box::new(|document| document["issuer"] = json!("https://evil.example")));
    });
    look(&world).await;
    let api = Api::of(&world.broker, "editor").await;
    assert_eq!(states(&api).await, ["approved"]);
    let seen = api.get("/connections/contoso/versions").await.json;
    assert!(seen["blocked"]["detail"].as_str().unwrap().contains("https://evil.example"), "{seen}");
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    assert!(auditor.open("/admin").await.body.contains("says that it is another provider"));
    assert!(auditor.open("/admin/connections/contoso").await.has("drift"));
    assert!(auditor.open("/admin/connections/contoso/versions").await.has("blocked"));
    for _ in 0..3 {
        world.idp.tell(|script| script.discovery = None);
        look(&world).await;
        assert!(api.get("/connections/contoso/versions").await.json["blocked"].is_null());
        world.idp.tell(|script| {
            script.discovery = Some(Box::new(|document| document["issuer"] = json!("https://evil.example")));
        });
        look(&world).await;
    }
    assert_eq!(world.count("connection.drift_seen", "failed").await, 1, "told once a day, however often");
    world.broker.restart().await;
    world.broker.clock.advance(Duration::days(30));
    world.signed_in().await;
}

#[tokio::test]
async fn what_comes_and_goes_is_asked_anew_and_told_once_a_day() {
    let world = World::new().await;
    look(&world).await;
    let api = Api::of(&world.broker, "editor").await;
    let elsewhere = FakeIdp::start(&world.broker.clock).await;
    for _ in 0..3 {
        move_token_endpoint(&world, &elsewhere);
        look(&world).await;
        assert_eq!(states(&api).await, ["pending", "approved"], "one row, however often");
        world.idp.tell(|script| script.discovery = None);
        look(&world).await;
        assert_eq!(states(&api).await, ["superseded", "approved"]);
    }
    assert_eq!(world.count("connection.drift_seen", "failed").await, 1);
    world.broker.clock.advance(Duration::days(1));
    move_token_endpoint(&world, &elsewhere);
    look(&world).await;
    assert_eq!(world.count("connection.drift_seen", "failed").await, 2, "a day later it is news");
}

#[tokio::test]
async fn which_keys_there_were_and_when_can_be_looked_up() {
    let world = World::new().await;
    look(&world).await;
    let api = Api::of(&world.broker, "auditor").await;
    let keys = async || {
        let all = api.get("/connections/contoso/versions").await.json["keys"].clone();
        let said = |key: &serde_json::Value| (key["kid"].as_str().unwrap().to_owned(), key["published"] == true);
        (all.as_array().unwrap().iter().map(said).collect::<Vec<_>>(), all)
    };
    let (first, _) = keys().await;
    assert!(!first.is_empty() && first.iter().all(|(_, published)| *published), "{first:?}");
    world.idp.rotate();
    look(&world).await;
    let (then, all) = keys().await;
    assert!(then.iter().any(|one| one.1 && !first.contains(one)), "the new one is there: {all}");
    let gone = all.as_array().unwrap().iter().find(|key| key["published"] == false);
    if let Some(gone) = gone {
        assert!(gone["last_seen_at"].as_str() < all[0]["last_seen_at"].as_str(), "{all}");
    }
    assert_eq!(states(&api).await, ["approved"]);
    assert_eq!(world.count("connection.drift_seen", "failed").await, 0, "keys need nobody");
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    let page = auditor.open("/admin/connections/contoso/versions").await;
    assert!(page.has("keys") && page.body.contains(&then[0].0), "{page}");
}

#[tokio::test]
async fn a_failed_sign_in_names_the_change_that_waits() {
    let world = World::new().await;
    look(&world).await;
    let elsewhere = FakeIdp::start(&world.broker.clock).await;
    move_token_endpoint(&world, &elsewhere);
    look(&world).await;
    world.idp.misbehave(Place::Token, Misbehaviour::Say(404, "{}".into()));
    let mut browser = world.shop.browser();
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    assert_eq!(page.status, 502, "{page}");
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    let api = Api::of(&world.broker, "auditor").await;
    let traces = api.get("/traces?outcome=failed").await.json;
    let id = traces["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{traces}")).to_owned();
    let page = auditor.open(&format!("/admin/traces/{id}")).await;
    assert!(page.has("drift") && page.body.contains("/admin/connections/contoso/versions"), "{page}");
}

#[tokio::test]
async fn two_looks_at_once_ask_the_provider_once() {
    let world = World::new().await;
    look(&world).await;
    let before = world.idp.received().discovery;
    world.broker.clock.advance(Duration::minutes(61));
    let (one, other) = (avouch::drift::look(world.broker.live()), avouch::drift::look(world.broker.live()));
    let (one, other) = tokio::join!(one, other);
    one.unwrap();
    other.unwrap();
    assert_eq!(world.idp.received().discovery, before + 1);
    avouch::drift::look(world.broker.live()).await.unwrap();
    assert_eq!(world.idp.received().discovery, before + 1, "it is not due");
}

#[tokio::test]
async fn whoever_has_to_decide_sees_it_and_decides_on_the_page() {
    let world = World::new().await;
    look(&world).await;
    let elsewhere = FakeIdp::start(&world.broker.clock).await;
    move_token_endpoint(&world, &elsewhere);
    look(&world).await;
    let mut auditor = Operator::signed_in(&world.broker, "auditor").await;
    let page = auditor.open("/admin").await;
    assert!(page.body.contains("says something else than was approved"), "{page}");
    let page = auditor.open("/admin/connections/contoso/versions").await;
    assert!(page.body.contains(&format!("{}/token", elsewhere.issuer)) && !page.has("approve"), "{page}");
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/versions").await;
    let page = editor.press(&page, "reject").await;
    assert!(page.has("approve") && !page.has("reject"), "{page}");
    let page = editor.press(&page, "approve").await;
    assert!(!page.has("approve") && page.body.contains(&format!("{}/token", elsewhere.issuer)), "{page}");
    assert!(!editor.open("/admin").await.body.contains("says something else"));
    // and new keys at the same address needed nobody
    world.idp.tell(|script| script.discovery = None);
    look(&world).await;
    world.idp.rotate();
    let before = world.count("connection.drift_seen", "failed").await;
    look(&world).await;
    assert_eq!(world.count("connection.drift_seen", "failed").await, before);
}

#[tokio::test]
async fn what_the_provider_took_back_is_nobodys_decision_any_more() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    look(&world).await;
    let elsewhere = FakeIdp::start(&world.broker.clock).await;
    move_token_endpoint(&world, &elsewhere);
    look(&world).await;
    let id = newest(&api).await["id"].as_str().unwrap().to_owned();
    let path = format!("/connections/contoso/versions/{id}");
    assert_eq!(api.post(&format!("{path}/reject"), &json!({})).await.status, 204);
    world.idp.tell(|script| script.discovery = None);
    look(&world).await;
    assert_eq!(api.post(&format!("{path}/approve"), &json!({})).await.status, 409);
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    assert!(!editor.open("/admin/connections/contoso/versions").await.has("approve"));

    // endpoints by hand: nothing is discovered, and nothing waits
    move_token_endpoint(&world, &elsewhere);
    look(&world).await;
    let at = |path: &str| format!("{}{path}", world.idp.issuer);
    let (authorize, token, jwks) = (at("/authorize"), at("/token"), at("/jwks"));
    let by_hand = format!("authorization_endpoint: {authorize}\ntoken_endpoint: {token}\njwks_uri: {jwks}");
    world.set_contoso(&by_hand).await;
    world.broker.catch_up().await;
    assert!(!editor.open("/admin").await.body.contains("says something else"));
}
