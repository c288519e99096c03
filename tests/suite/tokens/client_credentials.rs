//! Tokens for machines.

use super::{API, machine};
use crate::harness::World;
use crate::harness::app::{claims, post};

#[tokio::test]
async fn without_a_scope_it_is_all_that_the_client_may_have_on_the_audience() {
    let world = World::new().await;
    let robot = machine(&world).await;
    type Asked = &'static [(&'static str, &'static str)];
    let table: &[(Asked, &str, &str)] = &[
        (&[], API, "read write"),
        (&[("audience", API)], API, "read write"),
        (&[("resource", "https://es256.example")], "https://es256.example", "read"),
        (&[("scope", "write")], API, "write"),
        (&[("scope", "openid profile read")], API, "read"),
        (&[("scope", "https://es256.example/.default")], "https://es256.example", "read"),
    ];
    for (more, audience, scope) in table {
        let fields = [&[("grant_type", "client_credentials")], *more].concat();
        let answer = robot.token(&fields).await;
        assert_eq!(answer.status, 200, "{more:?}: {}", answer.json);
        assert_eq!(answer.text("scope"), *scope, "{more:?}");
        assert_eq!(claims(answer.text("access_token"))["aud"], *audience, "{more:?}");
        assert!(answer.json.get("refresh_token").is_none() && answer.json.get("id_token").is_none());
        assert_eq!(answer.text("token_type"), "Bearer");
    }
}

#[tokio::test]
async fn what_the_client_may_not_have_is_refused_by_name() {
    let world = World::new().await;
    let robot = machine(&world).await;
    for (more, error) in [
        (("scope", "admin"), "invalid_scope"),
        (("scope", "read delete"), "invalid_scope"),
        (("audience", "https://forbidden.example"), "invalid_target"),
        (("resource", "https://nowhere.example"), "invalid_target"),
        (("scope", "https://forbidden.example/.default"), "invalid_scope"),
    ] {
        let answer = robot.token(&[("grant_type", "client_credentials"), more]).await;
        answer.assert_error(400, error);
    }
}

#[tokio::test]
async fn a_client_that_cannot_keep_a_secret_or_has_not_the_grant_gets_none() {
    let world = World::new().await;
    world.app("wiki", "kind: spa").await;
    let url = world.shop.token_url();
    let wiki = post(&url, None, &[("grant_type", "client_credentials"), ("client_id", "wiki")]).await;
    wiki.assert_error(400, "unauthorized_client");
    world.shop.token(&[("grant_type", "client_credentials")]).await.assert_error(400, "unauthorized_client");
}
