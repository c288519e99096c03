//! Faults of the client's own addresses: where people are sent back to, and where logout tokens go.

use super::examine;
use crate::harness::{Habit, LogoutEndpoint, World};

async fn client(world: &World, redirect: &str, logout: &str) {
    let yaml = format!(
        "clients: [{{ client_id: portal, kind: spa, redirect_uris: ['{redirect}'], backchannel_logout_uri: '{logout}' }}]"
    );
    world.apply(&yaml).await;
}

#[tokio::test]
async fn a_back_channel_that_leads_nowhere() {
    let world = World::new().await;
    let mut there = LogoutEndpoint::start().await;
    let url = there.url("bye");
    client(&world, "http://localhost:9/callback", &url).await;
    let breaks = "whoever signs out elsewhere stays signed in there";
    let change = "correct backchannel_logout_uri of the client";
    // without a token, 400 is what it has to say
    for status in [200, 400] {
        there.behave(Habit::Say(status));
        let report = examine(&world.broker, "portal", "general", &[]).await;
        assert!(report.checks("ok").contains(&"backchannel_logout"), "{status}: {:#}", report.0);
    }
    for habit in
        [Habit::Say(404), Habit::Say(405), Habit::Say(500), Habit::RedirectTo("https://elsewhere.example/login".into())]
    {
        there.behave(habit.clone());
        let report = examine(&world.broker, "portal", "general", &[]).await;
        report.has("backchannel_logout", "failure", [&url, breaks, change]);
        report.is_helpful();
    }
    let received = there.received();
    assert!(received.iter().all(|one| one.fields.is_empty()), "no logout token is sent: {received:?}");
    there.sleep().await;
    let report = examine(&world.broker, "portal", "general", &[]).await;
    report.has("backchannel_logout", "failure", ["is not reached from the broker", breaks, change]);
}

#[tokio::test]
async fn a_redirect_address_that_nothing_is_at() {
    let world = World::new().await;
    let there = LogoutEndpoint::start().await;
    // people's own machines are not looked at
    let report = {
        client(&world, "http://localhost:9/callback", &there.url("bye")).await;
        examine(&world.broker, "portal", "general", &[]).await
    };
    report.has("redirect_uri", "ok", ["people's own machines", "", ""]);
    client(&world, "https://portal.invalid/callback", &there.url("bye")).await;
    let report = examine(&world.broker, "portal", "general", &[]).await;
    report.has("redirect_uri", "warning", ["https://portal.invalid/callback", "after they signed in", "redirect URI"]);
    report.is_helpful();
}

#[tokio::test]
async fn a_client_that_is_switched_off() {
    let world = World::new().await;
    world.apply("clients: [{ client_id: portal, kind: spa, redirect_uris: ['http://localhost:9/callback'], enabled: false }]").await;
    let report = examine(&world.broker, "portal", "general", &[]).await;
    report.has("client", "failure", ["switched off", "every request of it is refused", "switch the client on"]);
    report.is_helpful();
}
