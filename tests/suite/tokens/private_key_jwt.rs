//! Clients that prove themselves with a key of their own (`private_key_jwt`: OIDC Core §9, RFC 7523).

use std::sync::Arc;

use avouch::clock::Clock as _;
use avouch::jose::KeyPair;
use serde_json::{Value, json};
use time::Duration;

use super::API;
use crate::harness::app::{claims, post, random};
use crate::harness::fake_idp::key;
use crate::harness::jwt::{changed, compact, jwt};
use crate::harness::{Answer, App, FakeIdp, Misbehaviour, Place, World};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The client `zeebe` with more settings, one a line.
async fn zeebe(world: &World, more: &str) {
    let resource = format!("resources: [{{ identifier: {API}, scopes: [read] }}]\n");
    world.apply(&resource).await;
    world
        .app(
            "zeebe",
            &format!(
                "kind: web\naudiences: [{API}]\ngrants: [client_credentials, authorization_code, refresh_token]\n{more}"
            ),
        )
        .await;
}

fn jwks(keys: &[&KeyPair]) -> String {
    format!("jwks: {}", json!({ "keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>() }))
}

/// What an honest zeebe says now.
fn honest(world: &World) -> Value {
    let now = world.broker.clock.now().unix_timestamp();
    let aud = world.shop.token_url();
    json!({ "iss": "zeebe", "sub": "zeebe", "aud": aud, "iat": now, "nbf": now, "exp": now + 300, "jti": random() })
}

async fn token(world: &World, assertion: &str) -> Answer {
    let fields =
        [("grant_type", "client_credentials"), ("client_assertion", assertion), ("client_assertion_type", TYPE)];
    post(&world.shop.token_url(), None, &fields).await
}

#[tokio::test]
async fn every_kind_of_key_proves_a_client_and_either_of_our_names_is_the_audience() {
    let world = World::new().await;
    let eddsa = KeyPair::generate(avouch::jose::Alg::EdDsa).0;
    zeebe(&world, &jwks(&[&key(0), &key(1), &eddsa])).await;
    for pair in [&*key(0), &*key(1), &eddsa] {
        for audience in [world.shop.token_url(), world.broker.issuer.clone()] {
            let claims_made = changed(&honest(&world), &json!({ "aud": audience }));
            let answer = token(&world, &jwt(pair, &json!({}), &claims_made)).await;
            assert_eq!(answer.status, 200, "{} {audience}: {}", pair.alg(), answer.json);
            assert_eq!(claims(answer.text("access_token"))["sub"], "zeebe");
        }
    }
    // no kid: its keys are tried; no jti, iat and nbf: those are its own business (RFC 7523 §3)
    let bare = changed(&honest(&world), &json!({ "jti": null, "iat": null, "nbf": null }));
    for _ in 0..2 {
        let answer = token(&world, &jwt(&key(1), &json!({ "kid": null, "typ": null }), &bare)).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
    }
}

#[tokio::test]
async fn each_rule_refuses_by_name_what_breaks_it() {
    let world = World::new().await;
    zeebe(&world, &jwks(&[&key(0)])).await;
    let now = world.broker.clock.now().unix_timestamp();
    let (url, issuer) = (world.shop.token_url(), &world.broker.issuer);
    let table = [
        (json!({ "aud": [url] }), "assertion_audience"),
        (json!({ "aud": [issuer, "https://evil.example"] }), "assertion_audience"),
        (json!({ "aud": "https://evil.example" }), "assertion_audience"),
        (json!({ "aud": world.broker.url("/oauth/introspect") }), "assertion_audience"),
        (json!({ "aud": world.broker.url("/oauth/par") }), "assertion_audience"),
        (json!({ "aud": format!("{issuer}/") }), "assertion_audience"),
        (json!({ "aud": null }), "assertion_audience"),
        (json!({ "iss": "other" }), "assertion_issuer"),
        (json!({ "sub": "shop" }), "assertion_issuer"),
        (json!({ "sub": null }), "assertion_issuer"),
        (json!({ "iss": null }), "assertion_issuer"),
        (json!({ "exp": null }), "assertion_exp"),
        (json!({ "exp": now + 2 * 3600 }), "assertion_exp"),
        (json!({ "exp": now - 300 }), "assertion_expired"),
        (json!({ "exp": now - 61 }), "assertion_expired"),
        (json!({ "nbf": now + 300 }), "assertion_not_yet_valid"),
        (json!({ "iat": now + 300 }), "assertion_not_yet_valid"),
        (json!({ "iat": "today" }), "assertion_malformed"),
        (json!({ "iss": "nobody", "sub": "nobody" }), "assertion_signature"),
        (json!({ "iss": "shop", "sub": "shop" }), "assertion_signature"),
    ];
    for (change, reason) in table {
        let answer = token(&world, &jwt(&key(0), &json!({}), &changed(&honest(&world), &change))).await;
        answer.assert_error(401, "invalid_client");
        let event = world.last_event("client.authentication").await;
        assert_eq!(event.reason.as_deref(), Some(reason), "{change}: {}", answer.json);
    }
    // within the skew that clocks may have
    for change in [json!({ "exp": now - 30 }), json!({ "nbf": now + 8 })] {
        let answer = token(&world, &jwt(&key(0), &json!({}), &changed(&honest(&world), &change))).await;
        assert_eq!(answer.status, 200, "{change}: {}", answer.json);
    }
}

#[tokio::test]
async fn only_the_key_and_its_own_algorithm_sign() {
    let world = World::new().await;
    zeebe(&world, &jwks(&[&key(0)])).await;
    let public = key(0).public_jwk();
    let hmac = |secret: Vec<u8>| {
        move |message: &[u8]| {
            let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
            aws_lc_rs::hmac::sign(&secret, message).as_ref().to_vec()
        }
    };
    let rsa_by_the_other_padding = |message: &[u8]| key(0).sign(message);
    let forged = [
        (compact(&json!({ "alg": "none" }), &honest(&world), |_| Vec::new()), "assertion_alg"),
        (
            compact(&json!({ "alg": "HS256" }), &honest(&world), hmac(serde_json::to_vec(&public).unwrap())),
            "assertion_alg",
        ),
        (compact(&json!({ "alg": "PS256" }), &honest(&world), rsa_by_the_other_padding), "assertion_signature"),
        (compact(&json!({ "alg": "RS256" }), &honest(&world), |message| key(2).sign(message)), "assertion_signature"),
        (jwt(&key(2), &json!({}), &honest(&world)), "assertion_signature"),
        (jwt(&key(2), &json!({ "kid": public.kid }), &honest(&world)), "assertion_signature"),
        (jwt(&key(2), &json!({ "jwk": key(2).public_jwk() }), &honest(&world)), "assertion_signature"),
        (jwt(&key(0), &json!({ "typ": "at+jwt" }), &honest(&world)), "assertion_typ"),
        (jwt(&key(0), &json!({ "typ": "dpop+jwt" }), &honest(&world)), "assertion_typ"),
        (jwt(&key(0), &json!({ "crit": ["exp"] }), &honest(&world)), "assertion_malformed"),
        ("a.b.c.d.e".to_owned(), "assertion_malformed"),
        ("x".to_owned(), "assertion_malformed"),
    ];
    for (assertion, reason) in forged {
        token(&world, &assertion).await.assert_error(401, "invalid_client");
        let event = world.last_event("client.authentication").await;
        assert_eq!(event.reason.as_deref(), Some(reason), "{assertion}");
    }
    let nobody = changed(&honest(&world), &json!({ "iss": "nobody", "sub": "nobody" }));
    let unknown = token(&world, &jwt(&key(0), &json!({}), &nobody)).await;
    let unsigned = token(&world, &jwt(&key(2), &json!({}), &honest(&world))).await;
    assert_eq!(unknown.json["error_description"], unsigned.json["error_description"], "which clients there are");
}

#[tokio::test]
async fn a_jti_counts_once_until_the_assertion_has_ended() {
    let world = World::new().await;
    zeebe(&world, &jwks(&[&key(0)])).await;
    let assertion = jwt(&key(0), &json!({}), &honest(&world));
    let (one, other) = tokio::join!(token(&world, &assertion), token(&world, &assertion));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{} {}", one.json, other.json);
    token(&world, &assertion).await.assert_error(401, "invalid_client");
    assert_eq!(world.last_event("client.authentication").await.reason.as_deref(), Some("assertion_replayed"));
    // a forgery does not use up what its victim is going to send
    let next = honest(&world);
    token(&world, &jwt(&key(2), &json!({}), &next)).await.assert_error(401, "invalid_client");
    assert_eq!(token(&world, &jwt(&key(0), &json!({}), &next)).await.status, 200);
}

#[tokio::test]
async fn every_endpoint_of_clients_takes_it_and_a_refused_one_burns_no_code() {
    let world = World::new().await;
    zeebe(&world, &jwks(&[&key(0)])).await;
    let app = App::new(&world.broker, "zeebe", None);
    let (request, page) = app.sign_in(&mut app.browser(), &[]).await;
    let code = page.param("code");
    let redeem = async |assertion: &str| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &app.redirect_uri),
            ("code_verifier", &request.verifier),
            ("client_id", "zeebe"),
            ("client_assertion", assertion),
            ("client_assertion_type", TYPE),
        ];
        post(&app.token_url(), None, &fields).await
    };
    redeem(&jwt(&key(2), &json!({}), &honest(&world))).await.assert_error(401, "invalid_client");
    let tokens = redeem(&jwt(&key(0), &json!({}), &honest(&world))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.json);

    let with = async |path: &str, more: &[(&str, &str)]| {
        let assertion = jwt(&key(0), &json!({}), &honest(&world));
        let fields = [&[("client_assertion", assertion.as_str()), ("client_assertion_type", TYPE)], more].concat();
        post(&world.broker.url(path), None, &fields).await
    };
    let access = tokens.text("access_token");
    assert_eq!(with("/oauth/introspect", &[("token", access)]).await.json["active"], true);
    assert_eq!(with("/oauth/revoke", &[("token", access)]).await.status, 200);
    assert_eq!(with("/oauth/introspect", &[("token", access)]).await.json["active"], false);
    let refresh = tokens.text("refresh_token");
    assert_eq!(with("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await.status, 200);
    let other = with("/oauth/token", &[("grant_type", "client_credentials"), ("client_id", "shop")]).await;
    other.assert_error(401, "invalid_client");
    assert!(other.text("error_description").contains("client_id"), "{}", other.json);
}

#[tokio::test]
async fn a_registered_method_excludes_the_others() {
    let world = World::new().await;
    world.broker.secret("zeebe", "zeebe-secret-0123456789");
    let keys = jwks(&[&key(0)]);
    for (method, basic, body, assertion) in [
        ("", 200, 200, 200),
        ("token_endpoint_auth_method: client_secret_basic\n", 200, 401, 401),
        ("token_endpoint_auth_method: client_secret_post\n", 401, 200, 401),
        ("token_endpoint_auth_method: private_key_jwt\n", 401, 401, 200),
    ] {
        zeebe(&world, &format!("{method}client_secret: {{ file: zeebe }}\n{keys}")).await;
        let app = App::new(&world.broker, "zeebe", Some("zeebe-secret-0123456789"));
        let grant = ("grant_type", "client_credentials");
        assert_eq!(app.token(&[grant]).await.status, basic, "{method}");
        let fields = [grant, ("client_id", "zeebe"), ("client_secret", "zeebe-secret-0123456789")];
        assert_eq!(post(&app.token_url(), None, &fields).await.status, body, "{method}");
        assert_eq!(token(&world, &jwt(&key(0), &json!({}), &honest(&world))).await.status, assertion, "{method}");
    }
    zeebe(&world, &format!("enabled: false\n{keys}")).await;
    let answer = token(&world, &jwt(&key(0), &json!({}), &honest(&world))).await;
    answer.assert_error(401, "invalid_client");
    assert!(answer.text("error_description").contains("disabled"), "{}", answer.json);
}

#[tokio::test]
async fn published_keys_are_fetched_when_needed_and_not_for_every_forgery() {
    let world = World::new().await;
    // the fake provider's JWKS is as good as a client's
    let publisher = FakeIdp::start(&world.broker.clock).await;
    zeebe(&world, &format!("jwks_uri: {}/jwks", publisher.issuer)).await;
    let ask = async |pair: Arc<KeyPair>| token(&world, &jwt(&pair, &json!({}), &honest(&world))).await;
    assert_eq!(ask(key(0)).await.status, 200);
    for _ in 0..5 {
        assert_eq!(ask(key(0)).await.status, 200);
        ask(key(2)).await.assert_error(401, "invalid_client");
    }
    assert_eq!(publisher.received().jwks, 2, "once at first, once for the unknown key");
    world.broker.clock.advance(Duration::seconds(61));
    publisher.rotate();
    assert_eq!(ask(key(1)).await.status, 200, "a new key is found without waiting");
    ask(key(0)).await.assert_error(401, "invalid_client");
    assert_eq!(publisher.received().jwks, 3);
}

/// REQUIREMENTS A14: clients latch on 401, so that is for what we know.
#[tokio::test]
async fn keys_that_cannot_be_fetched_are_503_and_known_ones_go_on() {
    let world = World::new().await;
    let mut publisher = FakeIdp::asleep(&world.broker.clock);
    zeebe(&world, &format!("jwks_uri: {}/jwks", publisher.issuer)).await;
    let ask = async |pair: Arc<KeyPair>| token(&world, &jwt(&pair, &json!({}), &honest(&world))).await;
    let answer = ask(key(0)).await;
    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    world.broker.clock.advance(Duration::seconds(6));
    publisher.wake().await;
    assert_eq!(ask(key(0)).await.status, 200);
    publisher.misbehave(Place::Jwks, Misbehaviour::Say(500, "no".into()));
    assert_eq!(ask(key(0)).await.status, 200);
    for _ in 0..2 {
        ask(key(1)).await.assert_error(503, "temporarily_unavailable");
    }
    publisher.misbehave(Place::Jwks, Misbehaviour::RedirectTo("http://localhost:1/jwks".into()));
    world.broker.clock.advance(Duration::seconds(61));
    ask(key(1)).await.assert_error(503, "temporarily_unavailable");
}

#[tokio::test]
async fn a_jwks_uri_does_not_lead_into_our_network() {
    let options = crate::harness::Options { allow_private_upstreams: false, ..Default::default() };
    let world = World::with(options).await;
    let publisher = FakeIdp::start(&world.broker.clock).await;
    zeebe(&world, &format!("jwks_uri: {}/jwks", publisher.issuer)).await;
    token(&world, &jwt(&key(0), &json!({}), &honest(&world))).await.assert_error(503, "temporarily_unavailable");
    assert_eq!(publisher.received().jwks, 0);
}

#[tokio::test]
async fn what_cannot_prove_a_client_is_not_registered() {
    let world = World::new().await;
    let public = json!(key(1).public_jwk());
    let private = json!({ "keys": [changed(&public, &json!({ "d": "c2VjcmV0" }))] });
    let symmetric = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] });
    let good = json!({ "keys": [public] });
    let table = [
        (format!("kind: machine\njwks: {private}"), "private key"),
        (format!("kind: machine\njwks: {symmetric}"), "private key"),
        ("kind: machine\njwks: { keys: [] }".to_owned(), "1 to 100 keys"),
        (format!("kind: machine\njwks: {good}\njwks_uri: https://a.example/jwks"), "stands beside jwks"),
        ("kind: machine\njwks_uri: ftp://a.example/jwks".to_owned(), "https URL"),
        ("kind: machine\ncertificates: [hello]".to_owned(), "PEM"),
        ("kind: machine\ntoken_endpoint_auth_method: private_key_jwt".to_owned(), "needs jwks"),
        (format!("kind: spa\nredirect_uris: [https://a.example]\njwks: {good}"), "public"),
    ];
    for (more, expected) in table {
        let more: String = more.lines().map(|line| format!("    {line}\n")).collect();
        let error = world.broker.try_apply(&format!("clients:\n  - client_id: zeebe\n{more}")).await.unwrap_err();
        assert!(error.contains(expected) && !error.contains("c2VjcmV0"), "{expected}: {error}");
    }
}
