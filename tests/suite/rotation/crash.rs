//! The process dies, or an answer is lost: after each thing that was done at the provider, before anything of it was written
//! down.

use serde_json::{Value, json};
use time::Duration;

use super::Stage;

/// What becomes of one call, which is done all the same.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mishap {
    /// kill -9 while it is under way.
    Dies,
    /// 502 from something in between.
    Unanswered,
}

/// One rotation after another, each with another call that fails so, until one comes through without. `most`: secrets that
/// the provider may be left with. People sign in all the while: the old secret works, or the new one stands by.
async fn at_every_call(driver: impl Fn(&Stage) -> Value, most: usize, mishap: Mishap) {
    let mut stage = Stage::set().await;
    stage.provider.state().keeps_token = true;
    let driver = driver(&stage);
    let put = stage.put(driver).await;
    assert_eq!(put.status, 200, "{}", put.json);
    stage.provider.state().service_key = Some(put.json["public_key"].clone()).filter(Value::is_object);
    for (met, call) in (1..40).enumerate() {
        let at = stage.provider.state().calls.len() + call;
        let hit = match mishap {
            Mishap::Dies => {
                stage.provider.state().hang_at = Some(at);
                dies(&mut stage).await
            }
            Mishap::Unanswered => {
                stage.provider.state().lose_at = Some(at);
                stage.run().await;
                goes_on(&stage).await;
                stage.provider.state().lose_at.is_none()
            }
        };
        (stage.provider.state().hang_at, stage.provider.state().lose_at) = (None, None);
        let latest = goes_on(&stage).await;
        assert_eq!(latest["outcome"], "done", "{mishap:?} at call {call}: {latest}");
        let left = stage.provider.ids().len();
        assert!(left <= most, "{mishap:?} at call {call}: {:?}", stage.provider.names());
        let states = stage.secrets().await;
        assert!(states[0] == "active" && states[1..].iter().all(|state| state == "revoked"), "{states:?}");
        stage.signs_in().await;
        stage.pass(Duration::minutes(11));
        if !hit {
            assert!(met >= 2, "{met}");
            stage.tells_no_secret().await;
            return;
        }
    }
    panic!("no rotation came through");
}

/// To its end, with a sign-in before each look.
async fn goes_on(stage: &Stage) -> Value {
    for _ in 0..60 {
        stage.look().await;
        let latest = stage.latest().await;
        if latest["outcome"] != Value::Null {
            return latest;
        }
        stage.signs_in().await;
        stage.pass(match latest["step"].as_str() {
            Some("watch") => Duration::hours(25),
            Some("remove") => Duration::minutes(10),
            _ => Duration::seconds(50),
        });
    }
    panic!("no end: {}", stage.latest().await);
}

/// Begins one, and starts anew where it was killed. Whether it was.
async fn dies(stage: &mut Stage) -> bool {
    stage.run().await;
    let died = tokio::select! {
        _ = goes_on(stage) => false,
        () = stage.provider.shared.hangs.notified() => true,
    };
    if died {
        stage.world.broker.restart().await;
        // before its lease runs out: a registration's new secret is the provider's, and whoever needs it waits until another
        // replica has asked for it, which sees at once that the first one died
        tokio::join!(stage.signs_in(), stage.look());
        // its lease runs out
        stage.pass(Duration::seconds(41));
    }
    died
}

fn okta(stage: &Stage) -> Value {
    json!({ "kind": "okta", "url": stage.provider.url })
}

fn auth0(stage: &Stage) -> Value {
    json!({ "kind": "auth0", "url": stage.provider.url, "client_id": "the-rotator" })
}

fn keycloak(stage: &Stage, keeps_old: bool) -> Value {
    json!({ "kind": "keycloak", "url": stage.provider.url, "realm": "corp", "client_id": "the-rotator", "keeps_old": keeps_old })
}

#[tokio::test]
async fn entra_goes_on_from_wherever_it_was_killed() {
    // the one that was made by hand stays
    at_every_call(Stage::entra, 2, Mishap::Dies).await;
}

#[tokio::test]
async fn entra_goes_on_from_whatever_answer_was_lost() {
    at_every_call(Stage::entra, 2, Mishap::Unanswered).await;
}

#[tokio::test]
async fn okta_goes_on_from_wherever_it_was_killed() {
    at_every_call(okta, 1, Mishap::Dies).await;
}

#[tokio::test]
async fn okta_goes_on_from_whatever_answer_was_lost() {
    at_every_call(okta, 1, Mishap::Unanswered).await;
}

