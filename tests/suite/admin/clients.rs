//! Clients at the desk: from the choice of what it is to its first token, by pages and by the API.

use serde_json::{Value, json};

use super::{Api, Operator};
use crate::harness::app::{Answer, basic};
use crate::harness::wire::token;
use crate::harness::{Options, Page, World};

const RESOURCE: &str = "resources:\n  - { identifier: https://influx.example, scopes: [read, write] }\n";

/// An access token for what the client is by itself.
async fn ask(world: &World, client_id: &str, secret: &str) -> Answer {
    world.broker.catch_up().await;
    token(&world.broker.issuer, Some(&basic(client_id, secret)), "grant_type=client_credentials").await
}

async fn desk(world: &World) -> Operator {
    Operator::signed_in(&world.broker, "editor").await
}

/// Fills in the form of a new client of that kind.
async fn create(operator: &mut Operator, chosen: &str, changes: &[(&str, &str)]) -> Page {
    let page = operator.open(&format!("/admin/clients/new?{chosen}")).await;
    assert_eq!(page.status, 200, "{page}");
    operator.submit(&page, "client", changes).await
}

#[tokio::test]
async fn a_machine_gets_its_first_token_three_pages_after_new_client() {
    let world = World::new().await;
    world.apply(RESOURCE).await;
    let mut ada = desk(&world).await;
    let page = ada.open("/admin/clients/new").await;
    assert!(page.has("as-machine") && page.has("system-argocd"), "{page}");
    let page = create(
        &mut ada,
        "as=machine",
        &[("client_id", "robot"), ("name", "Robot"), ("audiences", "https://influx.example\n")],
    )
    .await;
    assert_eq!((page.status, page.url.path()), (200, "/admin/clients/robot"), "{page}");
    assert_eq!(page.text_of("secrets").as_deref(), Some("No secret yet"), "{page}");
    let page = ada.submit(&page, "new-secret", &[("days", "90")]).await;
    let secret = page.text_of("secret-value").expect("shown once");
    assert!(secret.starts_with("avo_cs_") && page.header("cache-control") == "no-store", "{page}");
    let answer = ask(&world, "robot", &secret).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let page = ada.open("/admin/clients/robot").await;
    assert!(!page.body.contains(&secret) && page.body.contains(&secret[secret.len() - 4..]), "its end only: {page}");

    let events = world.broker.audit_events().await;
    let told: Vec<_> = events.iter().filter(|event| event.actor == format!("operator:{}", ada.email)).collect();
    let created = told.iter().find(|event| event.action == "client.created").expect("told");
    assert_eq!(
        (created.client_id.as_deref(), &created.detail["changes"]["kind"]),
        (Some("robot"), &json!([null, "machine"]))
    );
    assert!(told.iter().any(|event| event.action == "client.secret_added"), "{told:#?}");
    assert!(!format!("{events:?}").contains(&secret), "no secret in the log");
}

#[tokio::test]
async fn what_is_typed_wrongly_stays_and_is_said_beside_its_field() {
    let world = World::new().await;
    let mut ada = desk(&world).await;
    let typed = [
        ("client_id", "no such id"),
        ("redirect_uris", "http://grafana.example/login"),
        ("id_token", "email shoe_size"),
        ("rate_limit", ""),
    ];
    let page = create(&mut ada, "as=web", &typed).await;
    assert_eq!(page.status, 422, "{page}");
    assert!(
        page.has("client_id-error") && page.has("redirect_uris-error") && page.body.contains("<title>Error: "),
        "{page}"
    );
    let fields = page.form("client").fields;
    for (name, value) in &typed {
        assert!(fields.contains(&((*name).into(), (*value).into())), "{name} is lost: {fields:?}");
    }
    // what only the surroundings can say
    let page =
        create(&mut ada, "as=machine", &[("client_id", "robot"), ("audiences", "https://nowhere.example")]).await;
    assert!(page.status == 422 && page.has("audiences-error"), "{page}");
    let page = create(&mut ada, "as=web", &[("client_id", "shop"), ("redirect_uris", "https://shop.example/")]).await;
    assert!(page.status == 422 && page.has("client_id-error"), "there is a shop already: {page}");
    let page = ada.open("/admin/clients/new?step=settings").await;
    assert!(page.status == 422 && page.has("as-error"), "{page}");
    let page = ada.open("/admin/clients/new?as=fax").await;
    assert!(page.status == 422 && page.has("as-error"), "{page}");
    let created = world.last_event("client.created").await;
    assert_eq!(created.actor, "file:resources.yaml", "nothing since the shop");
}

