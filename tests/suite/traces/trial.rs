//! An operator tests a connection: a real sign-in that signs nobody in, with every step of it to look at.

use avouch::trace::{Kind, Outcome, Word};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Row as _};

use super::{step, words};
use crate::admin::{Api, Operator};
use crate::harness::{Page, World};
use crate::upstream::saml::Saml;

/// Users and sessions there are.
async fn people(world: &World) -> (i64, i64) {
    let mut conn = world.broker.database().connect().await.unwrap();
    let row = sqlx::query("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)");
    let row = row.fetch_one(&mut conn).await.unwrap();
    (row.get(0), row.get(1))
}

async fn test(operator: &mut Operator, slug: &str, client: &str) -> Page {
    let page = operator.open(&format!("/admin/connections/{slug}/test")).await;
    operator.submit(&page, "test", &[("client_id", client)]).await
}

/// What is wrong, and how the provider is told to do it.
type Lie = (&'static str, fn(&World));

#[tokio::test]
async fn a_disabled_connection_is_tested_and_shows_the_token_that_a_client_would_get() {
    let world = World::new().await;
    world.set_contoso("enabled: false\nemail_domains: [contoso.example]\nallow: \"'staff' in claims.groups\"").await;
    let mut operator = Operator::signed_in(&world.broker, "editor").await;
    let page = test(&mut operator, "contoso", "shop").await;
    assert!(page.url.path().starts_with("/admin/traces/trc_"), "{page}");
    assert_eq!(page.text_of("outcome").as_deref(), Some("Passed"), "{page}");
    assert!(page.body.contains("marty@contoso.example") && page.body.contains("Nothing was issued."));
    let trace = world.broker.trace(page.url.path().rsplit('/').next().unwrap()).await.unwrap();
    assert_eq!((trace.summary.kind, trace.summary.outcome), (Kind::Test, Outcome::Success));
    assert_eq!(
        words(&trace),
        [
            "test.started",
            "upstream.sent",
            "upstream.callback",
            "discovery",
            "upstream.answer",
            "upstream.token",
            "answer.verified",
            "userinfo",
            "claims",
            "mapping",
            "allow",
            "user",
            "token.preview",
        ],
    );
    assert_eq!(step(&trace, Word::User).detail["known"], false);
    let preview = &step(&trace, Word::TokenPreview).detail;
    assert_eq!(preview["access_claims"]["client_id"], "shop");
    assert_eq!((&preview["id_claims"]["aud"], &preview["id_claims"]["groups"]), (&json!("shop"), &json!(["staff"])));

    assert_eq!(people(&world).await, (0, 0), "nobody was made");
    assert_eq!(operator.browser.session(&world.broker.issuer), None, "nobody is signed in");
    assert_eq!((world.count("login", "success").await, world.count("connection.tested", "success").await), (0, 1));
    let event = world.last_event("connection.tested").await;
    assert_eq!((event.actor, event.connection.as_deref()), (format!("operator:{}", operator.email), Some("contoso")));
    // and it is as disabled as before
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[]).await;
    page.assert_problem(403, "no_connection");
}

#[tokio::test]
async fn a_test_that_is_refused_ends_on_its_trace_with_the_reason() {
    let world = World::new().await;
    let mut operator = Operator::signed_in(&world.broker, "owner").await;
    let lies: [Lie; 2] = [
        ("nonce_mismatch", |world| world.idp.lie(|claims| claims["nonce"] = json!("another"))),
        ("not_allowed", |_| {}),
    ];
    for (reason, lie) in lies {
        world.idp.tell_the_truth();
        lie(&world);
        world.set_contoso("allow: 'false'").await;
        let page = test(&mut operator, "contoso", "").await;
        assert_eq!((page.status, page.text_of("reason").as_deref()), (200, Some(reason)), "{page}");
        assert!(page.has("again") && page.has("cause"));
    }
    assert_eq!(people(&world).await, (0, 0));
    // where the provider cannot even be asked
    let mut idp = world.connect("asleep", "enabled: false").await;
    idp.sleep().await;
    let page = test(&mut operator, "asleep", "").await;
    assert_eq!(page.text_of("reason").as_deref(), Some("upstream_unavailable"), "{page}");
    // and where there is no such client
    let page = test(&mut operator, "contoso", "nobody").await;
    assert_eq!((page.status, page.has("client_id-error")), (422, true), "{page}");
}

