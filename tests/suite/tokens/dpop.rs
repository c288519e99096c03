//! Tokens that are worth something with a key only (DPoP, RFC 9449).

use avouch::clock::Clock as _;
use avouch::jose::{Alg, KeyPair};
use serde_json::{Value, json};
use time::Duration;

use super::{API, machine};
use crate::harness::app::{answer, basic, challenge_of, claims, http, post, random};
use crate::harness::broker::Options;
use crate::harness::dpop::Prover;
use crate::harness::fake_idp::key;
use crate::harness::jwt::compact;
use crate::harness::{Answer, App, Broker, World};

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A sign-in up to the code, and the fields that redeem it.
async fn code(app: &App, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let (request, page) = app.sign_in(&mut app.browser(), more).await;
    redemption(app, &page.param("code"), &request.verifier)
}

fn redemption(app: &App, code: &str, verifier: &str) -> Vec<(String, String)> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", verifier),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

async fn with(app: &App, proof: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let header = [("dpop", proof)];
    app.post("/oauth/token", if proof.is_empty() { &[] } else { &header }, &fields).await
}

async fn refresh(app: &App, proof: &str, tokens: &Answer) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))];
    with(app, proof, &fields.map(|(name, value)| (name.to_owned(), value.to_owned()))).await
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_and_worth_nothing_without_it() {
    let world = World::new().await;
    let eddsa = KeyPair::generate(Alg::EdDsa).0;
    let (me, thief) = (Prover { broker: &world.broker, key: &key(1) }, Prover { broker: &world.broker, key: &eddsa });
    let answer = with(&world.shop, &me.token(), &code(&world.shop, &[]).await).await;
    assert_eq!((answer.status, answer.text("token_type")), (200, "DPoP"), "{}", answer.json);
    let token = answer.text("access_token");
    assert_eq!(claims(token)["cnf"], json!({ "jkt": me.jkt() }));

    let info = me.userinfo(token).await;
    assert_eq!((info.status, &info.json["sub"]), (200, &claims(token)["sub"]), "{}", info.json);
    let ath = json!({ "ath": challenge_of(token) });
    let again = me.proof("GET", "/userinfo", &json!({}), &ath);
    assert_eq!(me.show("dpop", token, &[&again]).await.status, 200, "the scheme in any case");

    let challenged = |answer: &Answer, error: &str| {
        answer.assert_error(401, error);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("DPoP ") && challenge.contains("algs=\"ES256 "), "{challenge}");
        assert!(challenge.contains(&format!("error=\"{error}\"")), "{challenge}");
    };
    challenged(&me.show("DPoP", token, &[&again]).await, "invalid_dpop_proof");
    challenged(&world.shop.userinfo(token).await, "invalid_token");
    let in_body = post(&world.broker.url("/userinfo"), None, &[("access_token", token)]).await;
    challenged(&in_body, "invalid_token");
    let fresh = me.proof("GET", "/userinfo", &json!({}), &ath);
    challenged(&me.show("Bearer", token, &[&fresh]).await, "invalid_token");
    challenged(&me.show("DPoP", token, &[]).await, "invalid_dpop_proof");
    challenged(&thief.userinfo(token).await, "invalid_token");
    for (change, path, method) in [
        (json!({}), "/userinfo", "GET"),
        (json!({ "ath": challenge_of("another token") }), "/userinfo", "GET"),
        (ath.clone(), "/userinfo", "POST"),
        (ath.clone(), "/oauth/token", "GET"),
    ] {
        let proof = me.proof(method, path, &json!({}), &change);
        challenged(&me.show("DPoP", token, &[&proof]).await, "invalid_dpop_proof");
    }
    let (one, other) = (me.proof("GET", "/userinfo", &json!({}), &ath), me.proof("GET", "/userinfo", &json!({}), &ath));
    challenged(&me.show("DPoP", token, &[&one, &other]).await, "invalid_dpop_proof");

    let bearer = with(&world.shop, "", &code(&world.shop, &[]).await).await;
    assert_eq!(bearer.text("token_type"), "Bearer");
    challenged(&me.userinfo(bearer.text("access_token")).await, "invalid_token");
    assert_eq!(
        me.show("Bearer", bearer.text("access_token"), &[&fresh]).await.status,
        200,
        "and the proof is not needed"
    );

    let silent = answer_to_nobody(&world).await;
    let schemes: Vec<_> = silent.headers.get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
    assert!(schemes.len() == 2 && schemes[0].starts_with("Bearer") && schemes[1].starts_with("DPoP"), "{schemes:?}");
}

