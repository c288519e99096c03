//! A provider does not take the secret in use: sign-ins go on by another one, somebody is told, and nobody asks more than
//! once more.

use avouch::trace::Word;
use serde_json::json;
use time::Duration;

use super::refused;
use crate::admin::{Api, Operator};
use crate::harness::app::basic;
use crate::harness::world::CONTOSO_SECRET;
use crate::harness::{Misbehaviour, Place, RefreshTokens, World};

const NEXT: &str = "the-next-secret-of-contoso-0123";

/// The next secret has taken over, and the provider takes these.
async fn promoted(world: &World, known: &[&str]) -> String {
    let api = Api::of(&world.broker, "editor").await;
    let made = api.post("/connections/contoso/secrets", &json!({ "value": NEXT })).await;
    let path = format!("/connections/contoso/secrets/{}/promote", made.text("id"));
    assert_eq!(api.post(&path, &json!({ "override": "for a test" })).await.status, 200);
    world.broker.catch_up().await;
    takes(world, known);
    made.text("id").to_owned()
}

fn takes(world: &World, known: &[&str]) {
    let known = known.iter().map(|secret| (*secret).to_owned()).collect();
    world.idp.tell(|script| script.client_secrets = Some(known));
}

/// The secrets that were shown since the last time, in order.
fn shown(world: &World, seen: &mut usize) -> Vec<&'static str> {
    let calls = world.idp.received().token.split_off(*seen);
    *seen += calls.len();
    let known = |authorization: Option<String>| {
        [CONTOSO_SECRET, NEXT]
            .into_iter()
            .find(|secret| authorization == Some(basic("avouch-at-contoso", secret)))
            .unwrap_or("another")
    };
    calls.into_iter().map(|call| known(call.authorization)).collect()
}

#[tokio::test]
async fn a_promoted_secret_that_is_refused_keeps_nobody_out_and_is_told_of_once() {
    let world = World::new().await;
    let id = promoted(&world, &[CONTOSO_SECRET]).await;
    let mut seen = 0;
    for _ in 0..2 {
        world.signed_in().await;
        assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET]);
    }
    let event = world.last_event("connection.secret_fallback").await;
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 1);
    assert_eq!((event.reason.as_deref(), event.connection.as_deref()), (Some("invalid_client"), Some("contoso")));
    assert_eq!(event.detail["secret"], id);
    assert!(event.detail["worked"].is_string() && event.detail["worked"] != event.detail["secret"], "{event:?}");
    assert!(!event.detail.to_string().contains(NEXT) && !event.detail.to_string().contains(CONTOSO_SECRET));
    assert_eq!(world.broker.metric("avouch_upstream_secret_fallbacks_total{connection=\"contoso\"}").await, 2);

    let login = world.last_event("login").await.trace_id.unwrap();
    let trace = world.broker.trace(&login).await.unwrap();
    let step = trace.steps.iter().find(|step| step.word == Word::UpstreamToken).unwrap();
    assert_eq!(step.detail["refused"]["id"], id, "{step:?}");
    assert_eq!(step.detail["refused"]["said"], "invalid_client: Invalid client credentials");
    assert_eq!(step.detail["proved_by"], event.detail["worked"]);

    // where operators look first, and where they act
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let page = owner.open("/admin").await;
    assert!(page.body.contains("refuses the secret in use"), "{page}");
    let page = owner.open("/admin/connections/contoso/credentials").await;
    assert!(page.body.contains("another secret stands in for it") && page.body.contains("Put it back"), "{page}");
    // a day is not over
    world.broker.clock.advance(Duration::minutes(11));
    world.signed_in().await;
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 2, "it is said again after a while");
}

#[tokio::test]
async fn after_a_few_times_the_one_that_works_goes_first_for_some_minutes() {
    let world = World::new().await;
    promoted(&world, &[CONTOSO_SECRET]).await;
    let mut seen = 0;
    for _ in 0..3 {
        world.signed_in().await;
        assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET]);
    }
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [CONTOSO_SECRET]);
    world.broker.clock.advance(Duration::seconds(301));
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET], "the one in use gets its chance again");
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [CONTOSO_SECRET]);
    // the one that stood in is gone at the provider, and the one in use has come
    takes(&world, &[NEXT]);
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [CONTOSO_SECRET, NEXT]);
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [NEXT]);
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 1);
}

