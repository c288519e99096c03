//! One person: what is shown, creating them ahead, and changing what they are called.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ahead, sub_of};
use crate::admin::{Api, Operator};
use crate::harness::World;

const HOSTILE: &str = "\"><script id=hostile>alert(1)</script>";

#[tokio::test]
async fn somebody_created_ahead_has_the_sub_that_the_first_sign_in_finds() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let body = json!({ "email": "mcfly@example.com", "name": "M. McFly", "connection": "contoso", "subject": "ahead" });
    let made = api.post("/users", &body).await;
    let sub = made.text("sub").to_owned();
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!(made.headers["location"], world.broker.url(&format!("/api/v1/users/{sub}")).as_str());
    assert_eq!(made.json["identities"][0]["issuer"], world.idp.issuer.as_str());
    let again = api.post("/users", &body).await;
    assert_eq!((again.status, again.text("sub")), (200, sub.as_str()), "the same identity is the same person");
    let event = world.last_event("user.created").await;
    assert!(event.actor.starts_with("operator_key:editor") && event.sub.as_deref() == Some(&sub), "{event:?}");
    assert_eq!(world.count("user.created", "success").await, 1);

    world.idp.tell(|script| script.subject = "ahead".into());
    let (_, tokens) = world.signed_in().await;
    assert_eq!(sub_of(&tokens), sub);
}

#[tokio::test]
async fn what_is_wrong_with_somebody_created_ahead_is_told_at_once() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let answer = api.post("/users", &json!({ "email": "nobody", "connection": "nowhere", "subject": " " })).await;
    assert_eq!(answer.status, 422, "{}", answer.json);
    let paths: Vec<_> = answer.json["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["email", "subject", "connection"]);
    let answer = api
        .post("/users", &json!({ "email": "a@x.example", "connection": "contoso", "subject": "a", "role": "x" }))
        .await;
    assert_eq!((answer.status, answer.text("code")), (400, "malformed"), "{}", answer.json);

    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let form = ada.open("/admin/users/new").await;
    let typed = [("email", "nobody"), ("name", HOSTILE), ("connection", "contoso"), ("subject", "")];
    let shown = ada.submit(&form, "user", &typed).await;
    assert_eq!(shown.status, 422, "{shown}");
    assert!(shown.has("email-error") && shown.has("subject-error") && !shown.has("name-error"), "{shown}");
    assert!(!shown.body.contains("<script id=hostile>"), "{shown}");
    let kept = shown.form("user").fields;
    assert!(kept.contains(&("name".into(), HOSTILE.into())), "{kept:?}");
    let shown = ada.submit(&shown, "user", &[("email", "a@x.example"), ("subject", "a")]).await;
    assert!(shown.status == 200 && shown.url.path().starts_with("/admin/users/usr_"), "{shown}");
    assert!(!shown.body.contains("<script id=hostile>") && shown.body.contains("&#60;script"), "{shown}");
    let listed = ada.open("/admin/users").await;
    assert!(!listed.body.contains("<script id=hostile>"), "{listed}");
    for step in ["block", "delete", "sign-out"] {
        let asked = ada.open(&format!("{}/{step}", shown.url.path())).await;
        assert!(asked.status == 200 && !asked.body.contains("<script id=hostile>"), "{asked}");
    }
}

#[tokio::test]
async fn a_name_may_be_changed_until_the_provider_says_one() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let sub = ahead(&world, &api, "a@x.example", "Before", "ahead").await;
    let path = format!("/users/{sub}");
    let known = api.get(&path).await;
    let version = known.headers["etag"].to_str().unwrap().to_owned();
    let change = |version: String, body: Value| {
        let (api, path) = (api.clone(), path.clone());
        async move { api.call(Method::PATCH, &path, &[("if-match", &version)], Some(&body)).await }
    };
    world.broker.clock.advance(time::Duration::seconds(2));
    let changed = change(version.clone(), json!({ "name": "After" })).await;
    assert_eq!((changed.status, changed.text("name"), changed.text("email")), (200, "After", "a@x.example"));
    assert_eq!(change(version, json!({ "name": "Late" })).await.status, 412);
    let event = world.last_event("user.changed").await;
    assert!(event.detail["fields"] == json!(["name"]) && !event.detail.to_string().contains("After"), "{event:?}");
    assert_eq!(api.patch(&path, &json!({ "email": null, "name": null })).await.status, 422);
    assert_eq!(api.patch(&path, &json!({ "email": "not one" })).await.status, 422);
    assert_eq!(api.patch(&path, &json!({ "status": "blocked" })).await.status, 400);

    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let form = ada.open(&format!("/admin/users/{sub}/edit")).await;
    let shown = ada.submit(&form, "user", &[("name", "From the page")]).await;
    assert!(shown.status == 200 && shown.body.contains("From the page"), "{shown}");

    world.idp.tell(|script| script.subject = "ahead".into());
    world.signed_in().await;
    let late = api.patch(&path, &json!({ "name": "Mine" })).await;
    assert_eq!((late.status, late.text("code")), (409, "owned_by_provider"), "{}", late.json);
    let owned = world.apply("users:\n  - { email: f@x.example, connection: contoso, subject: filed }\n").await;
    let late = api.patch(&format!("/users/{}", owned[0].1), &json!({ "name": "Mine" })).await;
    assert_eq!((late.status, late.text("code")), (409, "owned_by_file"), "{}", late.json);
}

#[tokio::test]
async fn a_person_is_shown_with_identities_sessions_grants_roles_and_events() {
    let world = World::new().await;
    world
        .apply("resources:\n  - { identifier: https://a.example }\nroles:\n  - { name: everybody, when: 'true', resource: https://a.example }\n  - { name: nobody, when: \"'no' in user.groups\", resource: https://a.example }\n")
        .await;
    let (_, tokens) = world.signed_in().await;
    let sub = sub_of(&tokens);
    let api = Api::of(&world.broker, "auditor").await;
    let person = api.get(&format!("/users/{sub}")).await.json;
    assert_eq!((&person["sub"], &person["status"]), (&json!(sub), &json!("active")));
    assert_eq!(person["roles"], json!([{ "resource": "https://a.example", "name": "everybody" }]));
    assert_eq!(person["identities"][0]["connection"], "contoso");
    assert!(person["identities"][0]["last_sign_in_at"].is_string(), "{person}");
    let sessions = api.get(&format!("/users/{sub}/sessions")).await.json;
    assert_eq!(sessions["items"][0]["clients"], json!(["shop"]), "{sessions}");
    assert!(sessions["items"][0]["remote_addr"].is_string(), "{sessions}");
    let grants = api.get(&format!("/users/{sub}/grants")).await.json;
    assert_eq!((&grants["items"][0]["client_id"], grants["items"].as_array().unwrap().len()), (&json!("shop"), 1));
    for path in ["usr_00000000000000000000000000", "nonsense", "%00"] {
        for end in ["", "/sessions", "/grants", "/consents"] {
            assert_eq!(api.get(&format!("/users/{path}{end}")).await.status, 404, "{path}{end}");
        }
    }
    let mut ada = Operator::signed_in(&world.broker, "auditor").await;
    let shown = ada.open(&format!("/admin/users/{sub}")).await;
    assert_eq!(shown.text_of("sub").as_deref(), Some(sub.as_str()), "{shown}");
    for words in ["contoso", "everybody", "shop", "marty@contoso.example", "login"] {
        assert!(shown.body.contains(words), "{words}: {shown}");
    }
}
