//! Pushed authorization requests (RFC 9126).

use time::Duration;

use crate::harness::app::get;
use crate::harness::{App, Browser, World};

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:avo_pr_";

/// An application whose requests stop at its consent page, so that there is something to reload.
async fn partner(world: &World) -> App {
    world.app("partner", "name: Partner\nkind: spa\nfirst_party: false").await
}

#[tokio::test]
async fn a_pushed_request_becomes_a_code_and_what_stands_beside_it_counts_for_nothing() {
    let world = World::new().await;
    let shop = &world.shop;
    let (request, pushed) = shop.push(&[], &[("response_mode", "query")]).await;
    assert_eq!(pushed.status, 201, "{}", pushed.json);
    assert!(pushed.text("request_uri").starts_with(PREFIX), "{}", pushed.json);
    let expires_in = pushed.json["expires_in"].as_i64().unwrap();
    assert!((60..=90).contains(&expires_in), "{expires_in}");
    assert_eq!(pushed.header("cache-control"), "no-store");

    let beside = [
        ("redirect_uri", "https://evil.example/"),
        ("scope", "openid"),
        ("state", "theirs"),
        ("response_type", "token"),
        ("code_challenge", "x"),
        ("prompt", "none"),
    ];
    let page = shop.browser().open(&shop.pushed_url(pushed.text("request_uri"), &beside)).await;
    assert!(page.stopped && page.url.as_str().starts_with(&shop.redirect_uri), "{page}");
    assert_eq!(page.param("state"), request.state);
    let tokens = shop.redeem(&page.param("code"), &request.verifier).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);
    assert_eq!(tokens.text("scope"), shop.scope);
}

