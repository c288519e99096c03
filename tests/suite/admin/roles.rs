//! Roles at the desk: a rule is tried on people before it is kept, and the tokens go by what was kept.

use serde_json::json;

use super::{Api, Operator};
use crate::harness::World;
use crate::harness::app::claims;

const STAFF: &str = "'staff' in user.groups";

async fn influx() -> World {
    let world = World::new().await;
    world.apply("resources:\n  - { identifier: https://influx.example }\nclients:\n  - client_id: shop\n    name: The Shop\n    kind: web\n    redirect_uris: [https://shop.example/callback]\n    grants: [authorization_code, refresh_token]\n    audiences: [https://influx.example]\n    claims: { access_token: [roles] }\n    client_secret: { file: shop }\n").await;
    world
}

#[tokio::test]
async fn a_rule_is_tried_before_it_is_kept_and_then_tokens_go_by_it() {
    let world = influx().await;
    let (_, tokens) = world.signed_in().await;
    let roles = |token: &serde_json::Value| claims(token["access_token"].as_str().unwrap())["roles"].clone();
    assert!(roles(&tokens).as_array().is_none_or(Vec::is_empty));
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let form = ada.open("/admin/roles/new").await;
    let typed = [("name", "viewer"), ("resource", "https://influx.example"), ("when", "'staff' in user.groups.(")];
    let shown = ada.submit(&form, "role", &typed).await;
    assert!(shown.status == 422 && shown.has("when-error"), "{shown}");
    assert!(shown.form("role").fields.contains(&("when".into(), "'staff' in user.groups.(".into())), "{shown}");
    let shown = ada.submit(&shown, "role", &[("when", STAFF), ("step", "try")]).await;
    assert_eq!(shown.text_of("tried").as_deref(), Some("0 have it, 1 would"), "{shown}");
    assert!(ada.open("/admin/roles").await.body.contains("No role yet"), "trying keeps nothing");
    let shown = ada.submit(&shown, "role", &[]).await;
    assert_eq!((shown.status, shown.url.path()), (200, "/admin/roles/https%3A%2F%2Finflux.example/viewer"), "{shown}");
    let (_, tokens) = world.signed_in().await;
    assert_eq!(roles(&tokens), json!(["viewer"]));

    let shown = ada.submit(&shown, "role", &[("when", "user.email == 'nobody'"), ("step", "try")]).await;
    assert_eq!(shown.text_of("tried").as_deref(), Some("1 have it, 0 would"), "{shown}");
    let shown = ada.submit(&shown, "role", &[("people", "nobodylikethis"), ("step", "try")]).await;
    assert_eq!(shown.text_of("tried").as_deref(), Some("0 have it, 0 would"), "{shown}");
    let asked = ada.open(&format!("{}/delete", shown.url.path())).await;
    assert!(asked.body.contains("1: Marty McFly"), "{asked}");
    ada.press(&asked, "go").await;
    let (_, tokens) = world.signed_in().await;
    assert!(roles(&tokens).as_array().is_none_or(Vec::is_empty));
}

#[tokio::test]
async fn the_api_tries_rules_for_whoever_may_look() {
    let world = influx().await;
    world.signed_in().await;
    let auditor = Api::of(&world.broker, "auditor").await;
    let tried = auditor.post("/role-trials", &json!({ "when": "user.nonsense == 1" })).await;
    assert_eq!((tried.status, &tried.json["after"]), (200, &json!(0)), "{}", tried.json);
    assert!(tried.json["people"][0]["error"].is_string(), "{}", tried.json);
    let tried = auditor.post("/role-trials", &json!({ "when": STAFF, "q": "mart" })).await;
    assert_eq!((&tried.json["before"], &tried.json["after"]), (&json!(0), &json!(1)));
    assert_eq!(auditor.post("/role-trials", &json!({ "when": "(" })).await.status, 400);
    let mut grace = Operator::signed_in(&world.broker, "auditor").await;
    assert_eq!(grace.open("/admin/roles").await.status, 200);
    assert_eq!(grace.open("/admin/roles/new").await.status, 403);
    let fields = [("name", "x"), ("resource", "https://influx.example"), ("when", "true")];
    assert_eq!(grace.post("/admin/roles/new", &fields).await.status, 403);
}

#[tokio::test]
async fn a_role_of_a_file_is_for_reading_until_it_is_released() {
    let world = influx().await;
    world.apply("roles:\n  - { name: 'a/b ü', when: 'true', resource: https://influx.example }\n").await;
    let mut ada = Operator::signed_in(&world.broker, "editor").await;
    let path = "/admin/roles/https%3A%2F%2Finflux.example/a%2Fb%20%C3%BC";
    let shown = ada.open(path).await;
    assert!(shown.status == 200 && shown.has("owned") && !shown.has("save") && !shown.has("delete"), "{shown}");
    let version = shown.form("role").fields.iter().find(|(name, _)| name == "version").unwrap().1.clone();
    let refused = ada.post(path, &[("when", "false"), ("version", &version)]).await;
    assert_eq!(refused.status, 409, "{refused}");
    let asked = ada.open(&format!("{path}/release")).await;
    let shown = ada.press(&asked, "go").await;
    assert!(shown.has("save") && !shown.has("owned"), "{shown}");
}