async fn answer_to_nobody(world: &World) -> Answer {
    answer(http().get(world.broker.url("/userinfo"))).await
}

#[tokio::test]
async fn introspection_tells_whose_token_it_is() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let me = Prover { broker: &world.broker, key: &key(1) };
    let bound = robot.post("/oauth/token", &[("dpop", &me.token())], &CREDENTIALS).await;
    assert_eq!((bound.status, bound.text("token_type")), (200, "DPoP"), "{}", bound.json);
    let bearer = robot.token(&CREDENTIALS).await;
    assert!(claims(bearer.text("access_token")).get("cnf").is_none());
    for (issued, kind, cnf) in [(&bound, "DPoP", json!({ "jkt": me.jkt() })), (&bearer, "Bearer", Value::Null)] {
        let said = robot.post("/oauth/introspect", &[], &[("token", issued.text("access_token"))]).await;
        assert_eq!((said.text("token_type"), &said.json["cnf"]), (kind, &cnf), "{}", said.json);
    }
}

#[tokio::test]
async fn each_rule_of_a_proof_refuses_by_name_what_breaks_it() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let (ec, rsa) = (key(1), key(0));
    let me = Prover { broker: &world.broker, key: &ec };
    let (own, none) = (world.broker.url("/oauth/token"), json!({}));
    let mut private = serde_json::to_value(ec.public_jwk().key).unwrap();
    private["d"] = "AAAA".into();
    let other = KeyPair::generate(Alg::ES256).0.public_jwk().key;
    let headers = [
        (json!({ "typ": "JWT" }), "dpop_typ"),
        (json!({ "typ": null }), "dpop_typ"),
        (json!({ "alg": "none" }), "dpop_alg"),
        (json!({ "alg": "HS256" }), "dpop_alg"),
        (json!({ "alg": "ES384" }), "dpop_signature"),
        (json!({ "jwk": null }), "dpop_jwk"),
        (json!({ "jwk": private }), "dpop_jwk"),
        (json!({ "jwk": { "kty": "oct", "k": "AAAA" } }), "dpop_jwk"),
        (json!({ "jwk": other }), "dpop_signature"),
        (json!({ "crit": ["exp"] }), "dpop_malformed"),
    ];
    let claims = [
        (json!({ "htm": "GET" }), "dpop_htm"),
        (json!({ "htm": "post" }), "dpop_htm"),
        (json!({ "htm": null }), "dpop_htm"),
        (json!({ "htu": null }), "dpop_htu"),
        (json!({ "htu": "/oauth/token" }), "dpop_htu"),
        (json!({ "htu": format!("{own}/") }), "dpop_htu"),
        (json!({ "htu": world.broker.url("/oauth/par") }), "dpop_htu"),
        (json!({ "htu": "https://evil.example/oauth/token" }), "dpop_htu"),
        (json!({ "htu": own.replace("http:", "https:") }), "dpop_htu"),
        (json!({ "iat": null }), "dpop_iat"),
        (json!({ "iat": "now" }), "dpop_iat"),
        (json!({ "iat": i64::MAX }), "dpop_iat"),
        (json!({ "iat": i64::MIN }), "dpop_iat"),
        (json!({ "jti": null }), "dpop_jti"),
        (json!({ "jti": "" }), "dpop_jti"),
        (json!({ "jti": "j".repeat(513) }), "dpop_jti"),
        (json!({ "more": "m".repeat(8 << 10) }), "dpop_malformed"),
    ];
    let refuse = async |proof: &str, reason: &str| {
        let answer = robot.post("/oauth/token", &[("dpop", proof)], &CREDENTIALS).await;
        answer.assert_error(400, "invalid_dpop_proof");
        let event = world.last_event("token.refused").await;
        assert_eq!(event.reason.as_deref(), Some(reason), "{proof} {}", answer.json);
    };
    for (header, reason) in headers {
        refuse(&me.proof("POST", "/oauth/token", &header, &none), reason).await;
    }
    for (claims, reason) in claims {
        refuse(&me.proof("POST", "/oauth/token", &none, &claims), reason).await;
    }
    // time goes on while this is asked
    for seconds in [-62, 25] {
        let iat = json!({ "iat": world.broker.clock.now().unix_timestamp() + seconds });
        refuse(&me.proof("POST", "/oauth/token", &none, &iat), "dpop_iat").await;
    }
    refuse(&Prover { broker: &world.broker, key: &rsa }.token(), "dpop_alg").await;
    refuse("x", "dpop_malformed").await;
    let (honest, other) = (me.token(), me.token());
    let (signed, _) = honest.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    for signature in ["AAAA", signature] {
        refuse(&format!("{signed}.{signature}"), "dpop_signature").await;
    }
    let two = [("dpop", honest.as_str()), ("dpop", other.as_str())];
    robot.post("/oauth/token", &two, &CREDENTIALS).await.assert_error(400, "invalid_dpop_proof");
    // what nobody took is not used up
    assert_eq!(robot.post("/oauth/token", &[("dpop", &honest)], &CREDENTIALS).await.status, 200);
}

