//! What the provider says of a person today reaches the tokens of a refresh, by the connection's policy; and a provider
//! that gives no refresh token, fails, or lies, breaks as little as the policy allows.

use std::sync::Arc;
use std::time::Duration as Wait;

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Row as _};
use time::Duration;
use tokio::sync::Notify;

use crate::harness::app::{claims, http};
use crate::harness::{Answer, App, Misbehaviour, Place, RefreshTokens, World, until};

const REQUIRE: &str = "refresh: { policy: require }";
const BEST_EFFORT: &str = "refresh: { policy: best_effort, max_age: 300 }";
const LOGIN_ONLY: &str = "refresh: { policy: login_only }";

/// Contoso with this policy and such refresh tokens; somebody has signed in and holds our refresh token.
async fn signed_in(policy: &str, gives: RefreshTokens) -> (World, App, String) {
    let world = World::new().await;
    world.set_contoso(policy).await;
    world.idp.tell(|script| script.refresh_tokens = gives);
    let app = world.shop.scoped("openid profile groups offline_access");
    let token = sign_in(&app).await;
    (world, app, token)
}

async fn sign_in(app: &App) -> String {
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

fn later(world: &World) {
    world.broker.clock.advance(Duration::seconds(301));
}

fn says_groups(world: &World, groups: Value) {
    world.idp.tell(|script| script.userinfo["groups"] = groups);
}

#[track_caller]
fn groups(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.json);
    let [id_token, access_token] = ["id_token", "access_token"].map(|name| claims(answer.text(name))["groups"].clone());
    assert_eq!(id_token, access_token);
    id_token
}

/// Refresh requests at the provider so far.
fn asked(world: &World) -> usize {
    world.idp.received().token.iter().filter(|call| call.params["grant_type"] == "refresh_token").count()
}

/// Refreshes there whose outcome is written.
async fn kept(world: &World) -> u64 {
    world.broker.metric("avouch_upstream_refreshes_total{connection=\"contoso\",outcome=\"success\"}").await
}

#[tokio::test]
async fn groups_are_as_the_provider_says_them_now_unless_only_the_sign_in_counts() {
    for (policy, fresh) in [(REQUIRE, true), (BEST_EFFORT, true), (LOGIN_ONLY, false)] {
        let (world, app, token) = signed_in(policy, RefreshTokens::Rotating).await;
        says_groups(&world, json!(["night-shift"]));
        let soon = app.refresh(&token).await;
        assert_eq!((groups(&soon), asked(&world)), (json!(["staff"]), 0), "{policy}: recent enough");
        later(&world);
        let answer = app.refresh(soon.text("refresh_token")).await;
        let expected = if fresh { json!(["night-shift"]) } else { json!(["staff"]) };
        assert_eq!(groups(&answer), expected, "{policy}");
        later(&world);
        says_groups(&world, json!([]));
        let answer = app.refresh(answer.text("refresh_token")).await;
        let expected = if fresh { json!([]) } else { json!(["staff"]) };
        assert_eq!(groups(&answer), expected, "{policy}: with the refresh token that came last time");
        assert_eq!(asked(&world), if fresh { 2 } else { 0 }, "{policy}");
        let userinfo = app.userinfo(answer.text("access_token")).await;
        assert_eq!(userinfo.json["groups"], expected, "{policy}");
    }
}

#[tokio::test]
async fn the_default_asks_after_an_hour_and_zero_asks_every_time() {
    let (world, app, mut token) = signed_in("", RefreshTokens::Lasting).await;
    for (minutes, expected) in [(59, 0), (2, 1), (59, 1)] {
        world.broker.clock.advance(Duration::minutes(minutes));
        token = app.refresh(&token).await.text("refresh_token").to_owned();
        assert_eq!(asked(&world), expected);
    }
    let (world, app, mut token) = signed_in("refresh: { policy: require, max_age: 0 }", RefreshTokens::Lasting).await;
    for expected in [1, 2, 3] {
        token = app.refresh(&token).await.text("refresh_token").to_owned();
        assert_eq!(asked(&world), expected);
    }
}

