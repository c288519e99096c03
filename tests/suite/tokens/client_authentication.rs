//! How clients prove themselves, quirks of well-known libraries included.

use super::machine;
use crate::harness::World;
use crate::harness::app::{basic, post};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const JWT_BEARER: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

#[tokio::test]
async fn a_secret_is_taken_raw_percent_encoded_and_from_the_body() {
    let world = World::new().await;
    let robot = machine(&world).await;
    world.broker.secret("odd", "a+b/c=%41 :ü~0123");
    world
        .apply("clients: [{ client_id: odd, kind: machine, audiences: [https://api.example], client_secret: { file: odd } }]")
        .await;
    let url = robot.token_url();
    let encoded: String = url::form_urlencoded::byte_serialize("a+b/c=%41 :ü~0123".as_bytes()).collect();
    let taken = [
        (Some(basic("odd", "a+b/c=%41 :ü~0123")), vec![GRANT]),
        (Some(basic("odd", &encoded)), vec![GRANT]),
        (Some(basic("odd", "a+b/c=%41 :ü~0123").replace("Basic", "basic")), vec![GRANT]),
        (Some(basic("odd", "a+b/c=%41 :ü~0123")), vec![GRANT, ("client_id", "odd")]),
        (None, vec![GRANT, ("client_id", "odd"), ("client_secret", "a+b/c=%41 :ü~0123")]),
        // a library that sends its name by Basic without a secret, and the secret in the body
        (Some(basic("odd", "")), vec![GRANT, ("client_secret", "a+b/c=%41 :ü~0123")]),
    ];
    for (authorization, fields) in taken {
        let answer = post(&url, authorization.as_deref(), &fields).await;
        assert_eq!(answer.status, 200, "{authorization:?} {fields:?}: {}", answer.json);
    }
}

#[tokio::test]
async fn a_public_client_may_send_basic_with_an_empty_secret() {
    let world = World::new().await;
    let app = world.app("influxctl", "kind: native").await;
    let (request, page) = app.sign_in(&mut app.browser(), &[]).await;
    let code = page.param("code");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &app.redirect_uri),
        ("code_verifier", &request.verifier),
    ];
    let answer = post(&app.token_url(), Some(&basic("influxctl", "")), &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
}

#[tokio::test]
async fn whoever_cannot_prove_itself_is_told_alike_and_how_to() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let url = robot.token_url();
    let refused = [
        (Some(basic("robot", "wrong")), vec![GRANT]),
        (Some(basic("nobody", "wrong")), vec![GRANT]),
        (Some(basic("robot", "")), vec![GRANT]),
        (Some("Bearer x".to_owned()), vec![GRANT]),
        (Some("Basic %%%".to_owned()), vec![GRANT]),
        (None, vec![GRANT]),
        (None, vec![GRANT, ("client_id", "robot")]),
        (None, vec![GRANT, ("client_id", "robot"), ("client_secret", "wrong")]),
        (None, vec![GRANT, ("client_id", "robot"), ("client_assertion", "x"), JWT_BEARER]),
    ];
    for (authorization, fields) in refused {
        let answer = post(&url, authorization.as_deref(), &fields).await;
        answer.assert_error(401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{fields:?}");
    }
    let wrong = post(&url, Some(&basic("robot", "wrong")), &[GRANT]).await;
    let nobody = post(&url, Some(&basic("nobody", "wrong")), &[GRANT]).await;
    assert_eq!(wrong.json["error_description"], nobody.json["error_description"]);
    let contradictions = [
        vec![GRANT, ("client_id", "shop")],
        vec![GRANT, ("client_secret", "again")],
        vec![GRANT, ("client_assertion", "a.b.c"), JWT_BEARER],
        vec![GRANT, ("client_assertion", "a.b.c"), ("client_assertion_type", "jwt")],
    ];
    for fields in contradictions {
        post(&url, Some(&basic("robot", "robot-secret-0123456789")), &fields)
            .await
            .assert_error(400, "invalid_request");
    }
    let reasons: Vec<_> = world.broker.audit_events().await.into_iter().filter_map(|event| event.reason).collect();
    for reason in ["client_secret_wrong", "client_unknown", "client_secret_missing"] {
        assert!(reasons.iter().any(|known| known == reason), "{reason}: {reasons:?}");
    }
}

#[tokio::test]
async fn an_imported_secret_goes_on_beside_a_newer_one() {
    let world = World::new().await;
    let robot = machine(&world).await;
    world.broker.secret("robot", "a-newer-secret-0123456789");
    world.apply("clients: [{ client_id: robot, kind: machine, audiences: [https://api.example], client_secret: { file: robot } }]").await;
    for secret in ["robot-secret-0123456789", "a-newer-secret-0123456789"] {
        let answer = post(&robot.token_url(), Some(&basic("robot", secret)), &[GRANT]).await;
        assert_eq!(answer.status, 200, "{secret}: {}", answer.json);
    }
}