#[tokio::test]
async fn settings_are_changed_and_nobody_overwrites_what_they_have_not_seen() {
    let world = World::new().await;
    let mut ada = desk(&world).await;
    let api = Api::of(&world.broker, "editor").await;
    let entry = json!({ "client_id": "app", "kind": "web", "redirect_uris": ["https://app.example/callback"],
                        "claims": { "token_budget": 3000, "id_token": ["email"] }, "backchannel_logout_session_required": true,
                        "backchannel_logout_uri": "https://app.example/logout" });
    assert_eq!(api.post("/clients", &entry).await.status, 201);
    let page = ada.open("/admin/clients/app/settings").await;
    let saved = ada.submit(&page, "client", &[("name", "The App"), ("id_token", "email groups")]).await;
    assert_eq!((saved.status, saved.url.path()), (200, "/admin/clients/app"), "{saved}");
    let mut wanted = entry.clone();
    wanted["name"] = json!("The App");
    wanted["claims"]["id_token"] = json!(["email", "groups"]);
    let now = api.get("/clients/app").await.json;
    for (name, value) in wanted.as_object().expect("an object") {
        assert_eq!(now[name], *value, "{name}");
    }
    let changes = &world.last_event("client.updated").await.detail["changes"];
    assert_eq!(changes["name"], json!([null, "The App"]));
    assert_eq!(changes.as_object().map(serde_json::Map::len), Some(2), "{changes}");
    // the page from before
    let late = ada.submit(&page, "client", &[("name", "Mine")]).await;
    late.assert_problem(412, "changed_meanwhile");
    assert_eq!(api.get("/clients/app").await.json["name"], "The App");
}

#[tokio::test]
async fn a_client_that_is_switched_off_is_refused_until_it_is_switched_on() {
    let world = World::new().await;
    world.apply(RESOURCE).await;
    let mut ada = desk(&world).await;
    let page = create(&mut ada, "as=machine", &[("client_id", "robot"), ("audiences", "https://influx.example")]).await;
    let page = ada.submit(&page, "new-secret", &[]).await;
    let secret = page.text_of("secret-value").expect("shown once");
    assert_eq!(ask(&world, "robot", &secret).await.status, 200);
    let page = ada.open("/admin/clients/robot/disable").await;
    let off = ada.submit(&page, "confirm", &[]).await;
    assert!(off.has("enable") && off.url.query() == Some("done=disabled"), "{off}");
    assert_eq!(ask(&world, "robot", &secret).await.text("error"), "invalid_client");
    let on = ada.press(&off, "enable").await;
    assert!(on.has("disable"), "{on}");
    assert_eq!(ask(&world, "robot", &secret).await.status, 200);
}

