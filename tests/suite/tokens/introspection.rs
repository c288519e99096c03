//! Introspection (RFC 7662): what a token is worth today, for those whom it concerns.

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use time::Duration;

use super::{API, machine};
use crate::harness::app::{basic, claims, post};
use crate::harness::{Answer, App, PATIENCE, World};

async fn ask(app: &App, token: &str) -> Answer {
    let authorization = app.secret.as_ref().map(|secret| basic(&app.client_id, secret));
    post(&format!("{}/oauth/introspect", app.issuer), authorization.as_deref(), &[("token", token)]).await
}

#[track_caller]
fn assert_inactive(answer: &Answer) {
    assert_eq!((answer.status, &answer.json), (200, &json!({ "active": false })));
}

#[tokio::test]
async fn an_application_learns_what_its_own_tokens_say() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let token = tokens["access_token"].as_str().unwrap();
    let answer = ask(&world.shop, token).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!((&answer.json["active"], answer.text("token_type")), (&json!(true), "Bearer"));
    for (name, value) in claims(token).as_object().unwrap() {
        assert_eq!(&answer.json[name], value, "{name}");
    }
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let answer = ask(&world.shop, refresh).await;
    assert_eq!(answer.json["active"], json!(true));
    assert_eq!((answer.text("client_id"), answer.text("scope")), ("shop", "openid profile email offline_access"));
    assert_eq!(answer.json["sub"], claims(token)["sub"]);

    world.shop.refresh(refresh).await;
    assert_inactive(&ask(&world.shop, refresh).await);
    world.broker.clock.advance(Duration::minutes(61));
    assert_inactive(&ask(&world.shop, token).await);
}

#[tokio::test]
async fn whoever_serves_the_audience_learns_too_and_nobody_else() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let guards = [("guard", API), ("other", "https://forbidden.example")].map(|(name, audience)| {
        world.broker.secret(name, "guard-secret-0123456789");
        let yaml = format!(
            "clients: [{{ client_id: {name}, kind: machine, audiences: [\"{audience}\"], client_secret: {{ file: {name} }} }}]"
        );
        (App::new(&world.broker, name, Some("guard-secret-0123456789")), yaml)
    });
    for (_, yaml) in &guards {
        world.apply(yaml).await;
    }
    let [(guard, _), (other, _)] = guards;
    let answer = robot.token(&[("grant_type", "client_credentials"), ("audience", API)]).await;
    let token = answer.text("access_token");
    for caller in [&robot, &guard] {
        let answer = ask(caller, token).await;
        assert_eq!((&answer.json["active"], answer.text("sub")), (&json!(true), "robot"), "{}", caller.client_id);
    }
    for caller in [&other, &world.shop] {
        assert_inactive(&ask(caller, token).await);
    }
    let (_, tokens) = world.signed_in().await;
    for name in ["access_token", "refresh_token"] {
        assert_inactive(&ask(&guard, tokens[name].as_str().unwrap()).await);
    }
}

#[tokio::test]
async fn what_is_no_token_is_inactive() {
    let world = World::new().await;
    let (_, tokens) = world.signed_in().await;
    let access = tokens["access_token"].as_str().unwrap();
    let forged = format!("{}x", &access[..access.len() - 1]);
    let unknown = avouch::secret::mint(avouch::secret::Kind::RefreshToken, &Default::default()).expose().clone();
    for garbage in ["garbage", "a.b.c", &forged, &unknown, tokens["id_token"].as_str().unwrap()] {
        assert_inactive(&ask(&world.shop, garbage).await);
    }
}

#[tokio::test]
async fn who_cannot_prove_itself_learns_nothing() {
    let world = World::new().await;
    let wiki = world.app("wiki", "kind: spa").await;
    let tokens = wiki.tokens(&mut wiki.browser(), &[]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let url = world.broker.url("/oauth/introspect");
    let attempts = [
        (None, vec![("client_id", "wiki"), ("token", token)]),
        (None, vec![("token", token)]),
        (Some(basic("shop", "wrong")), vec![("token", token)]),
    ];
    for (authorization, fields) in attempts {
        let answer = post(&url, authorization.as_deref(), &fields).await;
        answer.assert_error(401, "invalid_client");
        assert_eq!(answer.json["active"], Value::Null);
    }
    let empty = post(&url, Some(&basic("shop", crate::harness::world::SHOP_SECRET)), &[]).await;
    empty.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_refresh_token_says_what_a_refresh_would_give_today() {
    let world = World::new().await;
    let api = "resources: [{ identifier: https://api.example, scopes: [read] }]\n";
    let entry = |more: &str| {
        format!(
            "{api}clients: [{{ client_id: shop, kind: web, redirect_uris: ['https://shop.example/callback'], \
             grants: [authorization_code, refresh_token], client_secret: {{ file: shop }}{more} }}]"
        )
    };
    world.apply(&entry(", audiences: [https://api.example]")).await;
    let app = world.shop.scoped("openid read offline_access");
    let tokens = app.tokens(&mut app.browser(), &[("resource", "https://api.example")]).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(ask(&app, token).await.text("scope"), "openid read offline_access");

    // somebody is refreshing it at this moment: to be asked about it needs no turn
    let mut refreshing = world.broker.database().connect().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT 1 FROM refresh_families FOR UPDATE").execute(&mut refreshing).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, ask(&app, token)).await;
    assert_eq!(answer.expect("an answer, whoever holds the row").json["active"], json!(true));
    sqlx::raw_sql("ROLLBACK").execute(&mut refreshing).await.unwrap();

    world.apply(&entry(", audiences: [https://api.example], scopes: [openid, offline_access]")).await;
    assert_eq!(ask(&app, token).await.text("scope"), "openid offline_access");
    world.apply(&entry("")).await;
    assert_inactive(&ask(&app, token).await);
}
