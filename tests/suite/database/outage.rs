//! The database goes away and comes back.

use avouch::embedded_postgres;

use super::until;
use crate::harness::app::get;
use crate::harness::{Options, World};

#[tokio::test]
async fn without_its_database_the_broker_says_so_publishes_its_keys_and_recovers_by_itself() {
    let data = tempfile::tempdir().unwrap();
    let postgres = embedded_postgres::start(data.path()).unwrap();
    let world = World::with(Options { database: Some(postgres.connect_options()), ..Options::default() }).await;
    let (mut browser, tokens) = world.signed_in().await;
    let robot = {
        world.broker.secret("robot", "robot-secret-0123456789");
        world.apply("clients: [{ client_id: robot, kind: machine, client_secret: { file: robot } }]").await;
        crate::harness::App::new(&world.broker, "robot", Some("robot-secret-0123456789"))
    };
    let device = {
        let cli = world.app("cli", "kind: native\ngrants: [device_code]").await;
        let answer = crate::device::ask(&cli, &[("client_id", "cli")]).await;
        crate::device::Device { app: cli, answer: answer.json }
    };
    let mut at_the_callback = world.shop.browser();
    at_the_callback.stop_at(&world.broker.url("/connections/"));
    let (_, callback) = world.shop.sign_in(&mut at_the_callback, &[]).await;
    at_the_callback.stop_no_more().stop_at(&world.shop.redirect_uri);

    postgres.stop().unwrap();
    let machine = || robot.token(&[("grant_type", "client_credentials")]);
    until("noticing", async || {
        let answer = machine().await;
        assert!(matches!(answer.status, 200 | 503), "{}", answer.json);
        answer.status == 503
    })
    .await;
    let refresh = world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    let userinfo = world.shop.userinfo(tokens["access_token"].as_str().unwrap()).await;
    let asked = crate::device::ask(&device.app, &[("client_id", "cli")]).await;
    for answer in [machine().await, refresh, userinfo, asked, device.poll().await] {
        answer.assert_error(503, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), "5");
    }
    let (_, authorize) = world.shop.sign_in(&mut browser, &[]).await;
    let complete = browser.open(&world.broker.url(&format!("/device?user_code={}", device.user_code()))).await;
    for page in [authorize, complete, at_the_callback.open(callback.url.as_str()).await] {
        let code = page.text_of("error-code").unwrap_or_default();
        assert!(matches!(code.as_str(), "not_live" | "database"), "{page}");
        page.assert_problem(503, &code);
        assert_eq!(page.header("retry-after"), "5");
    }
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        assert_eq!(get(&world.broker.url(path)).await.status, 200, "{path}");
    }
    assert_eq!(get(&world.broker.ops_url("/readyz")).await.status, 503);
    assert_eq!(get(&world.broker.ops_url("/healthz")).await.status, 200);

    let _postgres = embedded_postgres::start(data.path()).unwrap();
    until("recovering", async || machine().await.status == 200).await;
    assert_eq!(get(&world.broker.ops_url("/readyz")).await.status, 200);
    device.poll().await.assert_error(400, "authorization_pending");
    let page = at_the_callback.open(callback.url.as_str()).await;
    assert!(page.stopped && page.params().contains_key("code"), "the person who tries again gets in: {page}");
    assert_eq!(world.shop.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, 200);
    world.shop.tokens(&mut browser, &[("prompt", "none")]).await;
}
