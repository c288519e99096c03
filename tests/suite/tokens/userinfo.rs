//! UserInfo (OIDC Core §5.3).

use serde_json::json;
use time::Duration;

use super::machine;
use crate::harness::World;
use crate::harness::app::{answer, claims, get, http, post};

#[tokio::test]
async fn it_answers_to_a_header_a_post_and_a_body_and_says_what_the_scopes_allow() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let token = tokens["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let url = world.broker.url("/userinfo");
    let answers = [
        world.shop.userinfo(token).await,
        answer(http().post(&url).header("authorization", &bearer)).await,
        answer(http().get(&url).header("authorization", bearer.replace("Bearer", "bearer"))).await,
        post(&url, None, &[("access_token", token)]).await,
    ];
    let sub = claims(tokens["id_token"].as_str().unwrap())["sub"].clone();
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.json);
        let expected =
            json!({ "sub": sub, "email": "marty@contoso.example", "email_verified": false, "name": "Marty McFly" });
        let mut said = answer.json.clone();
        said["email_verified"] = false.into(); // who is believed about it is the connection's matter
        assert_eq!(said, expected);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let lean = world.shop.scoped("openid").tokens(&mut world.shop.browser(), &[]).await;
    let said = world.shop.userinfo(lean["access_token"].as_str().unwrap()).await;
    assert_eq!(said.json, json!({ "sub": sub }));
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_with_the_bearer_scheme() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let (_, tokens) = world.signed_in().await;
    let token = tokens["access_token"].as_str().unwrap();
    let machine_token = robot.token(&[("grant_type", "client_credentials")]).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    let forged = format!("{}x", &token[..token.len() - 1]);
    for (bad, status, error) in [
        ("garbage", 401, "invalid_token"),
        (&forged, 401, "invalid_token"),
        (id_token, 401, "invalid_token"),
        (machine_token.text("access_token"), 403, "insufficient_scope"),
    ] {
        let answer = world.shop.userinfo(bad).await;
        answer.assert_error(status, error);
        let scheme = answer.header("www-authenticate");
        assert!(scheme.starts_with("Bearer ") && scheme.contains(&format!("error=\"{error}\"")), "{scheme}");
    }
    let in_url = get(&format!("{}?access_token={token}", world.broker.url("/userinfo"))).await;
    assert_eq!(in_url.status, 401, "a token does not belong in a URL");
    world.broker.clock.advance(Duration::minutes(61));
    world.shop.userinfo(token).await.assert_error(401, "invalid_token");
}

/// RFC 6750 §3.1: who sent nothing has made no error yet.
#[tokio::test]
async fn without_a_token_the_answer_names_the_scheme_and_no_error() {
    let world = World::new().await;
    let url = world.broker.url("/userinfo");
    for none in [get(&url).await, post(&url, None, &[]).await] {
        assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer realm=\"avouch\""));
        assert_eq!(none.json.get("error"), None);
    }
}
