//! What the desk says first, and what its search box finds.

use time::Duration;

use super::Operator;
use crate::harness::{Broker, Misbehaviour, Options, Place, World};

#[tokio::test]
async fn a_new_instance_is_told_where_to_begin() {
    let broker = Broker::start(Options::default()).await;
    let mut owner = Operator::signed_in(&broker, "owner").await;
    let page = owner.open("/admin").await;
    assert!(page.has("guide") && page.body.contains("/admin/connections/new"), "{page}");
    let mut auditor = Operator::signed_in(&broker, "auditor").await;
    let page = auditor.open("/admin").await;
    assert!(page.has("guide") && !page.body.contains("/admin/connections/new"), "{page}");
}

#[tokio::test]
async fn a_connection_by_which_nobody_gets_in_any_more_is_the_first_thing_said() {
    let world = World::new().await;
    world.signed_in().await;
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let page = owner.open("/admin").await;
    assert!(!page.has("guide") && !page.body.contains("Failing"), "{page}");
    assert_eq!(page.text_of("signed-in").as_deref(), Some("1"), "{page}");

    world.idp.misbehave(Place::Token, Misbehaviour::Say(401, r#"{"error":"invalid_client"}"#.into()));
    let mut browser = world.shop.browser();
    world.shop.sign_in(&mut browser, &[]).await;
    world.broker.audit_events().await; // it is written by now
    let page = owner.open("/admin").await;
    assert_eq!(page.text_of("failed").as_deref(), Some("1"), "{page}");
    assert!(page.body.contains("invalid_client") && page.body.contains("/admin/traces/trc_"), "{page}");

    world.broker.clock.advance(Duration::days(20));
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    let page = owner.open("/admin").await;
    assert_eq!(page.text_of("signed-in").as_deref(), Some("0"), "of the last fourteen days: {page}");
}

#[tokio::test]
async fn what_is_named_exactly_opens_and_anything_else_is_a_list() {
    let world = World::new().await;
    let made = world
        .apply("users: [{ email: mcfly@example.com, name: Marty McFly, connection: contoso, subject: mcfly }]")
        .await;
    let sub = made[0].1.to_string();
    let mut owner = Operator::signed_in(&world.broker, "owner").await;
    owner.browser.stop_at(&world.broker.url("/admin/users/")).stop_at(&world.broker.url("/admin/clients/"));
    owner.browser.stop_at(&world.broker.url("/admin/connections/")).stop_at(&world.broker.url("/admin/traces/"));
    for (sought, path) in [
        ("shop", "/admin/clients/shop".to_owned()),
        ("contoso", "/admin/connections/contoso".into()),
        ("MCFLY@example.com", format!("/admin/users/{sub}")),
        (&sub, format!("/admin/users/{sub}")),
        ("trc_0123456789ab", "/admin/traces/trc_0123456789ab".into()),
    ] {
        let page = owner.open(&format!("/admin/find?q={sought}")).await;
        assert_eq!((page.stopped, page.url.path()), (true, path.as_str()), "{sought}");
    }
    let page = owner.open("/admin/find?q=Marty").await;
    assert!(!page.stopped && page.body.contains(&format!("/admin/users/{sub}")), "{page}");
    let page = owner.open("/admin/find?q=%22%3E%3Cscript%3E%00").await;
    assert!(page.status == 200 && !page.body.contains("\"><script>"), "{page}");
}
