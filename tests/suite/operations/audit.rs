//! The audit log holds what happened, whatever somebody wrote into it.

use crate::harness::World;
use crate::harness::app::get;

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
