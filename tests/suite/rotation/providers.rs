//! The other providers, each in its own order.

use serde_json::{Value, json};
use time::Duration;

use super::Stage;
use crate::admin::Operator;

fn okta() -> Value {
    json!({ "kind": "okta", "url": null })
}
fn auth0() -> Value {
    json!({ "kind": "auth0", "url": null, "client_id": "the-rotator" })
}
fn keycloak(keeps_old: bool) -> Value {
    json!({ "kind": "keycloak", "url": null, "realm": "corp", "client_id": "the-rotator", "keeps_old": keeps_old })
}

#[tokio::test]
async fn okta_gets_our_value_beside_the_old_one_which_is_deactivated_and_then_deleted() {
    let stage = Stage::with(okta()).await;
    stage.run().await;
    stage.until_step("watch", Duration::seconds(30)).await;
    assert_eq!(stage.provider.ids(), ["by-hand", "key-1"]);
    stage.pass(Duration::hours(25));
    stage.until_step("remove", Duration::ZERO).await;
    stage.look().await;
    assert!(!stage.provider.state().held("by-hand").unwrap().active, "deactivated, which could be undone");
    stage.signs_in().await;
    let latest = stage.until_over(Duration::minutes(20)).await;
    assert_eq!(latest["outcome"], "done", "{latest}");
    assert_eq!(stage.provider.ids(), ["key-1"]);
    stage.tells_no_secret().await;
}

#[tokio::test]
async fn a_service_app_of_okta_proves_itself_by_a_key_that_is_made_here() {
    let stage = Stage::set().await;
    let driver = |client: &str| json!({ "driver": { "kind": "okta", "url": stage.provider.url, "client_id": client } });
    let put = stage.api.put("/connections/contoso/rotation", &driver("the-rotator")).await;
    assert_eq!((put.status, &put.json["has_credential"]), (200, &json!(true)), "{}", put.json);
    let key = put.json["public_key"].clone();
    assert!(key["kid"].is_string() && key["n"].is_string() && key.get("d").is_none(), "{key}");
    // nobody has registered it yet
    stage.run().await;
    let latest = stage.until_over(Duration::ZERO).await;
    assert_eq!(latest["cause"], "credential_refused", "{latest}");
    stage.pass(Duration::minutes(11));

    let mut editor = Operator::signed_in(&stage.world.broker, "editor").await;
    let page = editor.open("/admin/connections/contoso/credentials/rotation").await;
    assert!(page.has("own-key") && page.body.contains(key["n"].as_str().unwrap()), "{page}");
    stage.provider.state().service_key = Some(key.clone());
    let page = editor.submit(&page, "rotation", &[("interval_days", "60")]).await;
    assert!(page.status == 200 && page.body.contains(key["kid"].as_str().unwrap()), "the key stays: {page}");
    stage.run().await;
    stage.until_step("watch", Duration::seconds(30)).await;
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(20)).await["outcome"], "done");
    assert_eq!(stage.provider.ids(), ["key-1"]);
    assert!(stage.provider.count("/oauth2/v1/token") > 2);
    stage.tells_no_secret().await;

    // what was registered for one app proves nothing as another
    let put = stage.api.put("/connections/contoso/rotation", &driver("another")).await;
    assert!(put.status == 200 && put.json["public_key"]["kid"] != key["kid"], "{}", put.json);
    let token = json!({ "driver": { "kind": "okta", "url": stage.provider.url } });
    let put = stage.api.put("/connections/contoso/rotation", &token).await;
    assert_eq!(
        (put.status, &put.json["errors"][0]["path"]),
        (422, &json!("credential")),
        "no key is taken for a token"
    );
}

