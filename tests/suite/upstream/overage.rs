//! Entra leaves groups out of a token that would hold more than 200: they are looked up, kept, and look the same as below the
//! limit. Whoever's groups cannot be known does not get in without them.

use avouch::overage::watch;
use serde_json::{Value, json};
use time::Duration;

use super::refused;
use crate::harness::World;
use crate::harness::app::claims;
use crate::harness::world::connection;

pub(super) fn ids(number: usize) -> Vec<String> {
    (0..number).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect()
}

pub(super) async fn entra(more: &str) -> World {
    let world = World::new().await;
    let base = &world.idp.issuer;
    let settings = format!("preset: entra\nissuer: {base}\ngraph: {{ url: '{base}/v1.0' }}\n{more}");
    world.apply(&connection("contoso", &world.idp, &settings)).await;
    world.app("desk", "kind: spa\nclaims: { id_token: [groups] }").await;
    token_says(
        &world,
        json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://graph.windows.net/t/users/o/getMemberObjects" } } }),
    );
    world
}

pub(super) fn token_says(world: &World, more: Value) {
    world.idp.lie(move |claims| {
        claims["tid"] = "tenant-1".into();
        claims["oid"] = "object-1".into();
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
    });
}

pub(super) fn directory_says(world: &World, status: u16, answer: Value) {
    world.idp.tell(|script| {
        script.groups = Some(Box::new(move |who, asked| {
            assert_eq!((who, &asked["securityEnabledOnly"]), ("object-1", &json!(true)));
            (status, answer.clone())
        }));
    });
}

pub(super) async fn groups_in_the_token(world: &World) -> Value {
    let app = crate::harness::App::new(&world.broker, "desk", None);
    let tokens = app.scoped("openid groups").tokens(&mut app.browser(), &[]).await;
    claims(tokens["id_token"].as_str().unwrap())["groups"].clone()
}

#[tokio::test]
async fn above_the_limit_a_token_of_ours_says_the_same_as_below() {
    let world = entra("").await;
    directory_says(&world, 200, json!({ "value": ids(350) }));
    assert_eq!(groups_in_the_token(&world).await, json!(ids(350)));
    let asked = world.idp.received().directory;
    assert_eq!(asked, [("/v1.0/users/object-1/getMemberGroups".to_owned(), "Bearer our-own-token".to_owned())]);
    let call = world.idp.received().token.into_iter().find(|call| call.params["grant_type"] == "client_credentials");
    assert_eq!(call.unwrap().params["scope"], format!("{}/.default", world.idp.issuer));

    // one group less than the limit: the token has them itself
    token_says(&world, json!({ "groups": ids(199) }));
    assert_eq!(groups_in_the_token(&world).await, json!(ids(199)));
    token_says(&world, json!({}));
    assert!(matches!(groups_in_the_token(&world).await, Value::Null | Value::Array(_)), "no mark: there are none");
    assert_eq!(world.idp.received().directory.len(), 1);
}

#[tokio::test]
async fn what_was_looked_up_is_kept_and_kept_fresh_off_the_way_in() {
    let world = entra("").await;
    directory_says(&world, 200, json!({ "value": ids(201) }));
    for _ in 0..3 {
        assert_eq!(groups_in_the_token(&world).await, json!(ids(201)));
    }
    assert_eq!(world.idp.received().directory.len(), 1, "kept");
    // another replica, and one that has just started, go by the same
    directory_says(&world, 200, json!({ "value": ids(202) }));
    world.broker.clock.advance(Duration::minutes(11));
    watch::look(world.broker.live()).await.unwrap();
    watch::look(world.broker.live()).await.unwrap();
    assert_eq!(world.idp.received().directory.len(), 2, "once for each person and time");
    assert_eq!(groups_in_the_token(&world).await, json!(ids(202)));
    assert_eq!(world.idp.received().directory.len(), 2, "and the sign-in asked nobody");
    // who does not come any more is not looked up any more
    world.broker.clock.advance(Duration::days(3));
    watch::look(world.broker.live()).await.unwrap();
    assert_eq!(world.idp.received().directory.len(), 2);
}

#[tokio::test]
async fn a_directory_that_is_away_leaves_the_last_that_is_known_for_a_day_and_nobody_in_without_groups() {
    let world = entra("").await;
    for (status, word) in [(503, "groups_unavailable"), (429, "groups_unavailable"), (403, "groups_forbidden")] {
        directory_says(&world, status, json!({ "error": { "code": "Authorization_RequestDenied" } }));
        refused(&world, if status == 403 { 500 } else { 403 }, word).await;
    }
    directory_says(&world, 200, json!({ "values": [] }));
    refused(&world, 403, "groups_unavailable").await;
    directory_says(&world, 200, json!({ "value": ids(300) }));
    assert_eq!(groups_in_the_token(&world).await, json!(ids(300)));
    directory_says(&world, 503, json!({}));
    world.broker.clock.advance(Duration::hours(5));
    watch::look(world.broker.live()).await.unwrap();
    assert_eq!(groups_in_the_token(&world).await, json!(ids(300)), "the last that is known");
    world.broker.clock.advance(Duration::hours(20));
    refused(&world, 403, "groups_unavailable").await;
}

#[tokio::test]
async fn a_rule_goes_by_every_group_and_the_word_of_a_stranger_leads_nowhere() {
    let world = entra("allow: \"'00000000-0000-4000-8000-000000000260' in claims.groups\"").await;
    directory_says(&world, 200, json!({ "value": ids(300) }));
    world.signed_in().await;
    world.broker.clock.advance(Duration::minutes(16));
    directory_says(&world, 200, json!({ "value": ids(250) }));
    refused(&world, 403, "not_allowed").await;
    // an object id is part of an address
    token_says(&world, json!({ "_claim_names": { "groups": "src1" }, "oid": "object-1/../../me" }));
    let before = world.idp.received().directory.len();
    refused(&world, 403, "oid_missing").await;
    assert_eq!(world.idp.received().directory.len(), before);
}

#[tokio::test]
async fn an_assertion_that_left_groups_out_lets_nobody_in() {
    let mut saml = super::saml::Saml::by_hand("").await;
    let link = "<saml:Attribute Name=\"http://schemas.microsoft.com/claims/groups.link\"><saml:AttributeValue>https://graph.windows.net/t/users/o/getMemberObjects</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>";
    let (mut browser, relay_state) = saml.at_the_provider().await;
    let page = saml.post(&mut browser, &relay_state, &saml.idp.said("</saml:AttributeStatement>", link)).await;
    super::assert_refusal(&saml.world, &browser, &page, 403, "groups_left_out").await;
}