#[tokio::test]
async fn what_a_proof_may_say_otherwise_is_taken() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let own = world.broker.url("/oauth/token");
    for alg in [Alg::ES256, Alg::EdDsa, Alg::PS256] {
        let key = KeyPair::generate(alg).0;
        let me = Prover { broker: &world.broker, key: &key };
        let now = world.broker.clock.now().unix_timestamp();
        for (header, claims) in [
            (json!({}), json!({})),
            (json!({ "typ": "application/DPoP+jwt" }), json!({})),
            (json!({ "jwk": key.public_jwk() }), json!({ "nonce": "n", "ath": "x" })),
            (json!({}), json!({ "htu": format!("{own}?a=b#c") })),
            (json!({}), json!({ "htu": own.replace("http://localhost", "HTTP://LocalHost") })),
            (json!({}), json!({ "iat": now - 40 })),
            (json!({}), json!({ "iat": now + 8 })),
        ] {
            let proof = me.proof("POST", "/oauth/token", &header, &claims);
            let answer = robot.post("/oauth/token", &[("dpop", &proof)], &CREDENTIALS).await;
            assert_eq!(answer.status, 200, "{alg} {header} {claims}: {}", answer.json);
        }
    }
}

#[tokio::test]
async fn a_proof_counts_once_on_all_replicas() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let options = Options {
        clock: world.broker.clock.clone(),
        database: Some(world.broker.database().clone()),
        settings: vec![("AVOUCH_ISSUER", world.broker.issuer.clone())],
        ..Options::default()
    };
    let second = Broker::start(options).await;
    let me = Prover { broker: &world.broker, key: &key(1) };
    let at = async |broker: &Broker, proof: &str| {
        let request = http().post(broker.url("/oauth/token")).header("dpop", proof).form(&CREDENTIALS);
        answer(request.header("authorization", basic("robot", robot.secret.as_ref().unwrap()))).await
    };
    let proof = me.token();
    let (one, other) = tokio::join!(at(&world.broker, &proof), at(&second, &proof));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.json, other.json);
    let refused = if one.status == 400 { one } else { other };
    refused.assert_error(400, "invalid_dpop_proof");

    // a jti is its key's: a stranger does not use it up by guessing
    let same = json!({ "jti": random() });
    let stranger = KeyPair::generate(Alg::ES256).0;
    for key in [&stranger, &*key(1)] {
        let proof = Prover { broker: &world.broker, key }.proof("POST", "/oauth/token", &json!({}), &same);
        assert_eq!(at(&second, &proof).await.status, 200);
    }
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_that_the_request_names() {
    let world = World::new().await;
    let stranger = KeyPair::generate(Alg::ES256).0;
    let (me, thief) =
        (Prover { broker: &world.broker, key: &key(1) }, Prover { broker: &world.broker, key: &stranger });
    let wiki = world.app("wiki", "kind: spa").await;
    for app in [&world.shop, &wiki] {
        let jkt = me.jkt();
        let pushed = async |headers: &[(&str, &str)], more: &[(&str, &str)]| {
            let (request, _) = app.push(headers, more).await;
            let page = app.browser().open(&request.url).await;
            redemption(app, &page.param("code"), &request.verifier)
        };
        for fields in [
            code(app, &[("dpop_jkt", &jkt)]).await,
            pushed(&[], &[("dpop_jkt", &jkt)]).await,
            pushed(&[("dpop", &me.post("/oauth/par"))], &[]).await,
            pushed(&[("dpop", &me.post("/oauth/par"))], &[("dpop_jkt", &jkt)]).await,
        ] {
            with(app, "", &fields).await.assert_error(400, "invalid_dpop_proof");
            with(app, &thief.token(), &fields).await.assert_error(400, "invalid_grant");
            assert_eq!(world.last_event("token.refused").await.reason.as_deref(), Some("dpop_key_differs"));
            let redeemed = with(app, &me.token(), &fields).await;
            assert_eq!(redeemed.status, 200, "the tries burnt nothing: {}", redeemed.json);
        }
    }
}

