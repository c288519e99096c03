//! What becomes of a logout notification that does not get through, and where none is sent.

use time::Duration;

use super::notification::{nothing_owed, set_shop, settled, sign_out, told, told_with, wiki};
use crate::harness::app::claims;
use crate::harness::{AuditEvent, Habit, LogoutEndpoint, Options, World, until};

fn outcome(event: &AuditEvent) -> (&str, Option<&str>) {
    (&event.outcome, event.reason.as_deref())
}

/// How many attempts to tell the client came to this, with the outcome written.
async fn counted(world: &World, client: &str, outcome: &str) -> u64 {
    let sample = format!("avouch_logout_notifications_total{{client_id={client:?},outcome={outcome:?}}}");
    world.broker.metric(&sample).await
}

/// So many attempts to tell the shop have failed, and the next waits for its time: whoever turns the clock while one is
/// under way makes it later than it should be, or ends its lease.
pub async fn failed(world: &World, attempts: u64) {
    until("a failed attempt", async || (counted(world, "shop", "retry").await >= attempts).then_some(())).await;
}

#[tokio::test]
async fn an_application_that_is_broken_is_told_when_it_works_with_a_fresh_token() {
    let (world, mut endpoint) = told().await;
    endpoint.behave(Habit::Say(500));
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    failed(&world, 1).await;
    world.broker.clock.advance(Duration::seconds(2));
    failed(&world, 2).await;
    endpoint.sleep().await;
    world.broker.clock.advance(Duration::seconds(6));
    failed(&world, 3).await;
    endpoint.behave(Habit::Say(204));
    endpoint.wake();
    world.broker.clock.advance(Duration::minutes(41));
    let received = endpoint.wait(3).await;
    let tokens: Vec<_> = received.iter().map(|one| claims(one.token())).collect();
    let last = tokens.last().unwrap();
    assert!(tokens[..2].iter().all(|one| one["jti"] != last["jti"] && one["sid"] == last["sid"]), "{tokens:?}");
    let now = avouch::clock::Clock::now(world.broker.clock.as_ref()).unix_timestamp();
    assert!(last["exp"].as_i64().unwrap() > now, "a token that was made long ago is refused");
    let event = settled(&world).await;
    assert_eq!(outcome(&event), ("success", None));
    assert_eq!(event.detail["attempts"], 4);
    until("its count", async || (counted(&world, "shop", "success").await == 1).then_some(())).await;
}

#[tokio::test]
async fn an_application_that_hangs_is_left_after_five_seconds_and_holds_up_no_other() {
    let (world, endpoint) = told().await;
    let other = LogoutEndpoint::start().await;
    endpoint.behave(Habit::Hang);
    let (mut browser, _) = world.signed_in().await;
    wiki(&world, &other, &mut browser).await;
    let began = std::time::Instant::now();
    sign_out(&world, &mut browser).await;
    other.wait(1).await;
    assert_eq!(counted(&world, "shop", "retry").await, 0, "it was not waited for");
    failed(&world, 1).await;
    world.broker.clock.advance(Duration::seconds(2));
    endpoint.wait(2).await; // while the first would take an hour
    assert!(began.elapsed().as_secs() >= 5);
}

#[tokio::test]
async fn an_application_that_never_answers_is_given_up_in_the_audit_log() {
    let (world, endpoint) = told().await;
    // neither a redirect nor a 401 is an answer
    endpoint.behave(Habit::RedirectTo(endpoint.url("elsewhere")));
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    failed(&world, 1).await;
    endpoint.behave(Habit::Say(401));
    for attempts in 1..8 {
        failed(&world, attempts).await;
        world.broker.clock.advance(Duration::hours(1));
    }
    let event = settled(&world).await;
    assert_eq!(outcome(&event), ("failed", Some("client_unreachable")));
    assert_eq!((event.client_id.as_deref(), event.detail["attempts"].as_i64()), (Some("shop"), Some(8)));
    assert!(event.detail["detail"].as_str().unwrap().contains("401"), "{}", event.detail);
    nothing_owed(&world).await;
    assert_eq!(endpoint.received().len(), 8);
    assert!(endpoint.received().iter().all(|one| one.path == "/shop"), "no redirect is followed");
}

