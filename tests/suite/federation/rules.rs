//! What a token of a trusted issuer must be, however it is shown (REQUIREMENTS A10, negatives).

use avouch::clock::Clock as _;
use serde_json::{Value, json};
use time::Duration;

use super::{AUDIENCE, WAYS, WORKLOAD, claims_of, federated, show, token_of};
use crate::harness::fake_idp::key;
use crate::harness::jwt::{changed, compact, jwt};
use crate::harness::{FakeIdp, Misbehaviour, Place, World};

/// Refused in every way, with these words.
async fn refused(world: &World, token: &str, words: &str) {
    for (way, status, error) in WAYS {
        let answer = show(world, way, token, &[]).await;
        answer.assert_error(status, error);
        assert!(answer.text("error_description").contains(words), "{way}: {words}: {}", answer.json);
    }
}

#[tokio::test]
async fn each_claim_must_hold_and_is_named_when_it_does_not() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "").await;
    let now = world.broker.clock.now().unix_timestamp();
    let table = [
        (json!({ "iss": "https://login.microsoftonline.com/OTHER-TENANT/v2.0" }), "compare the tenant id"),
        (json!({ "iss": format!("{}/", idp.issuer) }), "no federated identity with the issuer"),
        (json!({ "iss": null }), "iss = sub = client_id"),
        (json!({ "aud": "api://OTHER" }), "has the audience api://OTHER"),
        (json!({ "aud": [AUDIENCE, "api://OTHER"] }), "several audiences"),
        (json!({ "aud": [] }), "has the audience []"),
        (json!({ "aud": null }), "has the audience (none)"),
        (json!({ "aud": world.broker.issuer }), "has the audience"),
        (json!({ "sub": "another-workload" }), "has the subject another-workload"),
        (json!({ "sub": format!("{WORKLOAD} ") }), "has the subject"),
        (json!({ "sub": null }), "has the subject (none)"),
        (json!({ "exp": null }), "no exp"),
        (json!({ "exp": now - 61 }), "s ago (exp)"),
        (json!({ "iat": now - 3700, "nbf": now - 3700 }), "s ago (iat), longer than"),
        (json!({ "iat": null }), "(iat)"),
        (json!({ "iat": now + 120 }), "from the future (iat)"),
        (json!({ "nbf": now + 120 }), "from the future (nbf)"),
        (json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }), "logout token"),
    ];
    for (change, words) in table {
        refused(&world, &token_of(&world, &idp, change), words).await;
    }
    // a list of one is how Kubernetes writes it
    let listed = token_of(&world, &idp, json!({ "aud": [AUDIENCE] }));
    assert_eq!(show(&world, "assertion", &listed, &[]).await.status, 200);
}

/// R45, in so many words.
#[tokio::test]
async fn a_token_for_microsoft_graph_gets_the_error_that_says_so() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "").await;
    let sts = "https://sts.windows.net/TENANT/";
    let tokens = [
        (json!({ "nonce": "n" }), json!({ "iss": sts, "aud": "00000003-0000-0000-c000-000000000000" })),
        (json!({ "nonce": "n" }), json!({ "iss": sts, "aud": "https://graph.microsoft.com" })),
        (json!({}), json!({ "aud": "https://graph.microsoft.com/" })),
        (json!({ "nonce": "n" }), json!({ "iss": sts })),
    ];
    for (header, change) in tokens {
        let token = jwt(&key(0), &header, &claims_of(&world, &idp, change));
        refused(&world, &token, "this is an access token for Microsoft Graph").await;
        refused(&world, &token, "scope=api://<application id>/.default").await;
    }
}

#[tokio::test]
async fn only_the_issuers_keys_sign() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "").await;
    let claims = claims_of(&world, &idp, json!({}));
    let public = key(0).public_jwk();
    let hmac = |message: &[u8]| {
        let secret = serde_json::to_vec(&key(0).public_jwk()).unwrap();
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        aws_lc_rs::hmac::sign(&secret, message).as_ref().to_vec()
    };
    let table = [
        (compact(&json!({ "alg": "none" }), &claims, |_| Vec::new()), "signed with none"),
        (compact(&json!({ "alg": "HS256", "kid": public.kid }), &claims, hmac), "signed with HS256"),
        (jwt(&key(2), &json!({}), &claims), "no key of the token's issuer"),
        (jwt(&key(2), &json!({ "kid": public.kid }), &claims), "no key of the token's issuer"),
        (jwt(&key(2), &json!({ "jwk": key(2).public_jwk(), "jku": "https://evil.example" }), &claims), "no key of"),
        (jwt(&key(0), &json!({ "typ": "dpop+jwt" }), &claims), "typ must be"),
        (jwt(&key(0), &json!({ "crit": ["b64"] }), &claims), "crit"),
    ];
    for (token, words) in table {
        refused(&world, &token, words).await;
    }
    assert!(idp.received().jwks <= 2, "forgeries do not make us hammer the issuer");
    // RFC 9068's typ, and none at all as Kubernetes does it
    for typ in [json!("at+jwt"), json!(null)] {
        let token = jwt(&key(0), &json!({ "typ": typ }), &claims);
        assert_eq!(show(&world, "assertion", &token, &[]).await.status, 200, "{typ}");
    }
    world.broker.clock.advance(Duration::seconds(61));
    idp.rotate();
    let renewed = jwt(&key(1), &json!({}), &claims_of(&world, &idp, json!({})));
    assert_eq!(show(&world, "assertion", &renewed, &[]).await.status, 200, "a new key is found without waiting");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_503_in_every_way() {
    let world = World::new().await;
    let mut idp = FakeIdp::asleep(&world.broker.clock);
    federated(&world, &idp.issuer, "", "").await;
    let undecided = async |token: &str| {
        for (way, ..) in WAYS {
            let answer = show(&world, way, token, &[]).await;
            answer.assert_error(503, "temporarily_unavailable");
            assert_eq!(answer.header("retry-after"), "5");
        }
    };
    undecided(&token_of(&world, &idp, json!({}))).await;
    world.broker.clock.advance(Duration::seconds(6));
    idp.wake().await;
    let known = token_of(&world, &idp, json!({}));
    assert_eq!(show(&world, "assertion", &known, &[]).await.status, 200);
    idp.misbehave(Place::Jwks, Misbehaviour::Say(503, "down".into()));
    // known keys go on, and an unknown kid is no lie as long as nobody can say
    assert_eq!(show(&world, "assertion", &known, &[]).await.status, 200);
    undecided(&jwt(&key(1), &json!({}), &claims_of(&world, &idp, json!({})))).await;
    // a token that is wrong anyway is told so without asking anybody
    refused(&world, &jwt(&key(1), &json!({}), &claims_of(&world, &idp, json!({ "aud": "x" }))), "audience x").await;
}