#[tokio::test]
async fn every_providers_way_of_refusing_a_client_counts_and_an_outage_never_does() {
    let world = World::new().await;
    promoted(&world, &[CONTOSO_SECRET]).await;
    let mut seen = 0;
    for how in [(401, "access_denied"), (401, "unauthorized_client"), (400, "invalid_client"), (200, "invalid_client")]
    {
        world.idp.tell(|script| script.refuses_clients = how);
        world.signed_in().await;
        assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET], "{how:?}");
        world.broker.clock.advance(Duration::minutes(11));
    }
    for (how, status, word) in [
        ((503, "invalid_client"), 502, "upstream_unavailable"),
        ((429, "invalid_client"), 502, "upstream_unavailable"),
        ((403, "access_denied"), 403, "upstream_refused"),
        ((400, "invalid_request"), 403, "upstream_refused"),
    ] {
        world.idp.tell(|script| script.refuses_clients = how);
        refused(&world, status, word).await;
        assert_eq!(shown(&world, &mut seen), [NEXT], "{how:?}");
    }
}

#[tokio::test]
async fn where_both_are_refused_one_more_was_asked_and_the_cause_is_said() {
    let world = World::new().await;
    promoted(&world, &[]).await;
    let mut seen = 0;
    for _ in 0..2 {
        refused(&world, 500, "invalid_client").await;
        assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET]);
    }
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 0, "none stood in");
    // and without a second one, as ever
    let api = Api::of(&world.broker, "editor").await;
    let known = api.get("/connections/contoso/secrets").await;
    let before = known.json["items"].as_array().unwrap().iter().find(|one| one["state"] == "retiring").unwrap();
    api.delete(&format!("/connections/contoso/secrets/{}", before["id"].as_str().unwrap())).await;
    world.broker.catch_up().await;
    refused(&world, 500, "invalid_client").await;
    assert_eq!(shown(&world, &mut seen), [NEXT]);
}

#[tokio::test]
async fn a_code_that_was_used_up_by_the_refusal_costs_a_second_trip_that_nobody_sees() {
    let world = World::new().await;
    promoted(&world, &[CONTOSO_SECRET]).await;
    world.idp.tell(|script| script.spends_codes_first = true);
    let mut seen = 0;
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET, CONTOSO_SECRET]);
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [CONTOSO_SECRET]);
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 1);
    let login = world.last_event("login").await;
    assert_eq!(login.outcome, "success", "{login:?}");
}

#[tokio::test]
async fn a_provider_that_uses_up_every_code_is_asked_twice_and_not_for_ever() {
    let world = World::new().await;
    promoted(&world, &[]).await;
    // whichever is shown first is refused, and the other one taken
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let turns: [&[&str]; 4] = [&[], &[CONTOSO_SECRET], &[], &[NEXT]];
    world.idp.tell(|script| {
        script.spends_codes_first = true;
        script.takes_secrets = Some(Box::new(move || {
            let turn = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            turns[turn % turns.len()].iter().map(|secret| (*secret).to_owned()).collect()
        }));
    });
    let mut seen = 0;
    let page = refused(&world, 502, "code_spent").await;
    assert!(page.body.contains("Sign in once more"), "{page}");
    assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET, CONTOSO_SECRET, NEXT]);
}

#[tokio::test]
async fn the_next_secret_stands_in_where_the_one_in_use_was_removed_too_early() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    api.post("/connections/contoso/secrets", &json!({ "value": NEXT })).await;
    world.broker.catch_up().await;
    takes(&world, &[NEXT]);
    let mut seen = 0;
    world.signed_in().await;
    assert_eq!(shown(&world, &mut seen), [CONTOSO_SECRET, NEXT]);
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 1);
}

#[tokio::test]
async fn a_refresh_at_the_provider_falls_back_too() {
    let world = World::new().await;
    world.set_contoso("refresh: { policy: require }").await;
    world.idp.tell(|script| script.refresh_tokens = RefreshTokens::Lasting);
    let app = world.shop.scoped("openid profile groups offline_access");
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    promoted(&world, &[CONTOSO_SECRET]).await;
    let mut seen = 1;
    world.broker.clock.advance(Duration::seconds(301));
    let answer = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(shown(&world, &mut seen), [NEXT, CONTOSO_SECRET]);
    assert_eq!(world.count("connection.secret_fallback", "failed").await, 1);
    world.broker.clock.advance(Duration::seconds(301));
    world.idp.misbehave(Place::Token, Misbehaviour::Say(401, r#"{"error":"invalid_client"}"#.into()));
    let answer = app.refresh(answer.text("refresh_token")).await;
    assert_ne!(answer.status, 200, "{}", answer.json);
    assert_eq!(shown(&world, &mut seen).len(), 2);
}
