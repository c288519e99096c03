//! What every relying party must be able to do with us, whoever wrote it: once for each algorithm of signatures, by
//! commands that `tests/peers` give all of them alike.

use serde_json::{Value, json};

use super::person::Person;
use super::stage::{CALLBACK, SECRET, Stage, client};
use crate::harness::Peer;

const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

fn api(alg: &str) -> String {
    format!("https://{}.example", alg.to_lowercase())
}

/// For each algorithm a resource whose access tokens, and an application whose ID tokens are signed with it.
pub async fn set() -> Stage {
    let stage = Stage::set(&[("op", "client_secret_basic")]).await;
    let resource =
        |alg: &str| json!({ "identifier": api(alg), "scopes": ["read", "write"], "access_token": { "alg": alg } });
    let app = |alg: &str| {
        client(
            alg,
            json!({
                "audiences": [api(alg)],
                "grants": ["authorization_code", "refresh_token", "client_credentials"],
                "id_token_alg": alg,
            }),
        )
    };
    let public = client("public", json!({ "kind": "spa", "audiences": [api("RS256")] }));
    let file = json!({
        "connections": [stage.connection("op", "client_secret_basic", json!({}))],
        "resources": ALGORITHMS.map(resource),
        "clients": ALGORITHMS.map(app).into_iter().chain([public]).collect::<Vec<_>>(),
    });
    stage.apply(&file).await;
    stage
}

/// Code + PKCE, an answer of somebody else, UserInfo, refresh, client_credentials and the code a second time.
pub async fn every_algorithm(stage: &Stage, mut app: Peer) {
    let mut alice = Person::new("alice");
    for (alg, auth) in ALGORITHMS.into_iter().zip(["basic", "post"].into_iter().cycle()) {
        app.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": alg, "client_secret": SECRET,
            "auth": auth, "id_token_alg": alg }))
            .await;
        let back = sign_in(&mut app, &mut alice).await;

        let forged = back.replace(&iss(stage.issuer()), &iss("http://localhost:1"));
        assert_ne!(back, forged, "RFC 9207: the answer says whose it is");
        app.refused(json!({ "cmd": "callback", "url": forged })).await;

        let redeemed = app.tell(json!({ "cmd": "callback", "url": back })).await;
        let claims = &redeemed["claims"];
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(stage.issuer()), &json!(alg)));
        assert_eq!((&claims["email"], &claims["groups"]), (&json!("alice@corp.example"), &json!(["eng", "admins"])));
        let access = verify(&mut app, alg).await;
        assert_eq!((&access["sub"], &access["client_id"]), (&claims["sub"], &json!(alg)));

        let info = app.tell(json!({ "cmd": "userinfo" })).await;
        assert_eq!((&info["claims"]["sub"], &info["claims"]["name"]), (&claims["sub"], &json!("Alice Adams")));

        let refreshed = app.tell(json!({ "cmd": "refresh" })).await;
        assert_ne!(refreshed["tokens"]["access_token"], redeemed["tokens"]["access_token"]);
        assert_ne!(refreshed["tokens"]["refresh_token"], redeemed["tokens"]["refresh_token"], "they rotate");
        assert_eq!(verify(&mut app, alg).await["sub"], claims["sub"]);

        let again = app.refused(json!({ "cmd": "callback", "url": back })).await;
        assert_eq!(again["oauth_error"], "invalid_grant", "a code is redeemed once: {again}");

        let machine = app.tell(json!({ "cmd": "client_credentials", "params": { "scope": "read" } })).await;
        assert_eq!(machine["tokens"]["scope"], "read");
        let access = verify(&mut app, alg).await;
        assert_eq!((&access["sub"], &access["scope"], &access["aud"]), (&json!(alg), &json!("read"), &json!(api(alg))));
    }
}

/// An application that cannot keep a secret has PKCE instead.
pub async fn without_a_secret(stage: &Stage, mut app: Peer) {
    app.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": "public", "auth": "none" })).await;
    let back = sign_in(&mut app, &mut Person::new("alice")).await;
    let redeemed = app.tell(json!({ "cmd": "callback", "url": back })).await;
    assert_eq!(redeemed["claims"]["email"], "alice@corp.example");
    app.tell(json!({ "cmd": "refresh" })).await;
    verify(&mut app, "RS256").await;
}

pub async fn sign_in(app: &mut Peer, person: &mut Person) -> String {
    let asked = json!({ "cmd": "authorize_url", "redirect_uri": CALLBACK, "max_age": 600, "scope": "openid profile email groups offline_access read" });
    let asked = app.tell(asked).await;
    person.travel(asked["url"].as_str().unwrap_or_default(), CALLBACK).await
}

/// The last access token, as a resource server looks at it: right for this audience and algorithm and for no other.
async fn verify(app: &mut Peer, alg: &str) -> Value {
    let right = json!({ "cmd": "verify_access_token", "audience": api(alg), "alg": alg });
    let other = ALGORITHMS.into_iter().find(|other| *other != alg);
    for (field, wrong) in [("audience", json!("https://other.example")), ("alg", json!(other)), ("typ", json!("JWT"))] {
        let mut command = right.clone();
        command[field] = wrong;
        app.refused(command).await;
    }
    let verified = app.tell(right).await;
    assert_eq!(verified["header"]["alg"], alg);
    verified["claims"].clone()
}

/// The parameter `iss` as it stands in an address.
fn iss(issuer: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("iss", issuer).finish()
}