#[tokio::test]
async fn the_discovery_document_must_be_the_issuers_own() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    federated(&world, &idp.issuer, "", "").await;
    idp.tell(|script| script.discovery = Some(Box::new(|document| document["issuer"] = "https://evil.example".into())));
    show(&world, "assertion", &token_of(&world, &idp, json!({})), &[])
        .await
        .assert_error(503, "temporarily_unavailable");
    assert_eq!(idp.received().jwks, 0);
}

#[tokio::test]
async fn what_an_operator_adds_narrows_further() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    let now = || world.broker.clock.now().unix_timestamp();
    let ask = async |change: Value| show(&world, "assertion", &token_of(&world, &idp, change), &[]).await;

    federated(&world, &idp.issuer, "subject_rule: claims.azp.startsWith('1111') && 'writer' in claims.roles", "").await;
    assert_eq!(ask(json!({ "sub": "whoever" })).await.status, 200);
    for change in [json!({ "azp": "2222" }), json!({ "roles": [] }), json!({ "roles": null })] {
        let answer = ask(change).await;
        answer.assert_error(400, "invalid_grant");
        assert!(answer.text("error_description").contains("subject rule"), "{}", answer.json);
    }
    federated(&world, &idp.issuer, "max_age: 120", "").await;
    assert_eq!(ask(json!({ "iat": now() - 100 })).await.status, 200);
    ask(json!({ "iat": now() - 200 })).await.assert_error(400, "invalid_grant");
    federated(&world, &idp.issuer, "max_age: 86400", "").await;
    assert_eq!(ask(json!({ "iat": now() - 7200 })).await.status, 200);
    federated(&world, &idp.issuer, "algs: [ES256, PS256]", "").await;
    ask(json!({})).await.assert_error(400, "invalid_grant");
    federated(&world, &idp.issuer, "one_use: true", "").await;
    ask(json!({})).await.assert_error(400, "invalid_grant");
    let once = token_of(&world, &idp, json!({ "jti": "one" }));
    assert_eq!(show(&world, "assertion", &once, &[]).await.status, 200);
    for (way, ..) in WAYS {
        let answer = show(&world, way, &once, &[]).await;
        assert!(answer.text("error_description").contains("used before"), "{way}: {}", answer.json);
    }
}

/// A cluster that we cannot reach: its keys stand in the file. Two workloads of it are two clients.
#[tokio::test]
async fn kubernetes_service_accounts_are_told_apart_by_subject() {
    let world = World::new().await;
    let issuer = "https://kubernetes.default.svc.cluster.local";
    let keys = json!({ "keys": [changed(&json!(key(0).public_jwk()), &json!({ "alg": null }))] });
    let client = |name: &str| {
        format!(
            "{{ client_id: {name}, kind: machine, federated_identities: [{{ issuer: '{issuer}', audience: avouch, subject: 'system:serviceaccount:prod:{name}', jwks: {keys} }}] }}"
        )
    };
    world.apply(&format!("clients: [{}, {}]", client("orders"), client("billing"))).await;
    let now = world.broker.clock.now().unix_timestamp();
    for (name, status) in [("orders", 200), ("billing", 200), ("default", 401)] {
        let claims = json!({ "iss": issuer, "aud": ["avouch"], "iat": now, "nbf": now, "exp": now + 3607,
            "sub": format!("system:serviceaccount:prod:{name}"), "kubernetes.io": { "namespace": "prod" } });
        let token = jwt(&key(0), &json!({ "typ": null }), &claims);
        let answer = show(&world, "client_assertion", &token, &[]).await;
        assert_eq!(answer.status, status, "{}", answer.json);
        if status == 200 {
            assert_eq!(crate::harness::app::claims(answer.text("access_token"))["sub"], name);
        }
    }
}