#[tokio::test]
async fn before_a_client_is_deleted_its_people_are_named() {
    let world = World::new().await;
    let mut ada = desk(&world).await;
    let api = Api::of(&world.broker, "editor").await;
    assert_eq!(
        api.post(
            "/clients",
            &json!({ "client_id": "app", "kind": "spa", "redirect_uris": ["https://app.example/callback"] })
        )
        .await
        .status,
        201
    );
    world.broker.catch_up().await;
    let app = crate::harness::App::new(&world.broker, "app", None);
    let tokens = app.tokens(&mut app.browser(), &[]).await;
    world.broker.audit_events().await;
    let page = ada.open("/admin/clients/app/delete").await;
    let touched = page.body.split("id=\"touches\"").nth(1).expect("what it touches");
    let touched = touched.split("</dl>").next().unwrap_or_default();
    assert!(touched.contains("1: ") && !touched.contains("0: "), "{page}");
    let gone = ada.submit(&page, "confirm", &[]).await;
    assert_eq!((gone.status, gone.url.path()), (200, "/admin/clients"), "{gone}");
    ada.open("/admin/clients/app").await.assert_problem(404, "not_found");
    world.broker.catch_up().await;
    let refresh = format!(
        "client_id=app&grant_type=refresh_token&refresh_token={}",
        tokens["refresh_token"].as_str().expect("one")
    );
    assert_eq!(token(&world.broker.issuer, None, &refresh).await.text("error"), "invalid_client");
    assert_eq!(world.last_event("client.deleted").await.client_id.as_deref(), Some("app"));
}

#[tokio::test]
async fn a_withdrawn_secret_is_refused_and_the_other_goes_on() {
    let world = World::new().await;
    world
        .apply(&format!(
            "{RESOURCE}clients:\n  - {{ client_id: robot, kind: machine, audiences: [https://influx.example] }}\n"
        ))
        .await;
    let (mut ada, api) = (desk(&world).await, Api::of(&world.broker, "editor").await);
    let first = api.post("/clients/robot/secrets", &json!({})).await;
    let second = api.post("/clients/robot/secrets", &json!({ "expires_at": "2099-01-01T00:00:00Z" })).await;
    assert_eq!((first.status, second.status), (201, 201), "{} {}", first.json, second.json);
    let listed = api.get("/clients/robot/secrets").await;
    let items = listed.json["items"].as_array().expect("a list");
    assert_eq!(
        (items.len(), &items[0]["id"], &items[0]["expires_at"]),
        (2, &second.json["id"], &json!("2099-01-01T00:00:00Z"))
    );
    assert!(items.iter().all(|item| item.get("value").is_none()), "{}", listed.json);
    for one in [&first, &second] {
        assert_eq!(ask(&world, "robot", one.text("value")).await.status, 200);
    }
    let page = ada.open(&format!("/admin/clients/robot/secrets/{}/withdraw", first.text("id"))).await;
    let page = ada.submit(&page, "confirm", &[]).await;
    assert_eq!((page.status, page.url.path()), (200, "/admin/clients/robot"), "{page}");
    assert_eq!(ask(&world, "robot", first.text("value")).await.text("error"), "invalid_client");
    assert_eq!(ask(&world, "robot", second.text("value")).await.status, 200);
    let path = |id: &str| format!("/clients/robot/secrets/{id}");
    assert_eq!(api.delete(&path(first.text("id"))).await.status, 404, "it is gone already");
    assert_eq!(api.delete(&path(second.text("id"))).await.status, 204);
    assert_eq!(ask(&world, "robot", second.text("value")).await.text("error"), "invalid_client");
}

#[tokio::test]
async fn who_cannot_have_another_secret_is_told_why() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let spa = json!({ "client_id": "spa", "kind": "spa", "redirect_uris": ["https://spa.example/callback"] });
    assert_eq!(api.post("/clients", &spa).await.status, 201);
    let past = json!({ "expires_at": "2001-01-01T00:00:00Z" });
    for (client, body, status, code) in [
        ("spa", json!({}), 409, "public_client"),
        ("nobody", json!({}), 404, "not_found"),
        ("no%20id", json!({}), 404, "not_found"),
        ("shop", past, 400, "malformed"),
        ("shop", json!({ "value": "mine" }), 400, "malformed"),
    ] {
        let answer = api.post(&format!("/clients/{client}/secrets"), &body).await;
        assert_eq!((answer.status, answer.text("code")), (status, code), "{client} {body}: {}", answer.json);
    }
    for _ in 0..9 {
        assert_eq!(api.post("/clients/shop/secrets", &Value::Null).await.status, 400, "null is no object");
        assert_eq!(api.post("/clients/shop/secrets", &json!({})).await.status, 201);
    }
    assert_eq!(api.post("/clients/shop/secrets", &json!({})).await.text("code"), "too_many_secrets");
    let auditor = Api::of(&world.broker, "auditor").await;
    assert_eq!(auditor.post("/clients/shop/secrets", &json!({})).await.status, 403);
    assert_eq!(auditor.delete("/clients/shop/secrets/x").await.status, 403);
}

