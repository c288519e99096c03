//! Providers that throttle and fail, operators who change their minds, and what may not be configured.

use serde_json::{Value, json};
use time::Duration;

use super::Stage;
use super::provider::CREDENTIAL;
use crate::admin::Operator;
use crate::harness::{Broker, Options};

async fn entra() -> Stage {
    let stage = Stage::set().await;
    assert_eq!(stage.put(stage.entra()).await.status, 200);
    stage
}

#[tokio::test]
async fn a_provider_that_throttles_is_given_the_time_it_asks_for() {
    let stage = entra().await;
    stage.provider.state().throttle = 1;
    stage.run().await;
    stage.look().await;
    let latest = stage.latest().await;
    assert_eq!((&latest["step"], &latest["attempts"]), (&json!("plan"), &json!(1)), "{latest}");
    let calls = stage.provider.state().calls.len();
    stage.pass(Duration::seconds(6));
    stage.look().await;
    assert_eq!(stage.provider.state().calls.len(), calls, "Retry-After was 7");
    stage.pass(Duration::seconds(4));
    stage.until_step("prove", Duration::ZERO).await;
    // one that never recovers ends it
    let stage = entra().await;
    stage.provider.state().throttle = 1000;
    stage.run().await;
    let latest = stage.until_over(Duration::minutes(10)).await;
    assert_eq!(latest["cause"], "took_too_long", "{latest}");
    stage.signs_in().await;
}

#[tokio::test]
async fn an_answer_lost_after_the_addition_leaves_no_second_secret() {
    let stage = entra().await;
    stage.provider.state().lose = 1;
    stage.run().await;
    stage.until_step("watch", Duration::seconds(40)).await;
    assert_eq!((stage.provider.ids(), stage.provider.state().made), (vec!["by-hand".to_owned(), "key-2".into()], 2));
    for driver in
        [json!({ "kind": "okta", "url": null }), json!({ "kind": "auth0", "url": null, "client_id": "the-rotator" })]
    {
        let stage = Stage::with(driver).await;
        stage.provider.state().lose = 1;
        // for as long as the old one is taken: with the fall-back of sign-ins it may be shorter
        stage.provider.state().delay = Duration::minutes(2);
        stage.run().await;
        stage.until_step("watch", Duration::seconds(40)).await;
        assert_eq!(stage.provider.state().made, 1);
    }
}

#[tokio::test]
async fn a_rotation_that_is_stopped_takes_back_what_it_made_and_leaves_the_old_secret() {
    let stage = entra().await;
    stage.run().await;
    stage.until_step("prove", Duration::ZERO).await;
    let running = stage.api.delete("/connections/contoso/rotation").await;
    assert_eq!((running.status, running.text("code")), (409, "rotation_running"));
    assert_eq!(stage.api.post("/connections/contoso/rotation/stop", &json!({})).await.status, 204);
    let latest = stage.until_over(Duration::ZERO).await;
    assert_eq!(latest["outcome"], "stopped", "{latest}");
    assert_eq!(
        (stage.provider.ids(), stage.secrets().await),
        (vec!["by-hand".into()], vec!["revoked".to_owned(), "active".into()])
    );
    assert_eq!(stage.world.count("connection.rotation_failed", "failed").await, 0);
    let none = stage.api.post("/connections/contoso/rotation/stop", &json!({})).await;
    assert_eq!((none.status, none.text("code")), (409, "rotation_not_running"));
    assert_eq!(stage.api.delete("/connections/contoso/rotation").await.status, 204);
    assert_eq!(stage.api.get("/connections/contoso/rotation").await.status, 404);
}

#[tokio::test]
async fn a_wrong_credential_of_the_driver_is_told_and_changes_nothing() {
    let stage = Stage::set().await;
    let body = json!({ "driver": stage.entra(), "credential": "not-the-right-one" });
    assert_eq!(stage.api.put("/connections/contoso/rotation", &body).await.status, 200);
    stage.run().await;
    let latest = stage.until_over(Duration::ZERO).await;
    assert_eq!(latest["cause"], "credential_refused", "{latest}");
    assert!(!latest.to_string().contains("not-the-right-one"), "{latest}");
    assert_eq!(stage.secrets().await, ["active"]);
}

