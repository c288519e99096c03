//! Microsoft Entra: one connection for several tenants, and people known by tenant and object id.

use serde_json::json;

use super::refused;
use crate::harness::World;
use crate::harness::app::claims;
use crate::harness::world::connection;

async fn entra() -> World {
    let world = World::new().await;
    let settings = format!("preset: entra\nissuer: {}/organizations/v2.0\ntenants: [tenant-1]", world.idp.issuer);
    let base = world.idp.issuer.clone();
    world.idp.tell(|script| {
        let template = format!("{base}/{{tenantid}}/v2.0");
        script.discovery = Some(Box::new(move |document| {
            document["issuer"] = template.clone().into();
            document["authorization_response_iss_parameter_supported"] = false.into();
        }));
        script.response = Some(Box::new(|params| params.retain(|(name, _)| name != "iss")));
    });
    token(&world, json!({ "tid": "tenant-1", "oid": "object-1" }));
    world.apply(&connection("contoso", &world.idp, &settings)).await;
    world
}

/// ID tokens with these claims, and the issuer of their tenant.
fn token(world: &World, more: serde_json::Value) {
    let base = world.idp.issuer.clone();
    world.idp.lie(move |claims| {
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if let Some(tid) = more["tid"].as_str() {
            claims["iss"] = format!("{base}/{tid}/v2.0").into();
        }
    });
}

#[tokio::test]
async fn a_tenant_on_the_list_is_let_in_and_another_is_not() {
    let world = entra().await;
    world.signed_in().await;
    token(&world, json!({ "tid": "tenant-2", "oid": "object-1" }));
    refused(&world, 403, "tenant_not_allowed").await;
    token(&world, json!({ "oid": "object-1" }));
    refused(&world, 403, "tid_missing").await;
    token(&world, json!({ "tid": "tenant-1" }));
    refused(&world, 403, "oid_missing").await;
}

#[tokio::test]
async fn the_list_names_the_issuer_of_the_token_and_not_the_token_itself() {
    let world = entra().await;
    // says tenant-1, and was issued by tenant-2
    let base = world.idp.issuer.clone();
    world.idp.lie(move |claims| {
        claims["tid"] = "tenant-1".into();
        claims["oid"] = "object-1".into();
        claims["iss"] = format!("{base}/tenant-2/v2.0").into();
    });
    refused(&world, 403, "issuer_mismatch").await;
}

#[tokio::test]
async fn a_person_is_the_object_id_whatever_the_sub_and_the_address_say() {
    let world = entra().await;
    let (_, first) = world.signed_in().await;
    token(&world, json!({ "tid": "tenant-1", "oid": "object-1", "sub": "another-pairwise-sub" }));
    // UserInfo speaks of the same subject
    world.idp.tell(|script| {
        script.subject = "another-pairwise-sub".into();
        script.userinfo = json!({ "email": "changed@contoso.example" });
    });
    let (_, second) = world.signed_in().await;
    let sub = |tokens: &serde_json::Value| claims(tokens["id_token"].as_str().unwrap())["sub"].clone();
    assert_eq!(sub(&first), sub(&second));
    token(&world, json!({ "tid": "tenant-1", "oid": "object-2", "sub": "another-pairwise-sub" }));
    let (_, third) = world.signed_in().await;
    assert_ne!(sub(&first), sub(&third));
}

#[tokio::test]
async fn many_tenants_without_a_list_are_not_accepted() {
    let world = World::new().await;
    let yaml = connection("wide", &world.idp, &format!("preset: entra\nissuer: {}/common/v2.0", world.idp.issuer));
    let refusal = world.broker.try_apply(&yaml).await.unwrap_err();
    assert!(refusal.contains("connections[wide].tenants"), "{refusal}");
}
