//! InfluxDB Clustered and influxctl, from the preset to a refreshed token.

use serde_json::Value;

use super::{answers, preset};
use crate::device::{GRANT, enter};
use crate::harness::app::{self, claims, header, post};
use crate::harness::{Browser, World};

const CLUSTER: &str = "https://influx.example";

async fn snippet(world: &World, arguments: &[&str]) -> String {
    let (well, text) = world.broker.cli(&[&["snippet"], arguments].concat()).await;
    assert!(well, "{text}");
    text
}

/// What influxctl would read; the parser takes the comments too.
async fn profile(world: &World, client: &str) -> Value {
    let text = snippet(world, &[client, "influxctl"]).await;
    let read: Value = toml::from_str(&text).unwrap();
    assert_eq!(read["profile"].as_array().unwrap().len(), 1, "{text}");
    read["profile"][0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[tokio::test]
async fn influxctl_signs_in_with_what_its_snippet_says() {
    let world = World::new().await;
    world.apply(&preset("influxdb", &[("cluster", CLUSTER)])).await;
    let profile = profile(&world, "influxctl").await;
    assert_eq!(
        (text(&profile["product"]), text(&profile["host"]), text(&profile["port"])),
        ("clustered", "influx.example", "443")
    );
    let oauth2 = &profile["auth"]["oauth2"];
    // influxctl refuses keys that it does not know, client_secret among them
    let keys: Vec<&String> = oauth2.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 5, "{keys:?}");

    let client_id = text(&oauth2["client_id"]);
    let scope = oauth2["scopes"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(" ");
    let audience = text(&oauth2["parameters"]["audience"]);
    let asked = [("client_id", client_id), ("scope", &scope), ("audience", audience)];
    let device = post(text(&oauth2["device_url"]), None, &asked).await;
    assert_eq!(device.status, 200, "{device:?}");
    assert!(device.json["verification_uri_complete"].is_string(), "{device:?}");
    let mut browser = Browser::new();
    let page = enter(&world.broker.issuer, &mut browser, device.text("user_code")).await;
    let page = browser.press(&page, "approve").await;
    assert!(page.has("device-approved"), "{page}");

    // x/oauth2 tries the header first, with an empty secret
    let token_url = text(&oauth2["token_url"]);
    let fields = [("grant_type", GRANT), ("client_id", client_id), ("device_code", device.text("device_code"))];
    let first = post(token_url, Some(&app::basic(client_id, "")), &fields).await;
    assert_eq!(first.status, 200, "{first:?}");
    let again =
        [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", first.text("refresh_token"))];
    let second = post(token_url, None, &again).await;
    assert_eq!(second.status, 200, "{second:?}");

    let (token, renewed) = (claims(first.text("access_token")), claims(second.text("access_token")));
    for token in [&token, &renewed] {
        assert_eq!((text(&token["aud"]), text(&token["iss"])), (CLUSTER, world.broker.issuer.as_str()));
    }
    assert_eq!(header(second.text("access_token"))["typ"], "JWT");
    assert_eq!(token["sub"], renewed["sub"]);

    // the cluster knows the person by that very sub, and finds our keys where it is told
    let text_of_cluster = snippet(&world, &["influxctl", "influxdb", "--user", text(&token["sub"])]).await;
    let blocks: Vec<Value> = serde_saphyr::from_multiple(&text_of_cluster).unwrap();
    let admin = &blocks[0]["spec"]["package"]["spec"]["admin"];
    assert_eq!(admin, &blocks[1]["admin"]);
    assert_ne!(admin["identityProvider"], "azure");
    assert_eq!(admin["users"].as_array().unwrap().len(), 1);
    let person = &admin["users"][0];
    assert_eq!(person["id"], token["sub"]);
    for field in ["firstName", "lastName", "email"] {
        assert!(!text(&person[field]).is_empty(), "{person}");
    }
    let keys = app::get(text(&admin["jwksEndpoint"])).await;
    let kid = &header(second.text("access_token"))["kid"];
    assert!(keys.json["keys"].as_array().unwrap().iter().any(|key| &key["kid"] == kid), "{keys:?}");
}

#[tokio::test]
async fn people_are_exported_before_they_ever_came() {
    let world = World::new().await;
    let yaml =
        "users:\n  - { email: mcfly@example.com, name: Marty McFly, connection: contoso, subject: known-before }\n";
    let users = world.apply(&format!("{}{yaml}", preset("influxdb", &[("cluster", CLUSTER)]))).await;
    let sub = users[0].1.to_string();
    let text = snippet(&world, &["influxctl", "influxdb", "--user", &sub]).await;
    let blocks: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let expected = serde_json::json!(
        [{ "id": sub, "firstName": "Marty", "lastName": "McFly", "email": "mcfly@example.com" }]
    );
    assert_eq!(blocks[1]["admin"]["users"], expected);
}

#[tokio::test]
async fn a_snippet_holds_no_secret_and_says_what_cannot_work() {
    let world = World::new().await;
    world.apply(&preset("influxdb", &[("cluster", CLUSTER)])).await;
    let secret = "hunter2-and-more-of-it";
    world.broker.secret("confidential", secret);
    let client = "clients:\n  - { client_id: confidential, kind: web, grants: [device_code], audiences: [https://influx.example], client_secret: { file: confidential } }\n";
    world.apply(client).await;
    let text = snippet(&world, &["confidential", "influxctl"]).await;
    assert!(!text.contains(secret) && !text.contains("client_secret"), "{text}");
    assert!(text.contains("use one of kind native"), "{text}");

    let unknown = "usr_00000000000000000000000000";
    let table = [
        (vec!["shop", "influxctl"], "shop may not use the grant device_code"),
        (vec!["nobody", "influxctl"], "there is no client nobody"),
        (vec!["influxctl", "influx"], "there are influxdb, influxctl"),
        (vec!["influxctl", "influxdb", "--user", "marty"], "they begin with usr_"),
        (vec!["influxctl", "influxdb", "--user", unknown], "there is no user usr_0"),
    ];
    for (arguments, expected) in table {
        let (well, text) = world.broker.cli(&[&["snippet"], arguments.as_slice()].concat()).await;
        assert!(!well && text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_preset_names_the_answer_that_is_wrong() {
    let system = avouch::integration::named("influxctl").unwrap();
    let fault = |given: &[(&str, &str)]| system.preset(&answers(given)).unwrap_err().to_string();
    assert!(fault(&[]).starts_with("cluster is not answered"));
    assert!(fault(&[("cluster", " ")]).starts_with("cluster is not answered"));
    assert!(
        fault(&[("clutser", CLUSTER)])
            .contains("\"clutser\" is not asked for influxctl; it asks for cluster, client_id")
    );
    assert!(fault(&[("cluster", CLUSTER), ("client_id", "white space")]).starts_with("influxctl:"));
}
