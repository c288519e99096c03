//! Spring Security 7 as Camunda 8.9 uses it: a resource server and a login client in one application, with the client and
//! audience of Camunda's preset.

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::{Stage, forged};
use crate::harness::{app, broker, until};

const AUDIENCE: &str = "orchestration-api";
const CLIENT: &str = "camunda-orchestration";

/// Runs at `base` until it is dropped.
async fn started(stage: &Stage, base: &str, port: u16, secret: &str) -> Child {
    let mut command: Command = stage.java("spring", "Application").into();
    let issuer = stage.broker.issuer.as_str();
    let settings = [
        ("server.port", port.to_string().as_str()),
        ("server.address", "127.0.0.1"),
        ("server.servlet.context-path", "/orchestration"),
        ("spring.security.oauth2.resourceserver.jwt.issuer-uri", issuer),
        ("spring.security.oauth2.resourceserver.jwt.audiences", AUDIENCE),
        ("spring.security.oauth2.client.provider.avouch.issuer-uri", issuer),
        ("spring.security.oauth2.client.registration.avouch.client-id", CLIENT),
        ("spring.security.oauth2.client.registration.avouch.client-secret", secret),
        ("spring.security.oauth2.client.registration.avouch.scope", "openid,profile,email"),
        ("spring.security.oauth2.client.registration.avouch.redirect-uri", "{baseUrl}/sso-callback"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    command.env("SPRING_APPLICATION_JSON", json!(std::collections::BTreeMap::from(settings)).to_string());
    let child = command.kill_on_drop(true).spawn().unwrap();
    let url = format!("{base}/post-logout");
    until("Spring answers", async || stage.http.get(&url).send().await.ok().filter(|answer| answer.status() == 200))
        .await;
    child
}

#[tokio::test]
#[ignore = "make interop"]
async fn spring_takes_tokens_and_signs_people_in_and_out() {
    let mut stage = Stage::prepare().await;
    let port = broker::listen(0).local_addr().unwrap().port();
    let base = format!("http://localhost:{port}/orchestration");
    stage.preset(&[
        "camunda",
        "--set",
        &format!("url=http://localhost:{port}"),
        "--set",
        "orchestration=orchestration",
    ]);
    let secrets = [CLIENT, "camunda-optimize"].map(|client| stage.secret(client));
    stage.serve().await;
    let _spring = started(&stage, &base, port, &secrets[0]).await;

    let machine = async |client: &str, secret: &str, audience: &str| {
        let fields = [("grant_type", "client_credentials"), ("audience", audience)];
        let answer = stage.token(Some(&app::basic(client, secret)), &fields).await;
        answer.text("access_token").to_owned()
    };
    let me = async |token: &str| {
        let request = stage.http.get(format!("{base}/v2/me")).bearer_auth(token);
        app::answer(request).await
    };
    let token = machine(CLIENT, &secrets[0], AUDIENCE).await;
    let taken = me(&token).await;
    assert_eq!((taken.status, &taken.json["client_id"]), (200, &json!(CLIENT)), "{taken:?}");
    let other = machine("camunda-optimize", &secrets[1], "optimize-api").await;
    for (refused, why) in [(other, "aud"), (forged(&token), "signature")] {
        let answer = me(&refused).await;
        let told = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(answer.status == 401 && told.contains(why), "{why}: {answer:?}");
    }

    let mut browser = stage.browser();
    let page = browser.open(&format!("{base}/oauth2/authorization/avouch")).await;
    assert_eq!(page.status, 200, "{page}");
    let page = browser.open(&format!("{base}/")).await;
    let person: Value = serde_json::from_str(&page.body).unwrap_or_else(|_| panic!("{page}"));
    assert_eq!(person["claims"]["email"], "marty@contoso.example");
    assert_eq!(person["claims"]["groups"], json!(["staff"]));
    assert_eq!(person["info"]["sub"], person["claims"]["sub"], "UserInfo was asked");

    let page = browser.open(&format!("{base}/logout")).await;
    assert_eq!((page.url.path(), page.status), ("/orchestration/post-logout", 200), "{page}");
    // nobody is signed in here any more
    browser.stop_at(&stage.broker.issuer);
    assert!(browser.open(&format!("{base}/")).await.stopped);
}