#[tokio::test]
async fn a_test_comes_back_once_and_in_the_browser_that_left_and_never_becomes_a_sign_in() {
    let world = World::new().await;
    let mut operator = Operator::signed_in(&world.broker, "editor").await;
    operator.browser.stop_at(&world.broker.url("/connections/"));
    let page = test(&mut operator, "contoso", "").await;
    let callback = page.url.to_string();
    assert!(page.stopped && callback.contains("/callback"), "{page}");
    let mut stranger = world.shop.browser();
    stranger.open(&callback).await.assert_problem(400, "state_of_another_browser");
    assert_eq!(stranger.session(&world.broker.issuer), None);
    operator.browser.stop_no_more();
    let page = operator.browser.open(&callback).await;
    assert!(page.url.path().starts_with("/admin/traces/"), "{page}");
    operator.browser.open(&callback).await.assert_problem(400, "state_replayed");
    assert_eq!((people(&world).await, operator.browser.session(&world.broker.issuer)), ((0, 0), None));

    // somebody who is here already keeps their session, and stays who they are
    let (mut person, _) = world.signed_in().await;
    let before = person.session(&world.broker.issuer);
    let api = Api::of(&world.broker, "editor").await;
    let invited = api.post("/connections/contoso/test", &json!({})).await;
    person.open(invited.text("url")).await;
    assert_eq!((people(&world).await, person.session(&world.broker.issuer)), ((1, 1), before));
    let trace = world.broker.trace(invited.text("trace_id")).await.unwrap();
    assert_eq!(step(&trace, Word::User).detail["known"], true);
}

#[tokio::test]
async fn the_api_gives_an_address_that_begins_one_test_for_a_while() {
    let world = World::new().await;
    world.set_contoso("enabled: false").await;
    let api = Api::of(&world.broker, "editor").await;
    let path = "/connections/contoso/test";
    let invite = async || api.post(path, &json!({ "client_id": "shop" })).await;
    let invited = invite().await;
    assert_eq!(invited.status, 201, "{}", invited.json);
    let trace = format!("/traces/{}", invited.text("trace_id"));
    assert_eq!(invited.header("location"), format!("/api/v1{trace}"));
    let mut somebody = world.shop.browser();
    let page = somebody.open(invited.text("url")).await;
    assert!(page.has("operator-sign-in") && !page.body.contains("marty"), "the result is for operators: {page}");
    let result = api.get(&trace).await.json;
    assert_eq!((&result["kind"], &result["outcome"]), (&json!("test"), &json!("success")), "{result}");
    let has = |word: &str| result["steps"].as_array().unwrap().iter().any(|step: &Value| step["step"] == word);
    assert!(has("test.started") && has("claims") && has("token.preview"));
    assert_eq!(people(&world).await, (0, 0));

    somebody.open(invited.text("url")).await.assert_problem(400, "authorization_stale");
    let late = invite().await;
    world.broker.clock.advance(time::Duration::minutes(16));
    somebody.open(late.text("url")).await.assert_problem(400, "authorization_stale");
    somebody
        .open(&world.broker.url("/connections/contoso/test?invitation=x"))
        .await
        .assert_problem(400, "authorization_stale");
    let unknown = api.post(path, &json!({ "client_id": "nobody" })).await;
    assert_eq!(unknown.status, 404);
    let nowhere = api.post("/connections/nowhere/test", &json!({})).await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn a_saml_connection_is_tested_without_being_enabled() {
    let mut saml = Saml::by_hand("enabled: false\nmapping: { groups: claims.groups }").await;
    let mut operator = Operator::signed_in(&saml.world.broker, "editor").await;
    operator.browser.stop_at("http://localhost:9/");
    let page = test(&mut operator, "fabrikam", "shop").await;
    assert!(page.stopped, "{page}");
    let relay_state = saml.take_up(&page);
    let answer = saml.idp.signed_both();
    let page = saml.post(&mut operator.browser, &relay_state, &answer).await;
    assert_eq!(page.text_of("outcome").as_deref(), Some("Passed"), "{page}");
    let trace = saml.world.broker.trace(page.url.path().rsplit('/').next().unwrap()).await.unwrap();
    assert_eq!(
        words(&trace),
        [
            "test.started",
            "upstream.sent",
            "upstream.callback",
            "metadata",
            "answer.verified",
            "claims",
            "mapping",
            "allow",
            "user",
            "token.preview",
        ],
    );
    assert!(step(&trace, Word::AnswerVerified).detail["certificate_sha256"].is_string());
    assert_eq!(people(&saml.world).await, (0, 0));
    let told = serde_json::to_string(&trace.steps).unwrap();
    assert!(!told.contains(&crate::upstream::saml::pem(answer.as_bytes())[..60]) && !told.contains("<saml"));
}
