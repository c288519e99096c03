//! The audit log holds what happened, whatever somebody wrote into it.

use serde_json::json;

use crate::harness::app::get;
use crate::harness::{App, World};

/// Postgres' text holds no NUL, and events are written many at once.
#[tokio::test]
async fn a_nul_byte_costs_no_event_beside_it_and_not_its_own() {
    let world = World::new().await;
    world.set_contoso("allow: claims[claims.nickname] == 'yes'").await;
    world.idp.tell(|script| script.userinfo["nickname"] = "no\0body".into());
    let mut browser = world.shop.browser();
    let refused = async || get(&world.broker.url("/authorize?client_id=nobody")).await;
    let in_a_path = world.broker.url("/connections/con%00toso/callback?state=x");
    let (_, answer, (_, page), _) =
        tokio::join!(refused(), get(&in_a_path), world.shop.sign_in(&mut browser, &[]), refused());
    assert_eq!(answer.status, 404);
    page.assert_problem(403, "not_allowed");
    let events = world.broker.audit_events().await;
    let count = |reason: &str| events.iter().filter(|event| event.reason.as_deref() == Some(reason)).count();
    assert_eq!((count("client_unknown"), count("connection_unknown"), count("not_allowed")), (2, 1, 1), "{events:#?}");
}

/// A fleet of machines must not fill the disk: a token a millisecond is one row in ten seconds.
#[tokio::test]
async fn a_machines_tokens_are_counted_and_each_address_and_refusal_still_shows() {
    let world = World::new().await;
    world.broker.secret("robot", "robot-secret-0123456789");
    world.apply("clients: [{ client_id: robot, kind: machine, client_secret: { file: robot } }]").await;
    let robot = App::new(&world.broker, "robot", Some("robot-secret-0123456789"));
    for _ in 0..20 {
        assert_eq!(robot.token(&[("grant_type", "client_credentials")]).await.status, 200);
    }
    robot.token(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
    let events = world.broker.audit_events().await;
    let issued: Vec<_> = events.iter().filter(|event| event.action == "token.issued").collect();
    let [first, rest] = issued[..] else { panic!("{issued:#?}") };
    assert_eq!((&first.detail["grant"], first.trace_id.is_some()), (&json!("client_credentials"), true));
    assert_eq!((&rest.detail["repeated"], rest.client_id.as_deref()), (&json!(19), Some("robot")));
    assert!(rest.detail["since"].is_string() && rest.trace_id.is_none(), "{rest:?}");
    assert_eq!(events.iter().filter(|event| event.action == "token.refused").count(), 1);
}
