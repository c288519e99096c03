//! Connections by the API: the same door.

use reqwest::Method;
use serde_json::json;

use crate::admin::{Api, Operator};
use crate::harness::World;

#[tokio::test]
async fn a_connection_by_the_api_is_the_one_of_the_pages() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let body = json!({ "slug": "northwind", "display_name": "Northwind", "protocol": "oidc", "enabled": false });
    let made = api.post("/connections", &body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!(made.text("callback_url"), world.broker.url("/connections/northwind/callback"));
    assert_eq!(made.text("acs_url"), world.broker.url("/connections/northwind/acs"));
    // what is switched off may be unfinished; switched on it may not
    let early = api.patch("/connections/northwind", &json!({ "enabled": true })).await;
    assert_eq!(early.status, 422, "{}", early.json);
    let paths: Vec<_> = early.json["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["connections[northwind].issuer", "connections[northwind].client_id"]);

    let patch = json!({ "issuer": world.idp.issuer, "client_id": "avouch-at-northwind", "enabled": true });
    let etag = made.header("etag").to_owned();
    let stored = api.call(Method::PATCH, "/connections/northwind", &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!(stored.status, 200, "{}", stored.json);
    let stale = api.call(Method::PATCH, "/connections/northwind", &[("if-match", &etag)], Some(&patch)).await;
    assert_eq!(stale.status, 412, "{}", stale.json);
    let secret = api.post("/connections/northwind/secrets", &json!({ "value": "northwind-0123456789" })).await;
    assert_eq!((secret.status, secret.text("state")), (201, "active"), "the first is in use at once: {}", secret.json);
    world.broker.catch_up().await;
    let mut browser = world.shop.browser();
    world.shop.tokens(&mut browser, &[("connection", "northwind")]).await;

    // what was read may be put back as it is
    let read = api.get("/connections/northwind").await;
    let put = api.put("/connections/northwind", &read.json).await;
    assert_eq!((put.status, &put.json), (200, &read.json));
    let mut editor = Operator::signed_in(&world.broker, "editor").await;
    let page = editor.open("/admin/connections/northwind/settings").await;
    assert_eq!(super::field(&page, "settings", "display_name"), "Northwind");
    assert_eq!(api.delete("/connections/northwind").await.status, 204);
    assert_eq!(api.get("/connections/northwind/secrets").await.status, 404);
}

#[tokio::test]
async fn our_own_entity_id_goes_through_the_api() {
    let world = World::new().await;
    let api = Api::of(&world.broker, "editor").await;
    let body = json!({ "slug": "fabrikam", "protocol": "saml", "enabled": false, "sp_entity_id": "urn:ours" });
    let made = api.post("/connections", &body).await;
    assert_eq!((made.status, made.text("sp_entity_id")), (201, "urn:ours"), "{}", made.json);
    let read = api.get("/connections/fabrikam").await;
    assert_eq!(read.text("sp_entity_id"), "urn:ours");
    let put = api.put("/connections/fabrikam", &read.json).await;
    assert_eq!((put.status, put.text("sp_entity_id")), (200, "urn:ours"), "{}", put.json);
    world.broker.catch_up().await;
    let ours = reqwest::get(world.broker.url("/connections/fabrikam/metadata")).await.unwrap().text().await.unwrap();
    assert!(ours.contains("entityID=\"urn:ours\""), "{ours}");
}
