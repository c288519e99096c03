//! Errors of the token endpoint (RFC 6749 §5.2).

use super::machine;
use crate::harness::World;
use crate::harness::app::{answer, basic, http};

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named_in_json_that_nobody_stores() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let table: &[(&str, &str)] = &[
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=client_credentials&scope=read&scope=write", "invalid_request"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=client_credentials&scope=nothing", "invalid_scope"),
    ];
    for (body, error) in table {
        let request =
            http().post(robot.token_url()).header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let request = request.header("authorization", basic("robot", "robot-secret-0123456789")).body(*body);
        let answer = answer(request).await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (400, Some(*error)), "{body}: {}", answer.json);
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        assert_eq!(answer.header("content-type"), "application/json");
        let description = answer.text("error_description");
        assert!(description.is_ascii() && !description.contains(['\r', '\n', '"', '\\']), "{description}");
        assert!(answer.text("trace_id").starts_with("trc_"));
    }
}

#[tokio::test]
async fn other_content_types_and_methods_are_refused() {
    let world = World::new().await;
    let robot = machine(&world).await;
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let request = http().post(robot.token_url()).header("content-type", content_type);
        let request = request.header("authorization", basic("robot", "robot-secret-0123456789"));
        answer(request.body("grant_type=client_credentials")).await.assert_error(400, "invalid_request");
    }
    let got = answer(http().get(format!("{}?grant_type=client_credentials", robot.token_url()))).await;
    assert!(matches!(got.status, 404 | 405), "{}", got.status);
}

#[tokio::test]
async fn parameters_in_the_url_do_not_count() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let url = format!(
        "{}?grant_type=client_credentials&client_id=robot&client_secret=robot-secret-0123456789",
        robot.token_url()
    );
    let request = http().post(url).header("content-type", "application/x-www-form-urlencoded").body("");
    answer(request).await.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_success_is_not_stored_either() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let answer = robot.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let event = world.last_event("token.issued").await;
    assert_eq!((event.client_id.as_deref(), event.outcome.as_str()), (Some("robot"), "success"));
}

#[tokio::test]
async fn a_scope_of_more_than_4096_bytes_is_refused() {
    let world = World::new().await;
    let robot = machine(&world).await;
    let ask =
        async |times| robot.token(&[("grant_type", "client_credentials"), ("scope", &"read ".repeat(times))]).await;
    assert_eq!(ask(819).await.text("scope"), "read");
    ask(820).await.assert_error(400, "invalid_scope");
}
