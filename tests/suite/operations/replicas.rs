//! Two replicas on one database: what is changed at one holds at the other within a second.

use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;

use crate::harness::{App, Broker, Options, PATIENCE};

const SECRET: &str = "robot-secret-0123456789";
const PROMISED: Duration = Duration::from_secs(1);

fn robot(more: &str) -> String {
    format!("clients: [{{ client_id: robot, kind: machine, client_secret: {{ file: robot }}{more} }}]")
}

/// Until the other replica answers the robot like this.
async fn until(what: &str, robot: &App, status: u16) {
    let changed = Instant::now();
    while robot.token(&[("grant_type", "client_credentials")]).await.status != status {
        assert!(changed.elapsed() < PATIENCE, "the other replica does not know of {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = changed.elapsed();
    println!("{what} was seen after {took:?}{}", if took > PROMISED { ": TOO LATE" } else { "" });
}

#[tokio::test]
async fn another_replica_goes_by_a_change_within_a_second() {
    let here = Broker::start(Options::default()).await;
    let there = Broker::start(Options { database: Some(here.database().clone()), ..Options::default() }).await;
    let there = App::new(&there, "robot", Some(SECRET));
    here.secret("robot", SECRET);
    assert_eq!(there.token(&[("grant_type", "client_credentials")]).await.status, 401, "nobody knows it yet");

    here.apply(&robot("")).await;
    until("a new client", &there, 200).await;
    here.apply(&robot(", enabled: false")).await;
    until("a disabled client", &there, 401).await;
    here.apply(&robot("")).await;
    until("an enabled client", &there, 200).await;

    let mut conn = here.database().connect().await.unwrap();
    let revoke = sqlx::query("UPDATE client_secrets SET state = 'revoked' WHERE client_id = 'robot'");
    assert_eq!(revoke.execute(&mut conn).await.unwrap().rows_affected(), 1);
    until("a revoked secret", &there, 401).await;
    let delete = sqlx::query("DELETE FROM clients WHERE client_id = 'robot'");
    assert_eq!(delete.execute(&mut conn).await.unwrap().rows_affected(), 1);
    here.apply(&robot("")).await;
    until("a client made anew", &there, 200).await;
}