#[tokio::test]
async fn a_provider_that_gives_no_refresh_token_breaks_nothing() {
    for policy in [BEST_EFFORT, LOGIN_ONLY, ""] {
        let (world, app, token) = signed_in(policy, RefreshTokens::None).await;
        world.broker.clock.advance(Duration::hours(30));
        assert_eq!(groups(&app.refresh(&token).await), json!(["staff"]), "{policy}");
        assert_eq!(asked(&world), 0);
        if policy != LOGIN_ONLY {
            let detail = world.last_event("token.issued").await.detail;
            assert_eq!(detail["profile_stale"], "upstream_refresh_token_missing");
            assert!(detail["profile_age_seconds"].as_i64().unwrap() >= 30 * 3600, "{detail}");
            let metrics = http().get(world.broker.ops_url("/metrics")).send().await.unwrap().text().await.unwrap();
            assert!(
                metrics.contains("avouch_refresh_profile_age_seconds_count{connection=\"contoso\"} 1"),
                "{metrics}"
            );
        }
    }
    // who requires it is told at the sign-in, and by name when it is too late
    let (world, app, token) = signed_in(REQUIRE, RefreshTokens::None).await;
    assert_eq!(world.last_event("login").await.detail["upstream_refresh_token"], "missing");
    let soon = app.refresh(&token).await;
    assert_eq!(soon.status, 200);
    later(&world);
    let refused = app.refresh(soon.text("refresh_token")).await;
    refused.assert_error(400, "invalid_grant");
    assert!(refused.text("error_description").contains("gave Avouch no refresh token"), "{}", refused.json);
    assert!(!sign_in(&app).await.is_empty(), "and signing in again helps");
    // nothing was burnt: an operator who changes their mind loses nobody
    world.set_contoso(BEST_EFFORT).await;
    assert_eq!(app.refresh(soon.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn whom_the_provider_does_not_know_any_more_is_out_where_that_is_required() {
    let (world, app, token) = signed_in(REQUIRE, RefreshTokens::Lasting).await;
    later(&world);
    world.idp.forget_refresh_tokens();
    let refused = app.refresh(&token).await;
    refused.assert_error(400, "invalid_grant");
    assert!(refused.text("error_description").contains("does not vouch"), "{}", refused.json);
    let event = world.last_event("login.refreshed").await;
    assert_eq!((event.outcome.as_str(), event.reason.as_deref()), ("refused", Some("upstream_refused")));
    world.set_contoso(LOGIN_ONLY).await;
    app.refresh(&token).await.assert_error(400, "invalid_grant");

    let (world, app, mut token) = signed_in(BEST_EFFORT, RefreshTokens::Lasting).await;
    world.idp.forget_refresh_tokens();
    for _ in 0..2 {
        later(&world);
        let answer = app.refresh(&token).await;
        assert_eq!(groups(&answer), json!(["staff"]));
        token = answer.text("refresh_token").to_owned();
    }
    assert_eq!(asked(&world), 1, "a refresh token that is dead is not shown again");
    assert_eq!(world.last_event("token.issued").await.detail["profile_stale"], "upstream_refused");
}

#[tokio::test]
async fn the_session_ends_with_the_refresh_tokens_of_whom_nobody_vouches_for() {
    let world = World::new().await;
    world.set_contoso(&format!("{REQUIRE}\nallow: \"'staff' in claims.groups\"")).await;
    world.idp.tell(|script| script.refresh_tokens = RefreshTokens::Lasting);
    let wiki = world.app("wiki", "kind: spa").await;
    let mut browser = world.shop.browser();
    browser.stop_at(&wiki.redirect_uri);
    let shop_token = world.shop.tokens(&mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let wiki_token = wiki.tokens(&mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let trips = world.idp.received().authorize.len();
    assert_eq!(trips, 1, "one sign-in for both");
    later(&world);
    says_groups(&world, json!(["fired"]));
    let refused = world.shop.refresh(&shop_token).await;
    refused.assert_error(400, "invalid_grant");
    assert!(refused.text("error_description").contains("not allowed in"), "{}", refused.json);
    wiki.refresh(&wiki_token).await.assert_error(400, "invalid_grant");
    assert_eq!(world.last_event("login.refreshed").await.reason.as_deref(), Some("not_allowed"));
    // the single sign-on session is over too: the provider is visited again
    wiki.sign_in(&mut browser, &[]).await;
    assert_eq!(world.idp.received().authorize.len(), trips + 1);

    // the rule holds whatever the policy: best effort is about who cannot be asked
    let (world, app, token) =
        signed_in(&format!("{BEST_EFFORT}\nallow: \"'staff' in claims.groups\""), RefreshTokens::Lasting).await;
    later(&world);
    says_groups(&world, json!(["fired"]));
    app.refresh(&token).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_provider_that_is_down_costs_nobody_a_token() {
    let (mut world, app, token) = signed_in(REQUIRE, RefreshTokens::Lasting).await;
    later(&world);
    says_groups(&world, json!(["night-shift"]));
    world.idp.misbehave(Place::Token, Misbehaviour::Say(500, "{\"error\":\"invalid_grant\"}".into()));
    let answer = app.refresh(&token).await;
    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    app.refresh(&token).await.assert_error(503, "temporarily_unavailable");
    assert_eq!(asked(&world), 1, "one failure is enough for a few seconds");
    world.idp.sleep().await;
    world.broker.clock.advance(Duration::seconds(6));
    app.refresh(&token).await.assert_error(503, "temporarily_unavailable");
    world.idp.wake().await;
    world.idp.tell(|script| script.misbehaviour.clear());
    world.broker.clock.advance(Duration::seconds(6));
    assert_eq!(groups(&app.refresh(&token).await), json!(["night-shift"]), "the same refresh token of ours");

    let (world, app, token) = signed_in(BEST_EFFORT, RefreshTokens::Rotating).await;
    later(&world);
    says_groups(&world, json!(["night-shift"]));
    world.idp.misbehave(Place::UserInfo, Misbehaviour::Say(503, String::new()));
    let answer = app.refresh(&token).await;
    assert_eq!(groups(&answer), json!(["staff"]));
    assert_eq!(world.last_event("token.issued").await.detail["profile_stale"], "upstream_unavailable");
    world.idp.tell(|script| script.misbehaviour.clear());
    world.broker.clock.advance(Duration::seconds(61));
    let answer = app.refresh(answer.text("refresh_token")).await;
    assert_eq!(groups(&answer), json!(["night-shift"]), "the token that came before UserInfo failed was kept");
}

#[tokio::test]
async fn a_slow_provider_is_not_waited_for_and_its_answer_is_not_lost() {
    let (world, app, token) = signed_in(BEST_EFFORT, RefreshTokens::Rotating).await;
    later(&world);
    says_groups(&world, json!(["night-shift"]));
    let go_on = Arc::new(Notify::new());
    world.idp.misbehave(Place::Token, Misbehaviour::Held(go_on.clone()));
    let answer = app.refresh(&token).await;
    assert_eq!(groups(&answer), json!(["staff"]));
    go_on.notify_one();
    until("its answer is kept", async || (kept(&world).await == 1).then_some(())).await;
    let answer = app.refresh(answer.text("refresh_token")).await;
    assert_eq!((groups(&answer), asked(&world)), (json!(["night-shift"]), 1));
}

#[tokio::test]
async fn an_application_that_hangs_up_loses_nobody_the_providers_token() {
    let (world, app, token) = signed_in(REQUIRE, RefreshTokens::Rotating).await;
    later(&world);
    let go_on = Arc::new(Notify::new());
    world.idp.misbehave(Place::Token, Misbehaviour::Held(go_on.clone()));
    tokio::select! {
        answer = app.refresh(&token) => panic!("{}", answer.json),
        () = until("the provider is asked", async || (asked(&world) == 1).then_some(())) => {}
    }
    go_on.notify_one();
    until("its answer is kept", async || (kept(&world).await == 1).then_some(())).await;
    world.idp.tell(|script| script.misbehaviour.clear());
    let retried = app.refresh(&token).await;
    assert_eq!((retried.status, asked(&world)), (200, 1), "{}", retried.json);
    later(&world);
    let answer = app.refresh(retried.text("refresh_token")).await;
    assert_eq!((answer.status, asked(&world)), (200, 2), "{}", answer.json);
}

#[tokio::test]
async fn whoever_refreshes_at_once_asks_once() {
    let (world, app, _) = signed_in(REQUIRE, RefreshTokens::Rotating).await;
    let wiki = world.app("wiki", "kind: spa").await.scoped("openid groups offline_access");
    let mut browser = app.browser();
    browser.stop_at(&wiki.redirect_uri);
    let first = app.tokens(&mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    let second = wiki.tokens(&mut browser, &[]).await["refresh_token"].as_str().unwrap().to_owned();
    later(&world);
    says_groups(&world, json!(["night-shift"]));
    world.idp.misbehave(Place::Token, Misbehaviour::Slow(Wait::from_millis(500)));
    let (one, two, three) = tokio::join!(app.refresh(&first), wiki.refresh(&second), wiki.refresh(&second));
    for answer in [&one, &two, &three] {
        assert_eq!(groups(answer), json!(["night-shift"]));
    }
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn a_refreshed_id_token_that_lies_changes_nothing() {
    type Lie = fn(&mut Value);
    let other_person: &[(&str, Lie)] = &[("sub", |claims| claims["sub"] = "doc".into())];
    let wrong: &[(&str, Lie)] = &[
        ("iss", |claims| claims["iss"] = "https://evil.example".into()),
        ("aud", |claims| claims["aud"] = "another".into()),
        ("azp", |claims| claims["azp"] = "another".into()),
        ("nonce", |claims| claims["nonce"] = "another".into()),
        ("exp", |claims| claims["exp"] = 1.into()),
    ];
    for policy in [REQUIRE, BEST_EFFORT] {
        for (what, lie) in other_person.iter().chain(wrong) {
            let (world, app, token) = signed_in(policy, RefreshTokens::Lasting).await;
            later(&world);
            says_groups(&world, json!(["admins"]));
            world.idp.lie(lie);
            let answer = app.refresh(&token).await;
            if *what == "sub" {
                answer.assert_error(400, "invalid_grant");
                app.refresh(&token).await.assert_error(400, "invalid_grant");
            } else if policy == REQUIRE {
                answer.assert_error(503, "temporarily_unavailable");
            } else {
                assert_eq!(groups(&answer), json!(["staff"]), "{what}");
            }
        }
    }
    // UserInfo about somebody else, and a signature by somebody else
    let (world, app, token) = signed_in(BEST_EFFORT, RefreshTokens::Lasting).await;
    later(&world);
    world.idp.tell(|script| script.userinfo["sub"] = "doc".into());
    app.refresh(&token).await.assert_error(400, "invalid_grant");
    let (world, app, token) = signed_in(BEST_EFFORT, RefreshTokens::Lasting).await;
    later(&world);
    says_groups(&world, json!(["admins"]));
    world.idp.tell(|script| script.signature = crate::harness::Signature::KidSwap);
    assert_eq!(groups(&app.refresh(&token).await), json!(["staff"]));
}

#[tokio::test]
async fn without_a_new_id_token_userinfo_says_what_is_new() {
    let (world, app, token) = signed_in(REQUIRE, RefreshTokens::Lasting).await;
    later(&world);
    world.idp.tell(|script| {
        script.token_answer = Some(Box::new(|answer| drop(answer.as_object_mut().unwrap().remove("id_token"))));
        script.userinfo["groups"] = json!(["night-shift"]);
    });
    let answer = app.refresh(&token).await;
    assert_eq!(groups(&answer), json!(["night-shift"]));
    // and where nothing at all is said, what was said last holds
    later(&world);
    world.idp.tell(|script| script.token_answer = Some(Box::new(|answer| *answer = json!({ "token_type": "Bearer" }))));
    assert_eq!(groups(&app.refresh(answer.text("refresh_token")).await), json!(["night-shift"]));
}

#[tokio::test]
async fn the_first_nonce_may_come_again() {
    let (world, app, token) = signed_in(REQUIRE, RefreshTokens::Lasting).await;
    later(&world);
    let nonce = world.idp.received().authorize[0]["nonce"].clone();
    world.idp.lie(move |claims| claims["nonce"] = nonce.as_str().into());
    let answer = app.refresh(&token).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    later(&world);
    assert_eq!(app.refresh(answer.text("refresh_token")).await.status, 200, "and once more");
}

#[tokio::test]
async fn offline_access_is_asked_for_only_where_it_is_required() {
    let world = World::new().await;
    for (settings, scope, access_type, prompt) in [
        ("", "openid profile email", None, None),
        (BEST_EFFORT, "openid profile email", None, None),
        ("scopes: [openid, offline_access]", "openid offline_access", None, None),
        (REQUIRE, "openid profile email offline_access", None, None),
        (&format!("{REQUIRE}\nprompt: login"), "openid profile email offline_access", None, Some("login")),
        (&format!("{REQUIRE}\npreset: google"), "openid profile email", Some("offline"), Some("consent")),
        (
            &format!("{REQUIRE}\npreset: google\nprompt: login"),
            "openid profile email",
            Some("offline"),
            Some("select_account consent"),
        ),
    ] {
        world.set_contoso(settings).await;
        world.shop.sign_in(&mut world.shop.browser(), &[]).await;
        let asked = world.idp.received().authorize.pop().unwrap();
        assert_eq!(asked["scope"], scope, "{settings}");
        assert_eq!(asked.get("access_type").map(String::as_str), access_type, "{settings}");
        assert_eq!(asked.get("prompt").map(String::as_str), prompt, "{settings}");
    }
}

#[tokio::test]
async fn the_providers_token_is_shown_to_nobody_but_the_provider() {
    let (world, app, token) = signed_in(BEST_EFFORT, RefreshTokens::Lasting).await;
    let other = crate::harness::FakeIdp::start(&world.broker.clock).await;
    world.set_contoso(&format!("issuer: {}\n{BEST_EFFORT}", other.issuer)).await;
    later(&world);
    app.refresh(&token).await.assert_error(400, "invalid_grant");
    assert_eq!((asked(&world), other.received().token.len()), (0, 0));
}

#[tokio::test]
async fn nobody_asks_for_a_token_that_will_be_refused_anyway() {
    let (world, app, token) = signed_in("refresh: { policy: require, max_age: 0 }", RefreshTokens::Lasting).await;
    let thief = world.app("thief", "kind: spa").await;
    thief.refresh(&token).await.assert_error(400, "invalid_grant");
    let fresh = app.refresh(&token).await;
    world.broker.clock.advance(Duration::seconds(11));
    app.refresh(&token).await.assert_error(400, "invalid_grant");
    app.refresh(fresh.text("refresh_token")).await.assert_error(400, "invalid_grant");
    assert_eq!(asked(&world), 1);
}

#[tokio::test]
async fn a_master_key_can_be_replaced_under_it() {
    let (world, _, _) = signed_in(REQUIRE, RefreshTokens::Lasting).await;
    let mut conn = world.broker.database().connect().await.unwrap();
    let sealed = "SELECT count(*) FROM upstream_grants WHERE sealed IS NOT NULL";
    assert_eq!(sqlx::query(sealed).fetch_one(&mut conn).await.unwrap().get::<i64, _>(0), 1);
    let columns = avouch::vault::store::SealedColumn::ALL;
    assert!(columns.iter().any(|column| column.name() == ("upstream_grants", "sealed")));
}