#[tokio::test]
async fn a_400_is_the_end_of_it() {
    let (world, endpoint) = told().await;
    endpoint.behave(Habit::Say(400));
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    assert_eq!(outcome(&settled(&world).await), ("refused", Some("client_refused")));
    nothing_owed(&world).await;
    assert_eq!(endpoint.received().len(), 1);
}

#[tokio::test]
async fn a_private_address_is_not_spoken_to_unless_the_operator_opened_them() {
    let world = World::new().await;
    let endpoint = LogoutEndpoint::start().await;
    set_shop(&world, &format!("backchannel_logout_uri: {}", endpoint.url("shop"))).await;
    let (mut browser, _) = world.signed_in().await;
    let mut world = world;
    world.broker.forbid_private_upstreams().await;
    sign_out(&world, &mut browser).await;
    let event = settled(&world).await;
    assert_eq!(outcome(&event), ("refused", Some("address_not_allowed")));
    assert!(endpoint.received().is_empty());
    // link-local, where clouds keep their keys, is never open
    let world = told_with(Options::default()).await.0;
    set_shop(&world, "backchannel_logout_uri: https://169.254.169.254/latest").await;
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    assert_eq!(outcome(&settled(&world).await), ("refused", Some("address_not_allowed")));
}

#[tokio::test]
async fn a_client_that_is_disabled_gets_nothing_not_even_what_was_owed() {
    let (world, endpoint) = told().await;
    endpoint.behave(Habit::Say(503));
    let uri = endpoint.url("shop");
    let (mut browser, _) = world.signed_in().await;
    let (mut other, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    failed(&world, 1).await;
    set_shop(&world, &format!("backchannel_logout_uri: {uri}\n    enabled: false")).await;
    let before = endpoint.received().len();
    sign_out(&world, &mut other).await;
    world.broker.clock.advance(Duration::hours(1));
    assert_eq!(outcome(&settled(&world).await), ("refused", Some("client_disabled")));
    assert_eq!(endpoint.received().len(), before);
    assert_eq!(world.count("logout.notification", "refused").await, 1, "the second logout owed it nothing");
}

#[tokio::test]
async fn an_ended_session_of_another_algorithm_is_told_by_that_algorithm() {
    let (world, endpoint) = told().await;
    let uri = endpoint.url("shop");
    set_shop(
        &world,
        &format!(
            "backchannel_logout_uri: {uri}\n    backchannel_logout_session_required: true\n    id_token_alg: ES256"
        ),
    )
    .await;
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    let received = endpoint.wait(1).await.remove(0);
    assert_eq!(crate::harness::app::header(received.token())["alg"], "ES256");
    assert!(world.shop.verified(received.token(), "shop").await.claims["sid"].is_string());
}

#[tokio::test]
async fn a_logout_token_is_good_for_nothing_else() {
    let (world, endpoint) = told().await;
    let (mut browser, _) = world.signed_in().await;
    sign_out(&world, &mut browser).await;
    let token = endpoint.wait(1).await[0].token().to_owned();
    let (mut browser, _) = world.signed_in().await;
    let page = browser.open(&world.broker.url(&format!("/oidc/logout?id_token_hint={token}"))).await;
    page.assert_problem(400, "id_token_hint_invalid");
    assert_eq!(world.shop.userinfo(&token).await.status, 401);
}

#[tokio::test]
async fn addresses_that_cannot_be_right_are_refused_when_they_are_applied() {
    let world = World::new().await;
    for (uri, word) in [
        ("http://app.example/logout", "https"),
        ("ftp://app.example/logout", "https"),
        ("not a url", "https"),
        ("https://app.example/logout#here", "fragment"),
        ("https://user:pass@app.example/logout", "password"),
    ] {
        let yaml = format!(
            "clients:\n  - client_id: wiki\n    kind: spa\n    redirect_uris: [https://wiki.example/callback]\n    backchannel_logout_uri: {uri:?}\n"
        );
        let refused = world.broker.try_apply(&yaml).await.unwrap_err();
        assert!(refused.contains("clients[wiki].backchannel_logout_uri") && refused.contains(word), "{uri}: {refused}");
    }
}