#[tokio::test]
async fn what_a_file_owns_is_for_reading_and_its_secrets_live_beside_it() {
    let world = World::new().await;
    let mut ada = desk(&world).await;
    let page = ada.open("/admin/clients/shop").await;
    assert!(page.has("owned") && !page.has("delete") && !page.has("disable") && page.has("add-secret"), "{page}");
    let page = ada.open("/admin/clients/shop/settings").await;
    assert!(page.has("owned") && !page.has("save"), "{page}");
    let refused = ada.submit(&page, "client", &[("name", "Mine")]).await;
    refused.assert_problem(409, "owned_by_file");
    assert!(refused.body.contains("resources.yaml"), "{refused}");
    let page = ada.open("/admin/clients/shop").await;
    let page = ada.submit(&page, "new-secret", &[]).await;
    assert!(page.has("secret-value"), "{page}");
    let page = ada.open("/admin/clients/shop/release").await;
    let page = ada.submit(&page, "confirm", &[]).await;
    assert!(!page.has("owned") && page.has("delete"), "{page}");
}

#[tokio::test]
async fn an_auditor_sees_everything_and_changes_nothing() {
    let world = World::new().await;
    let mut grace = Operator::signed_in(&world.broker, "auditor").await;
    let page = grace.open("/admin/clients/shop").await;
    assert!(page.status == 200 && !page.has("add-secret") && !page.has("release"), "{page}");
    let page = grace.open("/admin/clients").await;
    assert!(page.status == 200 && !page.has("new"), "{page}");
    for path in ["new", "shop/delete", "shop/disable", "shop/release", "shop/secrets/x/withdraw"] {
        grace.open(&format!("/admin/clients/{path}")).await.assert_problem(403, "role_too_small");
    }
    for path in ["new", "shop/settings", "shop/delete", "shop/disable", "shop/enable", "shop/release", "shop/secrets"] {
        let page = grace.post(&format!("/admin/clients/{path}"), &[("version", "x"), ("kind", "web")]).await;
        page.assert_problem(403, "role_too_small");
    }
}

#[tokio::test]
async fn the_list_is_searched_filtered_and_turned_over() {
    let world = World::with(Options::default()).await;
    let clients: String =
        (0..60).map(|n| format!("  - {{ client_id: robot-{n:02}, kind: machine, enabled: {} }}\n", n != 7)).collect();
    world.apply(&format!("clients:\n{clients}")).await;
    let mut ada = desk(&world).await;
    let listed = |page: &Page| page.body.matches("/admin/clients/robot-").count();
    let page = ada.open("/admin/clients?kind=machine").await;
    assert_eq!(listed(&page), 50, "{page}");
    let next =
        page.body.split("after=").nth(1).and_then(|rest| rest.split('"').next()).expect("a next page").to_owned();
    let page = ada.open(&format!("/admin/clients?kind=machine&after={next}")).await;
    assert!(listed(&page) == 10 && !page.has("next-page"), "{page}");
    for (query, count) in
        [("q=ROBOT-1", 10), ("state=off", 1), ("kind=spa", 0), ("q=shop", 0), ("kind=fax&q=robot-3", 10)]
    {
        let page = ada.open(&format!("/admin/clients?{query}")).await;
        assert_eq!((page.status, listed(&page)), (200, count), "{query}: {page}");
    }
    let hostile =
        ada.open("/admin/clients?q=%22%3E%3Cscript%3E&kind=%22%3E%3Cscript%3E&state=%22%3E%3Cscript%3E").await;
    assert!(hostile.status == 200 && !hostile.body.contains("\"><script>"), "{hostile}");
}
