//! The grant `jwt-bearer` (RFC 7523 §2.1). `fixtures` has what it looks like on the wire: librdkafka and Kafka send no
//! client authentication beside it.

use avouch::clock::Clock as _;
use serde_json::{Value, json};

use super::{API, JWT_BEARER, claims_of, federated, show, token_of};
use crate::harness::app::{basic, claims, post, random};
use crate::harness::fake_idp::key;
use crate::harness::jwt::{changed, jwt};
use crate::harness::{FakeIdp, World};

/// As Kafka makes its own: iss = sub = the client id, signed by the client's key.
#[tokio::test]
async fn a_client_signs_its_own_assertion_too() {
    let world = World::new().await;
    let keys = json!({ "keys": [key(0).public_jwk()] });
    let yaml = format!(
        "resources: [{{ identifier: {API}, scopes: [read] }}]
clients: [{{ client_id: kafka-app, kind: machine, grants: [jwt_bearer], audiences: [{API}], jwks: {keys}, token_endpoint_auth_method: client_secret_basic }}]"
    );
    world.apply(&yaml).await;
    let now = world.broker.clock.now().unix_timestamp();
    let made = |change: Value| {
        let own = json!({ "iss": "kafka-app", "sub": "kafka-app", "aud": world.broker.issuer, "iat": now, "exp": now + 300, "jti": random() });
        jwt(&key(0), &json!({}), &changed(&own, &change))
    };
    let answer = show(&world, "assertion", &made(json!({})), &[("scope", "read")]).await;
    assert_eq!((answer.status, answer.text("scope")), (200, "read"), "{}", answer.json);
    assert_eq!(claims(answer.text("access_token"))["sub"], "kafka-app");
    let once = made(json!({}));
    assert_eq!(show(&world, "assertion", &once, &[]).await.status, 200);
    show(&world, "assertion", &once, &[]).await.assert_error(400, "invalid_grant");
    show(&world, "assertion", &made(json!({ "aud": "https://evil.example" })), &[])
        .await
        .assert_error(400, "invalid_grant");
    let as_authentication = show(&world, "client_assertion", &made(json!({})), &[]).await;
    as_authentication.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn what_else_is_sent_must_agree_with_it() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    world.broker.secret("app", "app-secret-0123456789");
    federated(&world, &idp.issuer, "", "client_secret: { file: app }").await;
    let assertion = token_of(&world, &idp, json!({}));
    let ask = async |authorization: Option<String>, more: &[(&str, &str)]| {
        let fields = [&[("grant_type", JWT_BEARER), ("assertion", assertion.as_str())], more].concat();
        post(&world.shop.token_url(), authorization.as_deref(), &fields).await
    };
    assert_eq!(ask(Some(basic("app", "app-secret-0123456789")), &[]).await.status, 200);
    assert_eq!(ask(None, &[("client_id", "app")]).await.status, 200);
    ask(Some(basic("app", "wrong")), &[]).await.assert_error(401, "invalid_client");
    ask(Some(basic("shop", "shop-secret-0123456789")), &[]).await.assert_error(400, "invalid_grant");
    ask(None, &[("client_id", "shop")]).await.assert_error(400, "invalid_grant");
    ask(None, &[("audience", "https://nowhere.example")]).await.assert_error(400, "invalid_target");
    ask(None, &[("scope", "admin")]).await.assert_error(400, "invalid_scope");
    let without = post(&world.shop.token_url(), None, &[("grant_type", JWT_BEARER)]).await;
    without.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_client_needs_the_grant_and_to_be_enabled() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "enabled: false").await;
    let assertion = jwt(&key(0), &json!({}), &claims_of(&world, &idp, json!({})));
    for (way, status, error) in super::WAYS {
        let answer = show(&world, way, &assertion, &[]).await;
        answer.assert_error(status, error);
        assert!(answer.text("error_description").contains("disabled"), "{}", answer.json);
    }
    let issuer = &idp.issuer;
    let list = format!("[{{ issuer: '{issuer}', audience: api://APP, subject: x }}]");
    world.apply(&format!("clients: [{{ client_id: app, kind: machine, federated_identities: {list} }}]")).await;
    let assertion = token_of(&world, &idp, json!({ "sub": "x" }));
    for way in ["assertion", "subject_token"] {
        show(&world, way, &assertion, &[]).await.assert_error(400, "unauthorized_client");
    }
}
