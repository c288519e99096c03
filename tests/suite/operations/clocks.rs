//! Two replicas whose machines' clocks are a minute apart: each finishes what the other began.

use std::sync::Arc;

use avouch::clock::{Clock as _, ShiftedClock};
use serde_json::json;
use time::Duration;

use crate::admin::Api;
use crate::harness::app::claims;
use crate::harness::{App, Broker, Options, World};

/// Another replica on a machine that is so much ahead, under the same issuer.
async fn replica(world: &World, ahead: Duration) -> Broker {
    let clock = Arc::new(ShiftedClock::default());
    clock.is_wrong_by(ahead);
    let database = Some(world.broker.database().clone());
    Broker::start_as(&world.broker.issuer, Options { clock, database, ..Options::default() }).await
}

#[tokio::test]
async fn each_finishes_what_the_other_began() {
    let world = World::new().await;
    let here = world.app("wiki", "kind: spa").await;
    for ahead in [Duration::minutes(1), -Duration::minutes(1), Duration::minutes(3)] {
        let other = replica(&world, ahead).await;
        // whatever a busy machine takes for what follows, no code ends meanwhile
        for clock in [&world.broker.clock, &other.clock] {
            clock.stand_still();
        }
        let (mine, theirs) = (world.broker.ctx().now(), other.ctx().now());
        assert!((theirs - mine).abs() < Duration::seconds(2), "{mine} {theirs}");
        let there = App { issuer: other.address(), ..here.clone() };
        for (first, second) in [(&here, &there), (&there, &here)] {
            // the code of one is redeemed at the other, and so is the refresh token
            let (request, page) = here.sign_in(&mut here.browser(), &[]).await;
            let answer = second.redeem(&page.param("code"), &request.verifier).await;
            assert_eq!(answer.status, 200, "{ahead}: {}", answer.json);
            let token = answer.text("refresh_token").to_owned();
            let answer = first.refresh(&token).await;
            assert_eq!(answer.status, 200, "{ahead}: {}", answer.json);
            // what one issued counts at the other
            let access = answer.text("access_token");
            assert_eq!(second.userinfo(access).await.status, 200, "{ahead}: {}", claims(access));
        }
    }
}

#[tokio::test]
async fn what_one_schedules_happens_once_and_when_it_is_time_for_both() {
    let world = World::new().await;
    let other = replica(&world, Duration::minutes(1)).await;
    world.broker.apply("clients: [{ client_id: robot, kind: machine }]").await;
    let owner = Api::of(&world.broker, "owner").await;
    let ends = world.broker.clock.now() + Duration::days(61);
    let ends = ends.format(&time::format_description::well_known::Rfc3339).unwrap();
    let made = owner.post("/clients/robot/secrets", &json!({ "expires_at": ends })).await;
    assert_eq!(made.status, 201, "{}", made.json);
    for clock in [&world.broker.clock, &other.clock] {
        clock.advance(Duration::days(1) + Duration::seconds(30));
    }
    for broker in [&world.broker, &other, &world.broker] {
        broker.live().reload().await.unwrap();
        avouch::alert::look(broker.live()).await.unwrap();
    }
    let told = world.broker.audit_events().await;
    let told = told.iter().filter(|event| event.action == "credential.expiring").count();
    assert_eq!(told, 1, "the one that is ahead does not tell a second time");
}