#[tokio::test]
async fn where_somebody_elses_secret_takes_the_second_place_at_okta_nothing_is_changed() {
    let stage = Stage::with(okta()).await;
    stage.provider.add_by_hand("a-secret-for-the-staging-system");
    stage.run().await;
    let latest = stage.until_over(Duration::ZERO).await;
    assert_eq!(latest["cause"], "no_room", "{latest}");
    assert_eq!(stage.provider.ids(), ["by-hand", "key-1"]);
    assert_eq!(stage.secrets().await, ["active"]);
    assert_eq!(stage.world.last_event("connection.rotation_failed").await.reason.as_deref(), Some("no_room"));
    stage.signs_in().await;
}

#[tokio::test]
async fn auth0_is_told_a_value_that_every_replica_has_already() {
    let stage = Stage::with(auth0()).await;
    // either is taken for a while
    stage.provider.state().delay = Duration::seconds(20);
    stage.run().await;
    stage.until_step("add", Duration::ZERO).await;
    assert_eq!((stage.secrets().await, stage.provider.count("PATCH")), (vec!["next".to_owned(), "active".into()], 0));
    stage.pass(Duration::seconds(6));
    stage.until_step("watch", Duration::seconds(19)).await;
    stage.signs_in().await;
    stage.pass(Duration::hours(25));
    let latest = stage.until_over(Duration::minutes(1)).await;
    assert_eq!(latest["outcome"], "done", "{latest}");
    assert_eq!(stage.secrets().await, ["active", "revoked"]);
    assert_eq!(stage.provider.ids().len(), 1);
    stage.tells_no_secret().await;
}

#[tokio::test]
async fn what_auth0_repeats_of_our_value_is_told_to_nobody() {
    let stage = Stage::with(auth0()).await;
    stage.provider.state().forbids = Some("scope");
    stage.run().await;
    stage.look().await;
    stage.pass(Duration::seconds(6));
    let latest = stage.until_over(Duration::ZERO).await;
    assert_eq!(latest["cause"], "right_missing", "{latest}");
    let said = latest["last_error"].as_str().unwrap();
    assert!(said.contains("[redacted]") && said.contains("update:clients"), "{said}");
    assert_eq!(stage.secrets().await, ["revoked", "active"]);
    stage.signs_in().await;
}

#[tokio::test]
async fn keycloak_with_a_policy_keeps_the_rotated_secret_until_it_is_deleted() {
    let stage = Stage::with(keycloak(true)).await;
    stage.run().await;
    stage.until_step("watch", Duration::seconds(30)).await;
    assert_eq!(stage.provider.ids(), ["by-hand", "key-1"]);
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
    assert_eq!(stage.provider.ids(), ["key-1"]);
    stage.tells_no_secret().await;
}

#[tokio::test]
async fn keycloak_without_a_policy_is_set_to_our_value() {
    let stage = Stage::with(keycloak(false)).await;
    stage.run().await;
    stage.look().await;
    stage.pass(Duration::seconds(6));
    stage.until_step("watch", Duration::seconds(20)).await;
    stage.signs_in().await;
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
    stage.tells_no_secret().await;
}

#[tokio::test]
async fn a_registration_is_updated_and_its_tokens_are_kept_one_after_another() {
    let mut driver = json!({ "kind": "registration", "url": null });
    let stage = Stage::set().await;
    driver["url"] = format!("{}/reg", stage.provider.url).into();
    assert_eq!(stage.put(driver).await.status, 200);
    for round in 1..=2 {
        stage.run().await;
        stage.until_step("watch", Duration::seconds(20)).await;
        stage.signs_in().await;
        stage.pass(Duration::hours(25));
        assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
        assert_eq!(stage.provider.count("PUT"), round);
        stage.pass(Duration::minutes(11));
    }
    stage.tells_no_secret().await;
    stage.provider.state().renews = false;
    stage.run().await;
    assert_eq!(stage.until_over(Duration::ZERO).await["cause"], "not_rotated");
    stage.signs_in().await;
    // somebody else used the token
    stage.provider.state().credential = "another-token".into();
    stage.pass(Duration::minutes(11));
    stage.run().await;
    assert_eq!(stage.until_over(Duration::ZERO).await["cause"], "token_lost");
}
