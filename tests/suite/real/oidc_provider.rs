//! npm oidc-provider above Avouch: each way for us to prove ourselves there, and new keys there while people sign in.

use avouch::connection::CredentialState;
use avouch::connection::own_key::OwnKey;
use avouch::upstream::SecretTrial;
use serde_json::{Value, json};

use super::person::Person;
use super::stage::{CALLBACK, SECRET, Stage, client};
use crate::harness::Peer;

const METHODS: [(&str, &str); 3] =
    [("basic", "client_secret_basic"), ("post", "client_secret_post"), ("own-key", "private_key_jwt")];

/// An application for each connection, so that each login goes straight through.
async fn set() -> (Stage, Peer) {
    let stage = Stage::set(&METHODS).await;
    let connections: Value = METHODS.iter().map(|(slug, method)| stage.connection(slug, method, json!({}))).collect();
    let clients: Value = METHODS.iter().map(|(slug, _)| client(slug, json!({ "connections": [slug] }))).collect();
    stage.apply(&json!({ "connections": connections, "clients": clients })).await;
    (stage, Peer::openid_client())
}

/// An application asks; returns the address it sends its user to.
async fn ask(stage: &Stage, app: &mut Peer, slug: &str) -> String {
    app.tell(json!({ "cmd": "discover", "issuer": stage.issuer(), "client_id": slug, "client_secret": SECRET })).await;
    let asked = json!({ "cmd": "authorize_url", "redirect_uri": CALLBACK, "scope": "openid profile email groups" });
    app.tell(asked).await["url"].as_str().unwrap_or_default().to_owned()
}

/// Alice signs in at that connection's application, in a browser without cookies; returns her ID token's claims.
async fn sign_in(stage: &Stage, app: &mut Peer, slug: &str) -> Value {
    let url = ask(stage, app, slug).await;
    let back = Person::new("alice").travel(&url, CALLBACK).await;
    app.tell(json!({ "cmd": "callback", "url": back })).await["claims"].clone()
}

/// What oidc-provider was asked at this path so far.
async fn asked_for(stage: &mut Stage, path: &str) -> Vec<Value> {
    let log = stage.provider.tell(json!({ "cmd": "log" })).await;
    let requests = log["requests"].as_array().into_iter().flatten();
    requests.filter(|request| request["path"] == path).cloned().collect()
}

#[tokio::test]
async fn people_sign_in_whichever_way_we_prove_ourselves() {
    let (mut stage, mut app) = set().await;
    for (slug, _) in METHODS {
        let claims = sign_in(&stage, &mut app, slug).await;
        assert_eq!(
            (&claims["email"], &claims["name"], &claims["groups"]),
            (&json!("alice@corp.example"), &json!("Alice Adams"), &json!(["eng", "admins"])),
            "{slug}"
        );
        assert_ne!(claims["sub"], "alice", "{slug}: the sub is our own");
    }
    let requests = asked_for(&mut stage, "/token").await;
    let schemes: Vec<_> = requests.iter().map(|request| request["authorization_scheme"].as_str()).collect();
    assert_eq!(schemes, [Some("Basic"), None, None], "each in its own way, and each once");
}

#[tokio::test]
async fn new_keys_upstream_break_no_login_and_are_fetched_once() {
    let (mut stage, mut app) = set().await;
    let before = sign_in(&stage, &mut app, "basic").await;
    let url = ask(&stage, &mut app, "basic").await;
    let mut alice = Person::new("alice");
    let under_way = alice.travel(&url, &stage.broker.url("/connections/basic/callback")).await;

    stage.provider.tell(json!({ "cmd": "rotate_keys" })).await;
    let back = alice.travel(&under_way, CALLBACK).await;
    let during = app.tell(json!({ "cmd": "callback", "url": back })).await["claims"].clone();
    let after = sign_in(&stage, &mut app, "basic").await;
    assert_eq!([&during["sub"], &after["sub"]], [&before["sub"]; 2]);
    assert_eq!(asked_for(&mut stage, "/jwks").await.len(), 2, "at the first login and at the first unknown kid");
}

#[tokio::test]
async fn a_right_secret_and_a_right_key_are_told_from_wrong_ones_without_a_person() {
    let (stage, _app) = set().await;
    let broker = stage.broker.live();
    let (ctx, catalog) = (&broker.ctx, broker.catalog.load_full());
    for slug in ["basic", "post"] {
        let connection = catalog.connection(slug).unwrap();
        let tried = async |secret: &str| {
            broker.upstreams.try_secret(ctx, &connection, &avouch::secret::Secret::new(secret.to_owned())).await
        };
        assert_eq!(tried(SECRET).await, SecretTrial::Proven, "{slug}");
        let refused = tried("another-one-that-nobody-has-registered").await;
        assert!(matches!(&refused, SecretTrial::Refused(said) if said.starts_with("invalid_client")), "{refused:?}");
    }
    let connection = catalog.connection("own-key").unwrap();
    let key = connection.credentials.first().unwrap();
    assert_eq!(broker.upstreams.try_key(ctx, &connection, key).await, SecretTrial::Proven);
    // another connection's key is none of this client's
    let other = OwnKey::generate(ctx, &connection.slug, None).unwrap().credential(ctx, CredentialState::Next);
    let refused = broker.upstreams.try_key(ctx, &connection, &other).await;
    assert!(matches!(refused, SecretTrial::Refused(_)), "{refused:?}");
}