#[tokio::test]
async fn okta_by_a_service_app_goes_on_from_whatever_answer_was_lost() {
    at_every_call(
        |stage| json!({ "kind": "okta", "url": stage.provider.url, "client_id": "the-rotator" }),
        1,
        Mishap::Unanswered,
    )
    .await;
}

#[tokio::test]
async fn auth0_goes_on_from_wherever_it_was_killed() {
    at_every_call(auth0, 1, Mishap::Dies).await;
}

#[tokio::test]
async fn auth0_goes_on_from_whatever_answer_was_lost() {
    at_every_call(auth0, 1, Mishap::Unanswered).await;
}

#[tokio::test]
async fn keycloak_with_a_policy_goes_on_from_wherever_it_was_killed() {
    at_every_call(|stage| keycloak(stage, true), 1, Mishap::Dies).await;
}

#[tokio::test]
async fn keycloak_with_a_policy_goes_on_from_whatever_answer_was_lost() {
    at_every_call(|stage| keycloak(stage, true), 1, Mishap::Unanswered).await;
}

#[tokio::test]
async fn keycloak_without_a_policy_goes_on_from_wherever_it_was_killed() {
    at_every_call(|stage| keycloak(stage, false), 1, Mishap::Dies).await;
}

#[tokio::test]
async fn keycloak_without_a_policy_goes_on_from_whatever_answer_was_lost() {
    at_every_call(|stage| keycloak(stage, false), 1, Mishap::Unanswered).await;
}

fn registration(stage: &Stage) -> Value {
    json!({ "kind": "registration", "url": format!("{}/reg", stage.provider.url) })
}

#[tokio::test]
async fn a_registration_goes_on_from_wherever_it_was_killed() {
    at_every_call(registration, 1, Mishap::Dies).await;
}

#[tokio::test]
async fn a_registration_goes_on_from_whatever_answer_was_lost() {
    at_every_call(registration, 1, Mishap::Unanswered).await;
}

#[tokio::test]
async fn whoever_signs_in_while_a_registration_is_updated_waits_for_the_new_secret() {
    let mut stage = Stage::set().await;
    assert_eq!(stage.put(registration(&stage)).await.status, 200);
    // read, then updated
    let at = stage.provider.state().calls.len() + 2;
    stage.provider.state().hold_at = Some(at);
    stage.run().await;
    let sign_in = async {
        stage.provider.shared.hangs.notified().await;
        let release = async {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            assert!(stage.secrets().await.len() == 1, "the new one is unknown here");
            stage.look().await; // another replica finds nothing to do: the first one lives
            stage.provider.shared.go.notify_one();
        };
        tokio::join!(stage.world.signed_in(), release);
    };
    tokio::join!(stage.look(), sign_in);
    assert_eq!(stage.provider.state().calls.len(), at, "one update, seen by nobody else");
    let latest = goes_on(&stage).await;
    assert_eq!(latest["outcome"], "done", "{latest}");
    stage.world.broker.restart().await;
    stage.signs_in().await;
}

#[tokio::test]
async fn a_registration_whose_token_went_with_the_answer_keeps_its_secret_or_says_that_it_is_lost() {
    let stage = Stage::set().await;
    assert_eq!(stage.put(registration(&stage)).await.status, 200);
    let lost = async |call: usize| {
        let at = stage.provider.state().calls.len() + call;
        stage.provider.state().lose_at = Some(at);
        stage.run().await;
        for _ in 0..20 {
            stage.look().await;
            stage.pass(Duration::seconds(50));
        }
        stage.latest().await
    };
    // of the first read: nothing has changed yet
    let latest = lost(1).await;
    assert_eq!(latest["cause"], "token_lost", "{latest}");
    stage.signs_in().await;

    let renewed = async || {
        let body = json!({ "driver": registration(&stage), "credential": stage.provider.state().credential.clone() });
        assert_eq!(stage.api.put("/connections/contoso/rotation", &body).await.status, 200);
        stage.pass(Duration::minutes(11));
    };
    renewed().await;
    // of the update: the new secret is there, and known to nobody here
    let latest = lost(2).await;
    assert_eq!(latest["cause"], "secret_lost", "{latest}");
    assert!(latest["remedy"].as_str().unwrap().contains("registration access token"), "{latest}");
    let event = stage.world.last_event("connection.rotation_failed").await;
    assert_eq!(event.reason.as_deref(), Some("secret_lost"));

    // another token brings it
    renewed().await;
    stage.run().await;
    stage.look().await;
    stage.signs_in().await;
    assert_eq!(goes_on(&stage).await["outcome"], "done");
    assert_eq!(stage.provider.count("PUT"), 1);
    stage.tells_no_secret().await;
}