#[tokio::test]
async fn a_request_that_names_a_key_wrongly_is_refused() {
    let world = World::new().await;
    let stranger = KeyPair::generate(Alg::ES256).0.public_jwk().key.thumbprint();
    let me = Prover { broker: &world.broker, key: &key(1) };
    let push = async |proof: &str, more: &[(&str, &str)]| world.shop.push(&[("dpop", proof)], more).await.1;
    push(&me.post("/oauth/par"), &[("dpop_jkt", &stranger)]).await.assert_error(400, "invalid_dpop_proof");
    push(&me.token(), &[]).await.assert_error(400, "invalid_dpop_proof");
    let proof = me.post("/oauth/par");
    assert_eq!(push(&proof, &[]).await.status, 201);
    push(&proof, &[]).await.assert_error(400, "invalid_dpop_proof");
    for malformed in ["x", &format!("{stranger}="), &"A".repeat(44)] {
        let (_, page) = world.shop.sign_in(&mut world.shop.browser(), &[("dpop_jkt", malformed)]).await;
        page.assert_error("invalid_request");
        world.shop.push(&[], &[("dpop_jkt", malformed)]).await.1.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn the_refresh_tokens_of_a_public_client_are_bound_as_well() {
    let world = World::new().await;
    let stranger = KeyPair::generate(Alg::ES256).0;
    let (me, thief) =
        (Prover { broker: &world.broker, key: &key(1) }, Prover { broker: &world.broker, key: &stranger });
    let wiki = world.app("wiki", "kind: spa").await;
    let mut tokens = with(&wiki, &me.token(), &code(&wiki, &[]).await).await;
    for _ in 0..2 {
        refresh(&wiki, "", &tokens).await.assert_error(400, "invalid_dpop_proof");
        refresh(&wiki, &thief.token(), &tokens).await.assert_error(400, "invalid_grant");
        let old = tokens;
        tokens = refresh(&wiki, &me.token(), &old).await;
        assert_eq!((tokens.status, tokens.text("token_type")), (200, "DPoP"), "{}", tokens.json);
        assert_eq!(claims(tokens.text("access_token"))["cnf"]["jkt"], me.jkt());
        // a thief who shows one that was used does not end the sign-in
        world.broker.clock.advance(Duration::seconds(20));
        refresh(&wiki, &thief.token(), &old).await.assert_error(400, "invalid_grant");
    }
    // a client that proves itself may take another key
    let tokens = with(&world.shop, &me.token(), &code(&world.shop, &[]).await).await;
    let moved = refresh(&world.shop, &thief.token(), &tokens).await;
    assert_eq!(claims(moved.text("access_token"))["cnf"]["jkt"], thief.jkt());
}

#[tokio::test]
async fn a_client_that_must_prove_a_key_gets_nothing_without() {
    let world = World::new().await;
    let me = Prover { broker: &world.broker, key: &key(1) };
    let bank = world.app("bank", "kind: spa\ndpop_bound_access_tokens: true").await;
    let fields = code(&bank, &[]).await;
    with(&bank, "", &fields).await.assert_error(400, "invalid_dpop_proof");
    let tokens = with(&bank, &me.token(), &fields).await;
    assert_eq!((tokens.status, tokens.text("token_type")), (200, "DPoP"), "{}", tokens.json);
    refresh(&bank, "", &tokens).await.assert_error(400, "invalid_dpop_proof");
    assert_eq!(refresh(&bank, &me.token(), &tokens).await.status, 200);

    machine(&world).await;
    world.broker.secret("bound", "bound-secret-0123456789");
    world
        .apply(&format!(
            "clients: [{{ client_id: bound, kind: machine, audiences: [{API}], dpop_bound_access_tokens: true, client_secret: {{ file: bound }} }}]"
        ))
        .await;
    let bound = App::new(&world.broker, "bound", Some("bound-secret-0123456789"));
    bound.token(&CREDENTIALS).await.assert_error(400, "invalid_dpop_proof");
    assert_eq!(bound.post("/oauth/token", &[("dpop", &me.token())], &CREDENTIALS).await.status, 200);
    // who did not authenticate does not learn of it, and uses up no proof
    let proof = me.token();
    let wrong = App { secret: Some("wrong".into()), ..bound.clone() };
    wrong.post("/oauth/token", &[("dpop", &proof)], &CREDENTIALS).await.assert_error(401, "invalid_client");
    assert_eq!(bound.post("/oauth/token", &[("dpop", &proof)], &CREDENTIALS).await.status, 200);
}

#[tokio::test]
async fn exchanging_a_bound_token_does_not_free_it() {
    let world = World::new().await;
    let stranger = KeyPair::generate(Alg::ES256).0;
    let (me, thief) =
        (Prover { broker: &world.broker, key: &key(1) }, Prover { broker: &world.broker, key: &stranger });
    world.apply(&format!("resources: [{{ identifier: {API}, scopes: [read] }}]")).await;
    let wiki = world
        .app(
            "wiki",
            &format!("kind: spa\naudiences: [{API}]\ngrants: [authorization_code, refresh_token, token_exchange]"),
        )
        .await
        .scoped("openid read");
    let tokens = with(&wiki, &me.token(), &code(&wiki, &[]).await).await;
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", tokens.text("access_token")),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("scope", "read"),
    ];
    wiki.token(&fields).await.assert_error(400, "invalid_dpop_proof");
    wiki.post("/oauth/token", &[("dpop", &thief.token())], &fields).await.assert_error(400, "invalid_grant");
    let less = wiki.post("/oauth/token", &[("dpop", &me.token())], &fields).await;
    assert_eq!((less.status, less.text("token_type")), (200, "DPoP"), "{}", less.json);
    assert_eq!(claims(less.text("access_token"))["cnf"]["jkt"], me.jkt());
}

#[tokio::test]
async fn a_device_gets_bound_tokens_too() {
    let world = World::new().await;
    let me = Prover { broker: &world.broker, key: &key(1) };
    let cli = crate::device::influxctl(&world, "").await;
    let device = crate::device::Device::ask(&cli).await;
    let page = device.approve(&mut cli.browser()).await;
    assert!(page.has("device-approved"), "{page}");
    let fields = [("grant_type", crate::device::GRANT), ("device_code", device.device_code())];
    let tokens = cli.post("/oauth/token", &[("dpop", &me.token())], &fields).await;
    assert_eq!((tokens.status, tokens.text("token_type")), (200, "DPoP"), "{}", tokens.json);
    refresh(&cli, "", &tokens).await.assert_error(400, "invalid_dpop_proof");
    assert_eq!(refresh(&cli, &me.token(), &tokens).await.status, 200);
}

/// A proof is a JWT with a key that anybody can make: it stands for nothing else.
#[tokio::test]
async fn a_proof_is_no_assertion_and_an_access_token_is_no_proof() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let me = Prover { broker: &world.broker, key: &key(1) };
    let token = robot.token(&CREDENTIALS).await;
    let misused = token.text("access_token").to_owned();
    robot.post("/oauth/token", &[("dpop", &misused)], &CREDENTIALS).await.assert_error(400, "invalid_dpop_proof");
    let unsigned = compact(&json!({ "alg": "ES256", "typ": "dpop+jwt" }), &json!({}), |_| Vec::new());
    robot.post("/oauth/token", &[("dpop", &unsigned)], &CREDENTIALS).await.assert_error(400, "invalid_dpop_proof");
    let assertion = [
        CREDENTIALS[0],
        ("client_assertion", &me.token()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ];
    post(&robot.token_url(), None, &assertion).await.assert_error(401, "invalid_client");
}