#[tokio::test]
async fn a_secret_that_waits_here_already_is_not_pushed_aside() {
    let stage = entra().await;
    stage.api.post("/connections/contoso/secrets", &json!({ "value": "put-in-by-an-operator" })).await;
    stage.run().await;
    assert_eq!(stage.until_over(Duration::ZERO).await["cause"], "next_exists");
    assert_eq!((stage.secrets().await, stage.provider.state().made), (vec!["next".to_owned(), "active".into()], 0));
}

#[tokio::test]
async fn a_connection_that_is_switched_off_does_not_rotate() {
    let stage = entra().await;
    stage.run().await;
    stage.world.set_contoso("enabled: false").await;
    stage.look().await;
    stage.pass(Duration::days(100));
    stage.look().await;
    assert_eq!((stage.latest().await["step"].clone(), stage.provider.state().calls.len()), (json!("plan"), 0));
    let off = stage.api.post("/connections/contoso/rotation/run", &json!({})).await;
    assert_eq!((off.status, off.text("code")), (409, "connection_disabled"));
    stage.world.set_contoso("enabled: true").await;
    stage.until_step("prove", Duration::ZERO).await;

    let file = stage.world.broker.cli(&["export"]).await;
    assert!(file.0 && !file.1.contains(CREDENTIAL) && !file.1.contains("the-rotator"), "{}", file.1);
}

#[tokio::test]
async fn a_connection_that_is_deleted_in_the_middle_takes_its_driver_with_it_and_nothing_is_called_any_more() {
    for step in ["add", "prove", "watch"] {
        let stage = Stage::with(json!({ "kind": "okta", "url": null })).await;
        let mut editor = Operator::signed_in(&stage.world.broker, "editor").await;
        stage.run().await;
        match step {
            "add" => {}
            step => drop(stage.until_step(step, Duration::seconds(30)).await),
        }
        let page = editor.open("/admin/connections/contoso/release").await;
        assert_eq!(editor.press(&page, "go").await.status, 200);
        let deleted = stage.api.delete("/connections/contoso").await;
        assert_eq!(deleted.status, 204, "{}", deleted.json);
        let had = || {
            let calls = stage.provider.state().calls.clone();
            (calls, stage.provider.ids())
        };
        let before = had();
        for _ in 0..5 {
            stage.look().await;
            stage.world.broker.catch_up().await;
            stage.pass(Duration::days(40));
        }
        assert_eq!(had(), before, "{step}");
        for table in ["secret_drivers", "secret_rotations", "connection_credentials"] {
            let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                .fetch_one(&stage.world.broker.ctx().db)
                .await
                .unwrap();
            assert_eq!(left, 0, "{step}: {table}");
        }
        let kinds: Vec<_> = stage.world.broker.live().expiries().into_iter().map(|one| one.kind.as_str()).collect();
        assert!(!kinds.contains(&"driver_credential") && !kinds.contains(&"client_secret"), "{kinds:?}");
        assert_eq!(stage.world.count("connection.rotation_failed", "failed").await, 0, "{step}");
    }
}

#[tokio::test]
async fn a_driver_that_is_switched_off_begins_nothing_and_ends_what_it_has_begun() {
    let stage = entra().await;
    stage.run().await;
    stage.until_step("prove", Duration::ZERO).await;
    let off = json!({ "driver": stage.entra(), "enabled": false });
    let put = stage.api.put("/connections/contoso/rotation", &off).await;
    assert_eq!(put.status, 200, "{}", put.json);
    stage.until_step("watch", Duration::seconds(30)).await;
    stage.pass(Duration::hours(25));
    assert_eq!(stage.until_over(Duration::minutes(1)).await["outcome"], "done");
    let calls = stage.provider.state().calls.len();
    for _ in 0..5 {
        stage.pass(Duration::days(40));
        stage.look().await;
    }
    assert_eq!(stage.provider.state().calls.len(), calls);
    let run = stage.api.post("/connections/contoso/rotation/run", &json!({})).await;
    assert_eq!((run.status, run.text("code")), (409, "connection_disabled"));
    stage.signs_in().await;
}

