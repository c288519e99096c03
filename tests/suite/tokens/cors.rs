//! Calls from pages of other origins (the Fetch standard's CORS): those of registered single-page applications.

use reqwest::Method;

use crate::harness::app::{answer, http};
use crate::harness::{Answer, World};

const ALLOW: &str = "access-control-allow-origin";
const OPEN: [&str; 4] = ["/oauth/token", "/userinfo", "/oauth/revoke", "/oauth/par"];

async fn preflight(world: &World, path: &str, origin: &str) -> Answer {
    let request = http().request(Method::OPTIONS, world.broker.url(path)).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    answer(request.header("access-control-request-headers", "authorization")).await
}

async fn call(world: &World, path: &str, origin: &str) -> Answer {
    answer(http().post(world.broker.url(path)).header("origin", origin).form(&[("token", "x")])).await
}

#[tokio::test]
async fn the_pages_of_a_registered_application_may_call_and_read_refusals_too() {
    let world = World::new().await;
    world.app("wiki", "kind: spa").await;
    let origin = "https://wiki.example";
    for path in OPEN {
        let asked = preflight(&world, path, origin).await;
        assert_eq!((asked.status, asked.header(ALLOW)), (204, origin), "{path}");
        assert!(asked.header("access-control-allow-methods").contains("POST"), "{path}");
        assert!(asked.header("access-control-allow-headers").contains("authorization"), "{path}");
        assert!(asked.header("access-control-allow-headers").contains("dpop"), "{path}");
        let called = call(&world, path, origin).await;
        assert_eq!((called.status, called.header(ALLOW)), (401, origin), "{path}");
        assert!(called.header("access-control-expose-headers").contains("www-authenticate"), "{path}");
        for answer in [asked, called] {
            assert!(answer.headers.get_all("vary").iter().any(|value| value == "origin"), "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), "", "no cookie is read here");
        }
    }
    let closed = preflight(&world, "/oauth/introspect", origin).await;
    assert_eq!(closed.header(ALLOW), "", "introspection is not for pages");
}

#[tokio::test]
async fn other_pages_are_not_allowed_and_nobody_is_allowed_everything() {
    let world = World::new().await;
    world.app("wiki", "kind: spa").await;
    world.app("gone", "kind: spa\nenabled: false").await;
    let origins = [
        "https://evil.example",
        "http://wiki.example",
        "https://wiki.example:8443",
        "https://wiki.example.evil.example",
        "https://gone.example",
        "https://shop.example", // its server asks, not its pages
        "null",
    ];
    for path in OPEN {
        for origin in origins {
            for answer in [preflight(&world, path, origin).await, call(&world, path, origin).await] {
                assert_eq!(answer.header(ALLOW), "", "{path} {origin}");
                assert_eq!(answer.header("access-control-allow-methods"), "", "{path} {origin}");
            }
        }
    }
}

#[tokio::test]
async fn public_documents_are_for_every_page() {
    let world = World::new().await;
    for path in
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]
    {
        let read = answer(http().get(world.broker.url(path)).header("origin", "https://evil.example")).await;
        assert_eq!((read.status, read.header(ALLOW)), (200, "*"), "{path}");
    }
}
