//! The process dies: after each thing that was done at the provider, before anything of it was written down.

use serde_json::json;
use time::Duration;

use super::Stage;

/// One rotation after another, each killed after another call, until one comes through without having been.
async fn killed_at_every_call(driver: impl Fn(&Stage) -> serde_json::Value, most: usize) {
    let mut stage = Stage::set().await;
    assert_eq!(stage.put(driver(&stage)).await.status, 200);
    let mut kills = 0;
    for call in 1..40 {
        let seen = stage.provider.state().calls.len();
        stage.provider.state().hang_at = Some(seen + call);
        stage.run().await;
        let over = async {
            loop {
                stage.look().await;
                let latest = stage.latest().await;
                if latest["outcome"] != serde_json::Value::Null {
                    return;
                }
                stage.pass(Duration::seconds(if latest["step"] == "watch" { 25 * 3600 } else { 50 }));
            }
        };
        let died = tokio::select! {
            () = over => false,
            () = stage.provider.shared.hangs.notified() => true,
        };
        if died {
            kills += 1;
            stage.world.broker.restart().await;
            // its lease runs out
            stage.pass(Duration::seconds(41));
        }
        stage.provider.state().hang_at = None;
        let latest = stage.until_over(Duration::hours(1)).await;
        assert_eq!(latest["outcome"], "done", "killed at call {call}: {latest}");
        let left = stage.provider.ids().len();
        assert!(left <= most, "killed at call {call}: {:?}", stage.provider.names());
        let states = stage.secrets().await;
        assert!(states[0] == "active" && states[1..].iter().all(|state| state == "revoked"), "{states:?}");
        stage.signs_in().await;
        stage.pass(Duration::minutes(11));
        if !died {
            assert!(kills > 2, "{kills}");
            stage.tells_no_secret().await;
            return;
        }
    }
    panic!("every rotation was killed");
}

#[tokio::test]
async fn entra_goes_on_from_wherever_it_was_killed() {
    // the one that was made by hand stays
    killed_at_every_call(Stage::entra, 2).await;
}

#[tokio::test]
async fn okta_goes_on_from_wherever_it_was_killed() {
    killed_at_every_call(|stage| json!({ "kind": "okta", "url": stage.provider.url }), 1).await;
}

#[tokio::test]
async fn keycloak_goes_on_from_wherever_it_was_killed() {
    let driver = |stage: &Stage| json!({ "kind": "keycloak", "url": stage.provider.url, "realm": "corp", "client_id": "the-rotator", "keeps_old": true });
    killed_at_every_call(driver, 1).await;
}