#[tokio::test]
async fn a_stored_credential_is_never_sent_anywhere_else_and_never_shown() {
    let stage = entra().await;
    let read = stage.api.get("/connections/contoso/rotation").await;
    assert_eq!(read.json["has_credential"], true);
    assert!(!read.json.to_string().contains(CREDENTIAL), "{}", read.json);
    let mut elsewhere = stage.entra();
    elsewhere["login_url"] = "http://localhost:1".into();
    let put = stage.api.put("/connections/contoso/rotation", &json!({ "driver": elsewhere })).await;
    assert_eq!((put.status, &put.json["errors"][0]["path"]), (422, &json!("credential")), "{}", put.json);
    let same =
        stage.api.put("/connections/contoso/rotation", &json!({ "driver": stage.entra(), "interval_days": 30 })).await;
    assert_eq!((same.status, &same.json["has_credential"]), (200, &json!(true)), "{}", same.json);
    for (field, body) in [
        ("interval_days", json!({ "driver": stage.entra(), "interval_days": 0 })),
        ("lifetime_days", json!({ "driver": stage.entra(), "interval_days": 90, "lifetime_days": 90 })),
        (
            "watch_hours",
            json!({ "driver": { "kind": "keycloak", "url": stage.provider.url, "realm": "r", "client_id": "c", "keeps_old": true }, "credential": "x", "watch_hours": 72 }),
        ),
        ("url", json!({ "driver": { "kind": "okta", "url": "ftp://okta.example" }, "credential": "x" })),
        ("url", json!({ "driver": { "kind": "okta", "url": "http://169.254.169.254" }, "credential": "x" })),
        ("tenant", json!({ "driver": { "kind": "entra", "tenant": "a/b" } })),
    ] {
        let put = stage.api.put("/connections/contoso/rotation", &body).await;
        assert_eq!((put.status, &put.json["errors"][0]["path"]), (422, &json!(field)), "{}", put.json);
    }
    let changes = stage.world.last_event("connection.rotation_set").await;
    assert_eq!(changes.detail["changes"], json!({ "interval_days": [90, 30] }));
    stage.tells_no_secret().await;
}

#[tokio::test]
async fn of_two_replicas_one_acts_and_both_see() {
    let stage = entra().await;
    let other = Broker::start(Options {
        clock: stage.world.broker.clock.clone(),
        database: Some(stage.world.broker.database().clone()),
        ..Options::default()
    })
    .await;
    stage.run().await;
    let both = async || {
        let one = avouch::rotation::watch::look(stage.world.broker.live());
        let two = avouch::rotation::watch::look(other.live());
        let (one, two) = tokio::join!(one, two);
        one.and(two).unwrap();
    };
    for _ in 0..200 {
        both().await;
        if stage.latest().await["outcome"] != Value::Null {
            break;
        }
        stage.signs_in().await;
        stage.pass(Duration::minutes(1));
        if stage.latest().await["step"] == "watch" {
            stage.pass(Duration::hours(25));
        }
    }
    assert_eq!(stage.latest().await["outcome"], "done", "{}", stage.latest().await);
    assert_eq!(stage.provider.count("addPassword"), 1);
    assert_eq!(stage.provider.state().made, 1);
    assert_eq!(stage.world.count("connection.secret_promoted", "success").await, 1);
    assert_eq!(stage.world.count("connection.rotation_finished", "success").await, 1);
}

#[tokio::test]
async fn the_end_of_the_drivers_credential_stands_on_the_calendar() {
    let stage = Stage::set().await;
    let end = avouch::clock::Clock::now(&*stage.world.broker.clock) + Duration::days(20);
    let end = end.format(&time::format_description::well_known::Rfc3339).unwrap();
    let body = json!({ "driver": stage.entra(), "credential": CREDENTIAL, "credential_expires_at": end });
    let put = stage.api.put("/connections/contoso/rotation", &body).await;
    assert_eq!(put.status, 200, "{}", put.json);
    stage.world.broker.catch_up().await;
    let kinds: Vec<_> = stage.world.broker.live().expiries().into_iter().map(|one| one.kind.as_str()).collect();
    assert!(kinds.contains(&"driver_credential"), "{kinds:?}");
}
