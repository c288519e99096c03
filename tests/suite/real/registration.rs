//! A client's own registration (RFC 7592) at npm oidc-provider, by which its secret rotates while people sign in.

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use super::person::Person;
use super::stage::{CALLBACK, SECRET, Stage, client, merge};
use crate::admin::Api;
use crate::harness::Peer;
use crate::harness::app::{answer, http};

/// Avouch registers there as who runs the provider would let it: (metadata, its registration access token).
async fn registered(stage: &mut Stage) -> (Value, String) {
    let invited = stage.provider.tell(json!({ "cmd": "invite" })).await;
    let metadata = json!({
        "redirect_uris": [format!("{}/connections/corp/callback", stage.issuer())],
        "client_name": "Avouch",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let request = http().post(format!("{}/reg", stage.provider_issuer)).json(&metadata);
    let made = answer(request.bearer_auth(invited["token"].as_str().unwrap())).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let token = made.text("registration_access_token").to_owned();
    (made.json, token)
}

async fn sign_in(app: &mut Peer) {
    let asked = json!({ "cmd": "authorize_url", "redirect_uri": CALLBACK, "scope": "openid profile email groups" });
    let url = app.tell(asked).await["url"].as_str().unwrap_or_default().to_owned();
    let back = Person::new("alice").travel(&url, CALLBACK).await;
    let claims = app.tell(json!({ "cmd": "callback", "url": back })).await["claims"].clone();
    assert_eq!(claims["email"], "alice@corp.example");
}

/// To its end. The provider goes by the machine's clock, so what is waited for comes sooner instead.
async fn goes_on(stage: &Stage, app: &mut Peer, api: &Api) -> Value {
    let mut conn = stage.broker.database().connect().await.unwrap();
    for _ in 0..30 {
        avouch::rotation::watch::look(stage.broker.live()).await.unwrap();
        stage.broker.catch_up().await;
        let shown = api.get("/connections/corp/rotation").await.json;
        let latest = shown["rotations"][0].clone();
        sign_in(app).await;
        if latest["outcome"] != Value::Null {
            sqlx::query("UPDATE secret_rotations SET finished_at = finished_at - interval '11 minutes'")
                .execute(&mut conn)
                .await
                .unwrap();
            return latest;
        }
        sqlx::query("UPDATE secret_rotations SET next_at = started_at").execute(&mut conn).await.unwrap();
    }
    panic!("no end");
}

#[tokio::test]
async fn a_registered_client_gets_another_secret_and_token_each_time_and_no_sign_in_fails() {
    let mut stage = Stage::set(&[]).await;
    let (known, mut token) = registered(&mut stage).await;
    let secret = known["client_secret"].as_str().unwrap().to_owned();
    stage.broker.secret("registered", &secret);
    let own = json!({ "client_id": known["client_id"], "client_secret": { "file": "registered" } });
    let connection = merge(stage.connection("corp", "client_secret_basic", json!({})), own);
    stage.apply(&json!({ "connections": [connection], "clients": [client("app", json!({}))] })).await;
    let mut app = Peer::openid_client();
    app.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": "app", "client_secret": SECRET })).await;
    sign_in(&mut app).await;

    let api = Api::of(&stage.broker, "editor").await;
    let url = known["registration_client_uri"].clone();
    let driver = json!({ "driver": { "kind": "registration", "url": url }, "credential": token, "watch_hours": 1 });
    let put = api.put("/connections/corp/rotation", &driver).await;
    assert_eq!(put.status, 200, "{}", put.json);
    let mut secrets = vec![secret];
    for round in 1..=2 {
        assert_eq!(api.post("/connections/corp/rotation/run", &json!({})).await.status, 200);
        let latest = goes_on(&stage, &mut app, &api).await;
        assert_eq!(latest["outcome"], "done", "round {round}: {latest}");
        // the token that was used is dead, and the one that came for it is known to nobody but the driver
        let read = answer(http().get(url.as_str().unwrap()).bearer_auth(&token)).await;
        assert_eq!(read.status, 401, "{}", read.json);
        let slug = avouch::connection::Slug::parse("corp").unwrap();
        let mut conn = stage.broker.ctx().db.acquire().await.unwrap();
        let id = avouch::connection::store::by_slug(&mut conn, &slug).await.unwrap().unwrap().id;
        let kept = avouch::connection::secret_driver::store::of(&mut conn, &id).await.unwrap().unwrap();
        token = kept.credential(stage.broker.ctx()).unwrap().unwrap().expose().clone();
        let read = answer(http().get(url.as_str().unwrap()).bearer_auth(&token)).await;
        assert_eq!(read.status, 200, "{}", read.json);
        assert_eq!((read.text("client_name"), &read.json["redirect_uris"]), ("Avouch", &known["redirect_uris"]));
        assert!(!secrets.iter().any(|before| before == read.text("client_secret")), "another secret each time");
        secrets.push(read.text("client_secret").to_owned());
    }
    let events = stage.broker.audit_events().await;
    assert_eq!(events.iter().filter(|event| event.action == "connection.secret_fallback").count(), 0);
    let told = format!("{events:?}");
    assert!(secrets.iter().chain([&token]).all(|value| !told.contains(value.as_str())));
}
