//! Token exchange (RFC 8693): a foreign token becomes one of ours, one of ours becomes less.

use serde_json::{Value, json};
use time::Duration;

use super::{ACCESS_TOKEN, API, EXCHANGE, JWT, federated, show, token_of};
use crate::harness::app::{basic, claims, post};
use crate::harness::{Answer, App, FakeIdp, World};

const LEDGER: &str = "https://ledger.example";

#[tokio::test]
async fn a_foreign_token_becomes_ours() {
    let world = World::new().await;
    let idp = FakeIdp::start(&world.broker.clock).await;
    world.broker.secret("app", "app-secret-0123456789");
    federated(&world, &idp.issuer, "", "client_secret: { file: app }").await;
    let token = token_of(&world, &idp, json!({}));
    let answer = show(&world, "subject_token", &token, &[("audience", "influx-prod")]).await;
    assert_eq!((answer.status, answer.text("issued_token_type")), (200, ACCESS_TOKEN), "{}", answer.json);
    assert_eq!((answer.text("token_type"), answer.text("scope")), ("Bearer", "query"));
    let issued = claims(answer.text("access_token"));
    assert_eq!((&issued["sub"], &issued["aud"]), (&json!("app"), &json!("influx-prod")));
    assert!(answer.json.get("refresh_token").is_none());

    // a client that authenticates as well must be the one that the token stands for
    let url = world.shop.token_url();
    let fields = [("grant_type", EXCHANGE), ("subject_token", token.as_str()), ("subject_token_type", JWT)];
    assert_eq!(post(&url, Some(&basic("app", "app-secret-0123456789")), &fields).await.status, 200);
    post(&url, Some(&basic("app", "wrong")), &fields).await.assert_error(401, "invalid_client");
    post(&url, Some(&basic("shop", "shop-secret-0123456789")), &fields).await.assert_error(400, "invalid_request");
    for target in ["https://nowhere.example", "api://APP"] {
        show(&world, "subject_token", &token, &[("audience", target)]).await.assert_error(400, "invalid_target");
    }
    for more in
        [("actor_token", token.as_str()), ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")]
    {
        let more = [more, ("client_id", "app"), ("client_secret", "app-secret-0123456789")];
        show(&world, "subject_token", &token, &more).await.assert_error(400, "invalid_request");
    }
    let saml = [fields[0], fields[1], ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")];
    let answer = post(&url, Some(&basic("app", "app-secret-0123456789")), &saml).await;
    answer.assert_error(400, "invalid_request");
    assert!(answer.text("error_description").contains("subject_token_type"), "{}", answer.json);
}

/// The shop, its API, which may pass people on, and the ledger behind it.
async fn chain(world: &World, more: &str) {
    for name in ["api", "stranger"] {
        world.broker.secret(name, &format!("{name}-secret-0123456789"));
    }
    let yaml = format!(
        "resources:
  - {{ identifier: {API}, scopes: [read, write] }}
  - {{ identifier: {LEDGER}, scopes: [book, audit], access_token: {{ ttl: 7200 }} }}
clients:
  - client_id: shop
    kind: web
    redirect_uris: [https://shop.example/callback]
    grants: [authorization_code, refresh_token, token_exchange]
    audiences: [{API}, {LEDGER}]
    scopes: [openid, profile, email, groups, offline_access, read, write, book]
    client_secret: {{ file: shop }}
  - client_id: api
    kind: machine
    grants: [token_exchange, client_credentials]
    audiences: [{LEDGER}]
    scopes: [book]
    serves: [{API}]
    client_secret: {{ file: api }}
{more}  - client_id: stranger
    kind: machine
    grants: [token_exchange]
    audiences: [{API}, {LEDGER}]
    client_secret: {{ file: stranger }}
"
    );
    world.apply(&yaml).await;
}

async fn exchange(world: &World, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let app = App::new(&world.broker, client, Some(&format!("{client}-secret-0123456789")));
    let fields = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    app.token(&[&fields, more].concat()).await
}

/// Somebody's access token at the shop, for these audiences.
async fn bought(world: &World, scope: &str, audiences: &[&str]) -> Value {
    let shop = world.shop.scoped(scope);
    let resources: Vec<_> = audiences.iter().map(|audience| ("resource", *audience)).collect();
    shop.tokens(&mut shop.browser(), &resources).await
}

#[tokio::test]
async fn a_client_makes_less_of_its_own_token() {
    let world = World::new().await;
    chain(&world, "").await;
    let tokens = bought(&world, "openid profile read write book", &[API, LEDGER]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let held = claims(token);
    world.broker.clock.advance(Duration::minutes(30));
    let answer = exchange(&world, "shop", token, &[("audience", LEDGER), ("scope", "book")]).await;
    assert_eq!((answer.status, answer.text("scope")), (200, "book"), "{}", answer.json);
    let less = claims(answer.text("access_token"));
    for claim in ["sub", "sid", "client_id", "auth_time"] {
        assert_eq!(less[claim], held[claim], "{claim}");
    }
    assert_eq!(less["aud"], LEDGER);
    assert_ne!(less["jti"], held["jti"]);
    assert_eq!(less["exp"], held["exp"], "the ledger's tokens live longer, this one does not");
    let left = answer.json["expires_in"].as_i64().unwrap();
    assert!((1700..=1800).contains(&left), "{left}");
    let same = exchange(&world, "shop", token, &[]).await;
    assert_eq!(claims(same.text("access_token"))["aud"], json!([API, LEDGER]));
    // and less of that again, never more
    let less = answer.text("access_token");
    exchange(&world, "shop", less, &[("audience", API)]).await.assert_error(400, "invalid_target");
    exchange(&world, "shop", less, &[("scope", "book read")]).await.assert_error(400, "invalid_scope");
    exchange(&world, "shop", less, &[("scope", "audit")]).await.assert_error(400, "invalid_scope");
    let event = world.last_event("token.issued").await;
    assert_eq!(event.sub.as_deref(), held["sub"].as_str());
}

#[tokio::test]
async fn an_api_passes_a_person_on_as_far_as_it_is_registered_to() {
    let world = World::new().await;
    chain(&world, "").await;
    let tokens = bought(&world, "openid profile read", &[API]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let answer = exchange(&world, "api", token, &[]).await;
    assert_eq!((answer.status, answer.text("scope")), (200, "book"), "{}", answer.json);
    let passed = claims(answer.text("access_token"));
    assert_eq!((&passed["sub"], &passed["client_id"]), (&claims(token)["sub"], &json!("api")));
    assert_eq!(passed["aud"], LEDGER);
    exchange(&world, "api", token, &[("audience", API)]).await.assert_error(400, "invalid_target");
    exchange(&world, "api", token, &[("scope", "audit")]).await.assert_error(400, "invalid_scope");
    // somebody who came by the token, and one for another audience
    exchange(&world, "stranger", token, &[]).await.assert_error(400, "invalid_request");
    exchange(&world, "stranger", token, &[("audience", API)]).await.assert_error(400, "invalid_request");
    let other = bought(&world, "openid book", &[LEDGER]).await;
    exchange(&world, "api", other["access_token"].as_str().unwrap(), &[]).await.assert_error(400, "invalid_request");
    // nor a machine's: it would be the API that appears as the machine
    let machine = App::new(&world.broker, "api", Some("api-secret-0123456789"));
    let own = machine.token(&[("grant_type", "client_credentials")]).await;
    assert_eq!(exchange(&world, "api", own.text("access_token"), &[]).await.status, 200);
    exchange(&world, "shop", own.text("access_token"), &[]).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_token_that_does_not_hold_today_makes_no_other() {
    let world = World::new().await;
    chain(&world, "").await;
    let fresh =
        async || bought(&world, "openid read book", &[API, LEDGER]).await["access_token"].as_str().unwrap().to_owned();
    let refused = async |client: &str, token: &str, words: &str| {
        let answer = exchange(&world, client, token, &[]).await;
        answer.assert_error(400, "invalid_request");
        assert!(answer.text("error_description").contains(words), "{client}: {words}: {}", answer.json);
    };
    let (token, blocked) = (fresh().await, fresh().await);
    world.set_contoso("enabled: false").await;
    for client in ["shop", "api"] {
        refused(client, &token, "connection").await;
    }
    world.set_contoso("").await;
    assert_eq!(exchange(&world, "api", &token, &[]).await.status, 200);

    // the API is for people of another connection
    world.connect("fabrikam", "").await;
    world.apply(&format!("clients: [{{ client_id: api, kind: machine, grants: [token_exchange], audiences: [{LEDGER}], serves: [{API}], connections: [fabrikam] }}]")).await;
    refused("api", &token, "not one of this client's").await;
    world.apply("clients: [{ client_id: api, kind: machine, enabled: false }]").await;
    exchange(&world, "api", &token, &[]).await.assert_error(401, "invalid_client");
    chain(&world, "").await;

    let fields = [("token", token.as_str())];
    let secret = basic("shop", crate::harness::world::SHOP_SECRET);
    post(&world.broker.url("/oauth/revoke"), Some(&secret), &fields).await;
    refused("shop", &token, "revoked").await;

    let sub = claims(&blocked)["sub"].as_str().unwrap().to_owned();
    block(&world, &sub).await;
    for client in ["shop", "api"] {
        refused(client, &blocked, "may not sign in").await;
    }
    world.broker.clock.advance(Duration::minutes(61));
    refused("shop", &blocked, "expired").await;
    let forged = blocked.rsplit_once('.').map(|(head, _)| format!("{head}.AAAA")).unwrap();
    refused("shop", &forged, "not one of ours").await;
}

#[tokio::test]
async fn an_id_token_is_no_access_token_and_nobody_is_no_client() {
    let world = World::new().await;
    chain(&world, "").await;
    let tokens = bought(&world, "openid read", &[API]).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    exchange(&world, "shop", id_token, &[]).await.assert_error(400, "invalid_request");
    let token = tokens["access_token"].as_str().unwrap();
    for more in [&[][..], &[("client_id", "shop")]] {
        let fields = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
        post(&world.shop.token_url(), None, &[&fields, more].concat()).await.assert_error(401, "invalid_client");
    }
    // its own tokens do not prove a client either
    for way in ["client_assertion", "assertion"] {
        let answer = show(&world, way, token, &[]).await;
        assert!(matches!(answer.status, 400 | 401), "{}", answer.json);
    }
}

/// What an operator will do by the API.
async fn block(world: &World, sub: &str) {
    use sqlx::ConnectOptions as _;
    let mut conn = world.broker.database().connect().await.unwrap();
    sqlx::query("UPDATE users SET status = 'blocked' WHERE id = $1").bind(sub).execute(&mut conn).await.unwrap();
}
