//! npm jose's remote JWKS cache across a change of signing keys.

use serde_json::json;
use time::Duration;

use crate::admin::Api;
use crate::harness::app::header;
use crate::harness::{App, Peer, World};

const SECRET: &str = "robot-secret-0123456789";
const AUDIENCE: &str = "https://api.example";

#[tokio::test]
async fn jose_verifies_every_token_across_a_rotation_without_asking_again() {
    let world = World::new().await;
    world.broker.secret("robot", SECRET);
    let file = "resources: [{ identifier: https://api.example, scopes: [read] }]
clients: [{ client_id: robot, kind: machine, audiences: [https://api.example], client_secret: { file: robot } }]";
    world.apply(file).await;
    let robot = App::new(&world.broker, "robot", Some(SECRET));
    let api = Api::of(&world.broker, "owner").await;
    let mut jose = Peer::openid_client();
    jose.tell(
        json!({ "cmd": "discover", "issuer": world.broker.issuer, "client_id": "robot", "client_secret": SECRET }),
    )
    .await;
    let token = async || robot.token(&[("grant_type", "client_credentials")]).await.text("access_token").to_owned();
    let verify = |token: &str| json!({ "cmd": "verify_access_token", "token": token, "audience": AUDIENCE, "alg": "RS256", "watched": true });
    let before = token().await;
    jose.tell(verify(&before)).await;

    // jose goes by the machine's clock, and a token must not come from its future: the key is made older instead
    let mut conn = world.broker.ctx().db.acquire().await.unwrap();
    sqlx::query("UPDATE signing_keys SET published_at = published_at - interval '20 minutes'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let done = api.post("/signing-keys/rotate", &json!({ "alg": "RS256" })).await;
    assert_eq!(done.status, 200, "jose has the next key, so nobody is waited for: {}", done.json);
    world.broker.catch_up().await;
    let after = token().await;
    assert_ne!(header(&before)["kid"], header(&after)["kid"]);
    jose.tell(verify(&after)).await;
    jose.tell(verify(&before)).await;

    let consumers = api.get("/signing-keys/consumers").await.json;
    let seen: Vec<_> = consumers["items"].as_array().unwrap().iter().filter(|one| one["product"] == "jose").collect();
    assert_eq!((seen.len(), &seen[0]["fetches"]), (1, &json!(1)), "it read the JWKS once: {consumers}");
    assert!(Duration::seconds(seen[0]["cache_seconds"].as_i64().unwrap()) == Duration::minutes(10));
}