#[tokio::test]
async fn it_is_checked_when_it_is_pushed_as_it_would_be_in_the_browser() {
    let world = World::new().await;
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("redirect_uri", "https://evil.example/callback")], "invalid_request"),
        (&[("redirect_uri", "https://shop.example/callback/")], "invalid_request"),
        (&[("redirect_uri", "")], "invalid_request"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "https://shop.example/request")], "request_uri_not_supported"),
        (&[("request_uri", "urn:ietf:params:oauth:request_uri:avo_pr_x")], "request_uri_not_supported"),
        (&[("id_token_hint", "x")], "invalid_request"),
        (&[("audience", "https://api.example")], "invalid_target"),
        (&[("prompt", "sometimes")], "invalid_request"),
    ];
    for (more, error) in table {
        let (_, answer) = world.shop.push(&[], more).await;
        answer.assert_error(400, error);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(world.last_event("authorization.push").await.reason.as_deref(), Some(*error), "{more:?}");
    }
    let (_, long) = world.shop.push(&[], &[("state", &"s".repeat(2049))]).await;
    long.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn only_a_client_that_proves_itself_pushes_and_only_by_post() {
    let world = World::new().await;
    let stranger = App { secret: Some("wrong".into()), ..world.shop.clone() };
    stranger.push(&[], &[]).await.1.assert_error(401, "invalid_client");
    let silent = App { secret: None, ..world.shop.clone() };
    silent.push(&[], &[]).await.1.assert_error(401, "invalid_client");
    let (_, another) = world.shop.push(&[], &[("client_id", "other")]).await;
    another.assert_error(400, "invalid_request");
    // a client that says its name in the header only
    let (_, named) = world.shop.push(&[], &[("client_id", "")]).await;
    assert_eq!(named.status, 201, "{}", named.json);
    assert_eq!(get(&world.broker.url("/oauth/par?client_id=shop")).await.status, 405);
    let wiki = world.app("wiki", "kind: spa").await;
    assert_eq!(wiki.push(&[], &[]).await.1.status, 201);
    world.broker.secret("robot", "robot-secret-0123456789");
    world.apply("clients: [{ client_id: robot, kind: machine, client_secret: { file: robot } }]").await;
    let robot = App::new(&world.broker, "robot", Some("robot-secret-0123456789"));
    robot.push(&[], &[]).await.1.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn it_may_be_visited_again_until_it_is_answered_and_then_never_more() {
    let world = World::new().await;
    let partner = partner(&world).await;
    let (request, _) = partner.push(&[], &[]).await;
    let (mut browser, mut other) = (partner.browser(), partner.browser());
    let first = browser.open(&request.url).await;
    let second = browser.open(&request.url).await;
    let elsewhere = other.open(&request.url).await;
    assert!(first.has("allow") && second.has("allow") && elsewhere.has("allow"), "{second}");
    let answered = browser.press(&second, "allow").await;
    assert_eq!(partner.redeem(&answered.param("code"), &request.verifier).await.status, 200);

    // neither by a page that was still open, nor by coming again
    browser.press(&first, "allow").await.assert_problem(400, "authorization_stale");
    other.press(&elsewhere, "allow").await.assert_problem(400, "authorization_stale");
    for visitor in [&mut browser, &mut other, &mut Browser::new()] {
        let page = visitor.open(&request.url).await;
        page.assert_problem(400, "invalid_request_uri");
        assert_eq!(page.header("location"), "");
    }
}

#[tokio::test]
async fn two_answers_at_once_are_one() {
    let world = World::new().await;
    let partner = partner(&world).await;
    let (request, _) = partner.push(&[], &[]).await;
    let (mut one, mut other) = (partner.browser(), partner.browser());
    let (page, also) = (one.open(&request.url).await, other.open(&request.url).await);
    let (page, also) = tokio::join!(one.press(&page, "allow"), other.press(&also, "allow"));
    let codes = [&page, &also].iter().filter(|page| page.stopped && page.params().contains_key("code")).count();
    assert_eq!(codes, 1, "{page} {also}");
}

#[tokio::test]
async fn a_refusal_answers_it_too() {
    let world = World::new().await;
    let partner = partner(&world).await;
    let (request, _) = partner.push(&[], &[]).await;
    let mut browser = partner.browser();
    let page = browser.open(&request.url).await;
    let answer = browser.press(&page, "deny").await;
    answer.assert_error("access_denied");
    assert_eq!(answer.param("state"), request.state);
    browser.open(&request.url).await.assert_problem(400, "invalid_request_uri");

    let (request, _) = partner.push(&[], &[("prompt", "none")]).await;
    partner.browser().open(&request.url).await.assert_error("login_required");
    partner.browser().open(&request.url).await.assert_problem(400, "invalid_request_uri");
}

#[tokio::test]
async fn what_refers_to_nothing_of_this_client_gets_a_page_and_no_redirect() {
    let world = World::new().await;
    let shop = &world.shop;
    let wiki = world.app("wiki", "kind: spa").await;
    let (request, pushed) = shop.push(&[], &[]).await;
    let request_uri = pushed.text("request_uri");
    let forged = format!("{}x", &request_uri[..request_uri.len() - 1]);
    let beside = [("redirect_uri", wiki.redirect_uri.as_str()), ("response_type", "code")];
    for url in [
        wiki.pushed_url(request_uri, &beside),
        shop.pushed_url(&forged, &[("redirect_uri", &shop.redirect_uri)]),
        shop.pushed_url("urn:ietf:params:oauth:request_uri:", &[]),
        shop.pushed_url("urn:ietf:params:oauth:request_uri:x", &[]),
    ] {
        let page = Browser::new().open(&url).await;
        page.assert_problem(400, "invalid_request_uri");
        assert_eq!(page.header("location"), "", "{url}");
    }
    let nameless = request.url.replace("client_id=shop&", "");
    Browser::new().open(&nameless).await.assert_problem(400, "client_id_missing");
    // nobody used it up by trying
    assert!(shop.browser().open(&request.url).await.params().contains_key("code"));

    let (request, _) = shop.push(&[], &[]).await;
    world.broker.clock.advance(Duration::seconds(91));
    Browser::new().open(&request.url).await.assert_problem(400, "invalid_request_uri");
}

#[tokio::test]
async fn what_an_operator_takes_away_meanwhile_is_gone() {
    let world = World::new().await;
    let wiki = world.app("wiki", "kind: spa").await;
    let (request, _) = wiki.push(&[], &[]).await;
    world.apply("clients: [{ client_id: wiki, kind: spa, redirect_uris: [https://wiki.example/new] }]").await;
    Browser::new().open(&request.url).await.assert_problem(400, "redirect_uri_not_registered");
    world.app("wiki", "kind: spa\nenabled: false").await;
    Browser::new().open(&request.url).await.assert_problem(400, "client_disabled");
}

#[tokio::test]
async fn a_client_that_must_push_is_refused_in_the_browser() {
    let world = World::new().await;
    let bank = world.app("bank", "kind: spa\nrequire_pushed_authorization_requests: true").await;
    let (request, page) = bank.sign_in(&mut bank.browser(), &[]).await;
    page.assert_error("invalid_request");
    assert_eq!(page.param("state"), request.state);
    let (_, page) = bank.sign_in(&mut bank.browser(), &[("request_uri", "https://bank.example/x")]).await;
    assert!(!page.params().contains_key("code"), "{page}");
    assert!(world.idp.received().authorize.is_empty());
    let (request, _) = bank.push(&[], &[]).await;
    let page = bank.browser().open(&request.url).await;
    assert_eq!(bank.redeem(&page.param("code"), &request.verifier).await.status, 200);
}
