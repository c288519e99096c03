//! Providers that are down, slow, too talkative, or elsewhere.

use std::sync::Arc;
use std::time::Duration;

use time::Duration as Turn;

use super::refused;
use crate::harness::world::connection;
use crate::harness::{FakeIdp, Misbehaviour, Options, Place, World};

#[tokio::test]
async fn the_broker_starts_while_a_provider_is_down_says_so_and_works_once_it_is_up() {
    let mut world = World::new().await;
    world.idp.sleep().await;
    world.broker.restart().await;
    let page = refused(&world, 502, "upstream_unavailable").await;
    assert!(page.body.contains("contoso does not answer"), "{page}");
    world.idp.wake().await;
    world.broker.clock.advance(Turn::seconds(6)); // a failure is remembered for five
    world.signed_in().await;
}

#[tokio::test]
async fn a_provider_that_goes_down_in_the_middle_is_named() {
    let mut world = World::new().await;
    world.signed_in().await;
    let mut browser = world.shop.browser();
    browser.stop_at(&world.broker.url("/connections/"));
    let (_, page) = world.shop.sign_in(&mut browser, &[]).await;
    world.idp.sleep().await;
    let page = browser.stop_no_more().open(page.url.as_str()).await;
    super::assert_refusal(&world, &browser, &page, 502, "upstream_unavailable").await;
}

#[tokio::test]
async fn a_provider_that_takes_its_time_is_given_up() {
    let options = Options { upstream_timeout: Duration::from_secs(3), ..Options::default() };
    let world = World::with(options).await;
    for place in [Place::Token, Place::Jwks, Place::UserInfo] {
        world.idp.tell_the_truth();
        world.idp.misbehave(place, Misbehaviour::Slow(Duration::from_secs(15)));
        refused(&world, 502, "upstream_unavailable").await;
        world.broker.clock.advance(Turn::seconds(6));
    }
}

#[tokio::test]
async fn twenty_megabytes_are_not_an_answer() {
    let world = World::new().await;
    for place in [Place::Discovery, Place::Token, Place::Jwks, Place::UserInfo] {
        world.idp.tell_the_truth();
        world.idp.misbehave(place, Misbehaviour::Huge);
        refused(&world, 502, "upstream_unavailable").await;
        world.broker.clock.advance(Turn::seconds(6));
    }
}

#[tokio::test]
async fn redirects_are_not_followed_wherever_they_lead() {
    let world = World::new().await;
    let inside = FakeIdp::start(&world.broker.clock).await;
    for place in [Place::Discovery, Place::Token, Place::Jwks, Place::UserInfo] {
        world.idp.tell_the_truth();
        let target = match place {
            Place::Discovery => format!("{}/.well-known/openid-configuration", inside.issuer),
            Place::Token => "http://169.254.169.254/latest/meta-data/token".to_owned(),
            _ => format!("{}/userinfo", inside.issuer),
        };
        world.idp.misbehave(place, Misbehaviour::RedirectTo(target));
        refused(&world, 502, "upstream_unavailable").await;
        world.broker.clock.advance(Turn::seconds(6));
    }
    let seen = inside.received();
    assert_eq!((seen.discovery, seen.token.len(), seen.jwks, seen.userinfo), (0, 0, 0, 0));
}

#[tokio::test]
async fn a_private_address_is_refused_unless_it_is_allowed() {
    let options = Options { allow_private_upstreams: false, ..Options::default() };
    let world = World::with(options).await;
    refused(&world, 502, "upstream_unavailable").await;
    let secure = world.idp.issuer.replace("http:", "https:");
    for issuer in
        [secure.as_str(), "https://127.0.0.1:1", "https://[::1]:1", "https://169.254.169.254", "https://10.0.0.1"]
    {
        world.set_contoso(&format!("issuer: \"{issuer}\"")).await;
        refused(&world, 502, "upstream_unavailable").await;
    }
    assert_eq!(world.idp.received().discovery, 0, "nobody was asked");
}

#[tokio::test]
async fn nonsense_for_metadata_is_unavailable_and_another_issuer_is_a_misconfiguration() {
    let world = World::new().await;
    for body in ["<html>", "[]", "{}", "{\"issuer\": 7}"] {
        world.idp.misbehave(Place::Discovery, Misbehaviour::Say(200, body.into()));
        refused(&world, 502, "upstream_unavailable").await;
        world.broker.clock.advance(Turn::seconds(6));
    }
    world.idp.tell_the_truth();
    world.idp.tell(|script| {
        script.discovery = Some(Box::new(|document| document["issuer"] = "https://evil.example".into()))
    });
    refused(&world, 500, "discovery_issuer_mismatch").await;
}

#[tokio::test]
async fn metadata_may_not_point_into_the_network() {
    let options = Options { allow_private_upstreams: true, ..Options::default() };
    let world = World::with(options).await;
    for member in ["token_endpoint", "jwks_uri", "authorization_endpoint"] {
        world.idp.tell(|script| {
            script.discovery =
                Some(Box::new(move |document| document[member] = "http://169.254.169.254/latest".into()));
        });
        refused(&world, 502, "upstream_unavailable").await;
        world.broker.clock.advance(Turn::seconds(6));
    }
}

#[tokio::test]
async fn endpoints_entered_by_hand_need_no_metadata() {
    let clock = Arc::default();
    let idp = FakeIdp::start(&clock).await;
    let world = World::with(Options { clock, ..Options::default() }).await;
    let base = &idp.issuer;
    let endpoints = format!(
        "issuer: {base}\nauthorization_endpoint: {base}/authorize\ntoken_endpoint: {base}/token\njwks_uri: {base}/jwks"
    );
    world.apply(&connection("contoso", &idp, &endpoints)).await;
    world.signed_in().await;
    let seen = idp.received();
    assert_eq!((seen.discovery, seen.token.len(), seen.userinfo), (0, 1, 0));
}
