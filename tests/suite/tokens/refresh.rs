//! Refresh tokens: rotation, theft, and the answer that was lost on the way.

use serde_json::json;
use time::Duration;

use crate::harness::app::claims;
use crate::harness::{RefreshTokens, World};

#[tokio::test]
async fn each_use_gives_a_new_token_of_the_same_person() {
    let world = World::new().await;
    let (_, first) = world.signed_in().await;
    world.broker.clock.advance(Duration::minutes(10));
    let second = world.shop.refresh(first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(second.status, 200, "{}", second.json);
    for name in ["refresh_token", "access_token", "id_token"] {
        assert_ne!(second.json[name], first[name]);
    }
    let (before, after) = (claims(first["id_token"].as_str().unwrap()), claims(second.text("id_token")));
    for name in ["iss", "sub", "aud", "auth_time", "azp"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(after.get("nonce").is_none());
}

#[tokio::test]
async fn an_old_token_that_comes_again_ends_the_whole_family() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let second = world.shop.refresh(first).await;
    world.broker.clock.advance(Duration::seconds(11));
    world.shop.refresh(first).await.assert_error(400, "invalid_grant");
    world.shop.refresh(second.text("refresh_token")).await.assert_error(400, "invalid_grant");
    assert_eq!(
        world
            .broker
            .audit_events()
            .await
            .iter()
            .filter(|e| e.reason.as_deref() == Some("refresh_token_reused"))
            .count(),
        1
    );
}

#[tokio::test]
async fn a_retry_in_the_same_breath_gets_the_same_successor_until_that_was_used() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let second = world.shop.refresh(first).await;
    world.broker.clock.advance(Duration::seconds(8));
    let retried = world.shop.refresh(first).await;
    assert_eq!(retried.text("refresh_token"), second.text("refresh_token"));
    let third = world.shop.refresh(second.text("refresh_token")).await;
    assert_eq!(third.status, 200);
    // the successor has been used: whoever still holds the first is somebody else
    world.shop.refresh(first).await.assert_error(400, "invalid_grant");
    world.shop.refresh(third.text("refresh_token")).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn it_belongs_to_one_application_and_dies_of_age() {
    let world = World::new().await;
    let thief = world.app("thief", "kind: spa").await;
    let (_, tokens) = world.signed_in().await;
    let token = tokens["refresh_token"].as_str().unwrap();
    thief.refresh(token).await.assert_error(400, "invalid_grant");
    thief.refresh("avo_rt_garbage").await.assert_error(400, "invalid_grant");
    let mut token = world.shop.refresh(token).await.text("refresh_token").to_owned();
    for _ in 0..2 {
        world.broker.clock.advance(Duration::days(13));
        token = world.shop.refresh(&token).await.text("refresh_token").to_owned();
    }
    world.broker.clock.advance(Duration::days(5)); // 31 days since the sign-in
    world.shop.refresh(&token).await.assert_error(400, "invalid_grant");
    let (_, tokens) = world.signed_in().await;
    world.broker.clock.advance(Duration::days(15)); // never used
    world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn less_may_be_asked_for_and_more_may_not() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let ask = |scope: &'static str, token: String| {
        let shop = world.shop.clone();
        async move { shop.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)]).await }
    };
    ask("openid groups", token.into()).await.assert_error(400, "invalid_scope");
    let less = ask("openid", token.into()).await;
    assert_eq!(less.text("scope"), "openid");
    let again = ask("", less.text("refresh_token").into()).await;
    assert_eq!(again.text("scope"), "openid profile email offline_access", "what was granted stays granted");
}

#[tokio::test]
async fn a_refreshed_id_token_has_the_claims_of_the_first() {
    let world = World::new().await;
    world.idp.tell(|script| {
        script.claims = json!({ "acr": "urn:mfa", "amr": ["pwd", "otp"] });
        script.userinfo["groups"] = json!(["camunda-admin", "staff"]);
        script.userinfo["given_name"] = "Marty".into();
        script.userinfo["family_name"] = "McFly".into();
        script.userinfo["preferred_username"] = "marty".into();
        script.userinfo["badge"] = json!(1985);
    });
    let resource = "resources: [{ identifier: https://api.example, scopes: [read] }]\n\
                    roles: [{ name: operator, resource: https://api.example, when: \"'staff' in user.groups\" }]";
    world.apply(resource).await;
    let mut several = 0;
    for policy in ["login_only", "best_effort, max_age: 0", "require, max_age: 0"] {
        world.idp.tell(|script| script.refresh_tokens = RefreshTokens::Rotating);
        world
            .set_contoso(&format!(
                "mapping: {{ attributes: {{ badge: claims.badge }} }}\nrefresh: {{ policy: {policy} }}"
            ))
            .await;
        for scope in ["openid", "openid email", "openid profile email groups", "openid profile groups read"] {
            for claims_of in [
                "{}",
                "{ id_token: [groups, roles, email, name] }",
                "{ id_token: [badge, groups, given_name], access_token: [badge, roles], groups_filter: \"group == 'staff'\", \
                 custom: { badge: user.attributes.badge } }",
            ] {
                several += 1;
                let app = world
                    .app(
                        &format!("app-{several}"),
                        &format!("kind: spa\naudiences: [https://api.example]\nclaims: {claims_of}"),
                    )
                    .await
                    .scoped(&format!("{scope} offline_access"));
                let first = app.tokens(&mut app.browser(), &[("resource", "https://api.example")]).await;
                let mut token = first["refresh_token"].as_str().unwrap().to_owned();
                for _ in 0..2 {
                    world.broker.clock.advance(Duration::seconds(30));
                    let again = app.refresh(&token).await;
                    for kind in ["id_token", "access_token"] {
                        let mut pair = [first[kind].as_str().unwrap(), again.text(kind)].map(claims);
                        for claims in &mut pair {
                            // what belongs to one token only
                            claims.as_object_mut().unwrap().retain(|name, _| {
                                !["iat", "exp", "nbf", "jti", "at_hash", "nonce"].contains(&name.as_str())
                            });
                        }
                        assert_eq!(pair[0], pair[1], "{kind} with {policy}, {scope}, {claims_of}");
                    }
                    let id_token = claims(again.text("id_token"));
                    assert_eq!((&id_token["acr"], &id_token["amr"]), (&json!("urn:mfa"), &json!(["pwd", "otp"])));
                    assert!(id_token.get("sid").is_some() && id_token.get("nonce").is_none(), "{id_token}");
                    token = again.text("refresh_token").to_owned();
                }
            }
        }
    }
}
