//! What no application sends: the answer is a page that says no, and never a fault of ours.

use crate::harness::app::{get, http};
use crate::harness::{Browser, World};

#[tokio::test]
async fn a_nul_byte_in_any_parameter_is_refused_before_it_is_looked_at() {
    let world = World::new().await;
    let known = world.shop.request(&[]);
    for name in ["client_id", "redirect_uri", "state", "nonce", "scope", "login_hint", "connection", "unknown"] {
        let request = world.shop.request(&[(name, "a\0b")]);
        Browser::new().open(&request.url).await.assert_problem(400, "request_malformed");
    }
    Browser::new().open(&format!("{}&%00=x", known.url)).await.assert_problem(400, "request_malformed");
    let url = world.broker.url("/authorize");
    let posted = Browser::new().post(&url, &[("client_id", "shop"), ("state", "\0")]).await;
    posted.assert_problem(400, "request_malformed");
    let callback = world.broker.url("/connections/contoso/callback?state=%00&code=%00");
    Browser::new().open(&callback).await.assert_problem(400, "request_malformed");
    let token = world.shop.token(&[("grant_type", "refresh_token"), ("refresh_token", "\0")]).await;
    token.assert_error(400, "invalid_request");
    assert!(world.idp.received().authorize.is_empty());
}

#[tokio::test]
async fn more_than_64_parameters_are_too_many() {
    let world = World::new().await;
    // eight are the usual ones
    for (more, refused) in [(56, false), (57, true)] {
        let names: Vec<String> = (0..more).map(|i| format!("p{i}")).collect();
        let more: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &more).await;
        match refused {
            true => page.assert_problem(400, "request_malformed"),
            false => assert!(page.params().contains_key("code"), "{page}"),
        }
    }
    assert_eq!(world.last_event("authorization").await.reason.as_deref(), Some("request_malformed"));
}

#[tokio::test]
async fn a_state_of_2048_bytes_comes_back_and_a_longer_one_is_refused() {
    let world = World::new().await;
    let longest = "s".repeat(2048);
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("state", &longest)]).await;
    assert_eq!(page.param("state"), longest);
    let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("state", &format!("{longest}s"))]).await;
    page.assert_problem(400, "state_too_long");
    assert_eq!(world.last_event("authorization").await.reason.as_deref(), Some("state_too_long"));
}

#[tokio::test]
async fn a_nul_byte_in_a_path_names_nothing() {
    let world = World::new().await;
    for (path, status, code) in [
        ("/login/%00", 400, "authorization_stale"),
        ("/authorize/%00", 400, "authorization_stale"),
        ("/authorize/%00/return/%00", 400, "authorization_stale"),
        ("/consent/%00", 400, "authorization_stale"),
        ("/connections/%00/callback?code=x&state=x", 404, "connection_unknown"),
    ] {
        Browser::new().open(&world.broker.url(path)).await.assert_problem(status, code);
    }
    assert_eq!(get(&world.broker.url("/connections/%00/jwks.json")).await.status, 404);
    for path in ["/login/%00/email", "/login/%00/connection", "/login/%00/continue", "/consent/%00"] {
        let form = [("csrf", "x"), ("email", "x"), ("connection", "x"), ("decision", "allow")];
        let answer = http().post(world.broker.url(path)).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path}");
    }
}

#[tokio::test]
async fn a_scope_of_more_than_4096_bytes_is_refused() {
    let world = World::new().await;
    for (times, refused) in [(585, false), (586, true)] {
        let scope = "openid ".repeat(times);
        let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("scope", &scope)]).await;
        match refused {
            true => page.assert_error("invalid_scope"),
            false => assert!(page.params().contains_key("code"), "{page}"),
        }
    }
}
