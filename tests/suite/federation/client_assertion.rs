//! A token of a trusted issuer as the client's authentication. `fixtures` has what it looks like on the wire.

use serde_json::json;

use super::{API, ASSERTION_TYPE, federated, show, token_of};
use crate::harness::app::{claims, post};
use crate::harness::{FakeIdp, World};

#[tokio::test]
async fn a_workload_gets_tokens_as_its_client() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "").await;
    let token = token_of(&world, &idp, json!({}));
    // the same token again and again, as workloads use theirs until it ends
    for _ in 0..2 {
        let answer = show(&world, "client_assertion", &token, &[("client_id", "app")]).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        let issued = claims(answer.text("access_token"));
        assert_eq!((&issued["sub"], &issued["client_id"]), (&json!("app"), &json!("app")));
        assert_eq!((&issued["aud"], answer.text("scope")), (&json!(API), "read write"));
    }
    assert_eq!((idp.received().discovery, idp.received().jwks), (1, 1), "kept, not fetched for each");
    let unnamed = show(&world, "client_assertion", &token, &[("scope", "read")]).await;
    assert_eq!((unnamed.status, unnamed.text("scope")), (200, "read"), "{}", unnamed.json);
    let fields = [("client_assertion", token.as_str()), ("client_assertion_type", ASSERTION_TYPE), ("token", "x")];
    assert_eq!(post(&world.broker.url("/oauth/introspect"), None, &fields).await.status, 200);
}

/// Two clients for one workload: it has to say which one it is.
#[tokio::test]
async fn a_token_that_fits_several_clients_needs_the_name() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "").await;
    let issuer = &idp.issuer;
    world
        .apply(&format!(
            "clients: [{{ client_id: other, kind: machine, audiences: [{API}], federated_identities: [{{ issuer: '{issuer}', audience: api://APP, subject_rule: 'claims.idtyp == \"app\"' }}] }}]"
        ))
        .await;
    let token = token_of(&world, &idp, json!({}));
    let answer = show(&world, "client_assertion", &token, &[]).await;
    answer.assert_error(401, "invalid_client");
    assert!(answer.text("error_description").contains("several clients"), "{}", answer.json);
    for name in ["app", "other"] {
        let answer = show(&world, "client_assertion", &token, &[("client_id", name)]).await;
        assert_eq!(claims(answer.text("access_token"))["sub"], name);
    }
    // nobody is somebody else by naming it
    show(&world, "client_assertion", &token, &[("client_id", "shop")]).await.assert_error(401, "invalid_client");
    let stranger = token_of(&world, &idp, json!({ "sub": "another-workload", "idtyp": null }));
    for name in ["app", "other", "nobody"] {
        let answer = show(&world, "client_assertion", &stranger, &[("client_id", name)]).await;
        answer.assert_error(401, "invalid_client");
    }
}
