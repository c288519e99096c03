//! Entra ID, from the first look to the removed secret.

use serde_json::{Value, json};
use time::Duration;

use super::Stage;
use crate::harness::app::basic;
use crate::harness::world::CONTOSO_SECRET;

async fn entra() -> Stage {
    let stage = Stage::set().await;
    let mut driver = stage.entra();
    driver["current_key_id"] = "by-hand".into();
    assert_eq!(stage.put(driver).await.status, 200);
    stage
}

#[tokio::test]
async fn a_secret_is_added_proven_promoted_watched_and_the_old_one_removed_while_people_sign_in() {
    let stage = entra().await;
    stage.provider.state().delay = Duration::seconds(45);
    stage.run().await;
    let begun = tokio::time::Instant::now();
    let latest = stage.until_step("prove", Duration::ZERO).await;
    println!("proving after {:?}", begun.elapsed());
    assert_eq!(stage.secrets().await, ["next", "active"]);
    let names = stage.provider.names();
    assert_eq!(names, ["made by hand".to_owned(), format!("avouch-{}", latest["id"].as_str().unwrap())]);

    // it does not count for 45 s, and then three proofs over a minute are wanted
    let from = stage.world.broker.clock.clone();
    let now = || avouch::clock::Clock::now(&*from);
    let began = now();
    stage.until_step("watch", Duration::seconds(10)).await;
    let took = now() - began;
    assert!((Duration::seconds(105)..Duration::seconds(240)).contains(&took), "{took}");
    assert_eq!(stage.secrets().await, ["active", "retiring"]);
    stage.signs_in().await;
    let used = stage.provider.state().secrets[1].value.clone();
    let sent = stage.world.idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(basic("avouch-at-contoso", &used)));
    // both go on to work for a day
    stage.pass(Duration::hours(23));
    stage.look().await;
    assert_eq!((stage.latest().await["step"].clone(), stage.provider.ids().len()), (json!("watch"), 2));
    stage.pass(Duration::hours(2));
    let latest = stage.until_over(Duration::minutes(1)).await;
    assert_eq!(latest["outcome"], "done", "{latest}");
    assert_eq!(stage.provider.ids(), ["key-1"]);
    assert_eq!(stage.secrets().await, ["active", "revoked"]);
    stage.signs_in().await;
    stage.tells_no_secret().await;
    let event = stage.world.last_event("connection.rotation_finished").await;
    assert_eq!(
        (&event.detail["provider_id"], &event.detail["removed_provider_id"]),
        (&json!("key-1"), &json!("by-hand"))
    );
    assert!(event.actor.starts_with("rotation:rot_"), "{event:?}");
    let known = stage.api.get("/connections/contoso/secrets").await;
    assert!(known.json["items"][0]["expires_at"].is_string(), "{}", known.json);

    // and by itself when the day comes, where the one before is known to be ours
    assert!(stage.latest().await["id"] == latest["id"]);
    stage.pass(Duration::days(91));
    stage.until_step("watch", Duration::seconds(30)).await;
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
    assert_eq!(stage.latest().await["asked_by"], "system");
    assert_eq!(stage.provider.ids(), ["key-2"]);
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_never_touched() {
    let stage = Stage::set().await;
    assert_eq!(stage.put(stage.entra()).await.status, 200);
    stage.provider.add_by_hand("the-secret-of-another-team-0123");
    stage.run().await;
    stage.until_step("watch", Duration::seconds(30)).await;
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
    assert_eq!(stage.provider.ids(), ["by-hand", "key-1", "key-2"]);
    let event = stage.world.last_event("connection.rotation_finished").await;
    assert_eq!(event.detail["old_left_at_provider"], true);
    let too_soon = stage.api.post("/connections/contoso/rotation/run", &json!({})).await;
    assert_eq!((too_soon.status, too_soon.text("code")), (409, "rotated_just_now"));
}

#[tokio::test]
async fn a_shorter_lifetime_is_asked_for_where_a_policy_wants_it_and_no_secret_at_all_ends_the_matter() {
    let stage = entra().await;
    stage.provider.state().longest = 31;
    stage.run().await;
    stage.until_step("prove", Duration::ZERO).await;
    assert_eq!(stage.provider.count("addPassword"), 3, "180, 90 and 30 days");

    let stage = entra().await;
    stage.provider.state().forbids = Some("CredentialTypeNotAllowedAsPerAppPolicy");
    stage.run().await;
    let latest = stage.until_over(Duration::ZERO).await;
    assert_eq!((&latest["outcome"], &latest["cause"]), (&json!("failed"), &json!("secrets_forbidden")), "{latest}");
    assert!(latest["remedy"].as_str().unwrap().contains("private_key_jwt"));
    let event = stage.world.last_event("connection.rotation_failed").await;
    assert_eq!(event.reason.as_deref(), Some("secrets_forbidden"));
    assert_eq!(stage.secrets().await, ["active"]);
    stage.signs_in().await;
    assert_eq!(stage.api.get("/connections/contoso/rotation").await.json["next_rotation_at"], Value::Null);
}

#[tokio::test]
async fn a_secret_that_is_not_taken_in_time_is_taken_back_and_tried_again_the_day_after() {
    let stage = entra().await;
    stage.provider.state().delay = Duration::hours(2);
    stage.run().await;
    let latest = stage.until_over(Duration::minutes(1)).await;
    assert_eq!(latest["cause"], "not_proven", "{latest}");
    assert!(latest["last_error"].as_str().unwrap().contains("AADSTS7000215"), "{latest}");
    assert_eq!(stage.provider.ids(), ["by-hand"]);
    assert_eq!(stage.secrets().await, ["revoked", "active"]);
    stage.signs_in().await;
    let sent = stage.world.idp.received().token.pop().unwrap();
    assert_eq!(sent.authorization, Some(basic("avouch-at-contoso", CONTOSO_SECRET)));
    stage.provider.state().delay = Duration::ZERO;
    stage.pass(Duration::hours(25));
    stage.until_step("watch", Duration::seconds(30)).await;
    stage.tells_no_secret().await;
}

#[tokio::test]
async fn an_application_that_owns_itself_needs_no_other_credential() {
    let stage = Stage::set().await;
    let mut driver = stage.entra();
    driver.as_object_mut().unwrap().remove("client_id");
    let put = stage.api.put("/connections/contoso/rotation", &json!({ "driver": driver })).await;
    assert_eq!((put.status, &put.json["has_credential"]), (200, &json!(false)), "{}", put.json);
    stage.run().await;
    stage.until_step("watch", Duration::seconds(30)).await;
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
}
