//! Entra's federated identity credential: our issuer's word in place of a secret, as Entra would check it, and as nobody
//! else may take it.

use serde_json::{Value, json};

use crate::admin::{Api, Operator};
use crate::harness::app::{claims, get, header};
use crate::harness::{App, World};
use avouch::jose::PublicJwk;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What Entra was told of us.
struct Registered {
    issuer: String,
    subject: &'static str,
    audience: &'static str,
}

impl Registered {
    /// By discovery and JWKS of the issuer; everything is compared byte for byte.
    async fn takes(&self, assertion: &str) -> Result<Value, String> {
        let discovery = get(&format!("{}/.well-known/openid-configuration", self.issuer)).await.json;
        if discovery["issuer"] != self.issuer.as_str() {
            return Err("issuer of discovery".into());
        }
        let jwks = get(discovery["jwks_uri"].as_str().unwrap()).await.json;
        let (head, said) = (header(assertion), claims(assertion));
        if head["alg"] != "RS256" {
            return Err("alg".into());
        }
        let jwk = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == head["kid"]).ok_or("kid")?;
        let key: PublicJwk = serde_json::from_value(jwk.clone()).unwrap();
        let (input, signature) = assertion.rsplit_once('.').unwrap();
        if !key.verify(input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()) {
            return Err("signature".into());
        }
        for (claim, wanted) in [("iss", self.issuer.as_str()), ("sub", self.subject), ("aud", self.audience)] {
            if said[claim] != wanted {
                return Err(format!("{claim} is {}", said[claim]));
            }
        }
        Ok(said)
    }
}

async fn world() -> (World, Registered) {
    let world = World::new().await;
    world.set_contoso("client_authentication: federated_credential").await;
    let entra = Registered {
        issuer: world.broker.issuer.clone(),
        subject: "connection:contoso",
        audience: "api://AzureADTokenExchange",
    };
    (world, entra)
}

#[tokio::test]
async fn our_issuer_vouches_for_the_connection_and_no_secret_is_sent() {
    let (world, entra) = world().await;
    world.signed_in().await;
    world.signed_in().await;
    let calls = world.idp.received().token;
    let sent = &calls[0];
    assert!(sent.authorization.is_none() && !sent.params.contains_key("client_secret"));
    assert_eq!(sent.params["client_id"], "avouch-at-contoso");
    assert_eq!(sent.params["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let said = entra.takes(&sent.params["client_assertion"]).await.unwrap();
    assert!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap() <= 300);
    assert_ne!(said["jti"], claims(&calls[1].params["client_assertion"])["jti"]);
    let other = Registered { subject: "connection:Contoso", ..entra };
    assert!(other.takes(&sent.params["client_assertion"]).await.is_err());
}

#[tokio::test]
async fn the_secret_that_was_left_behind_can_be_forgotten() {
    let (world, _) = world().await;
    let editor = Api::of(&world.broker, "editor").await;
    let id = editor.get("/connections/contoso/secrets").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let mut operator = Operator::signed_in(&world.broker, "editor").await;
    let page = operator.open("/admin/connections/contoso/credentials").await;
    assert!(page.body.contains(&format!("/secrets/{id}/delete")), "{page}");
    assert_eq!(editor.delete(&format!("/connections/contoso/secrets/{id}")).await.status, 204);
    world.broker.catch_up().await;
    world.signed_in().await;
    // and none is made to rotate
    let driver = json!({ "driver": { "kind": "auth0", "url": "https://contoso.eu.auth0.com", "client_id": "rotator" }, "credential": "x" });
    let refused = editor.put("/connections/contoso/rotation", &driver).await;
    assert_eq!((refused.status, refused.text("code")), (409, "no_secret"), "{}", refused.json);
}

#[tokio::test]
async fn a_new_signing_key_of_ours_needs_nothing_done_there() {
    let (world, entra) = world().await;
    world.signed_in().await;
    let api = crate::admin::Api::of(&world.broker, "owner").await;
    let done = api.post("/signing-keys/rotate", &json!({ "alg": "RS256", "override": "a test" })).await;
    assert_eq!(done.status, 200, "{}", done.json);
    world.broker.catch_up().await;
    world.signed_in().await;
    let calls = world.idp.received().token;
    let [before, after] = [&calls[0], &calls[1]].map(|call| call.params["client_assertion"].clone());
    assert_ne!(header(&before)["kid"], header(&after)["kid"]);
    entra.takes(&after).await.unwrap();
}

#[tokio::test]
async fn an_assertion_for_entra_is_worth_nothing_here() {
    let (world, _) = world().await;
    world.signed_in().await;
    let assertion = world.idp.received().token.remove(0).params["client_assertion"].clone();
    assert_eq!(header(&assertion)["typ"], "client-authentication+jwt");
    let discovery = get(&world.broker.url("/.well-known/openid-configuration")).await.json;
    let at = |name: &str| discovery[name].as_str().unwrap().to_owned();
    let http = reqwest::Client::new();

    let userinfo = http.get(at("userinfo_endpoint")).bearer_auth(&assertion).send().await.unwrap();
    assert_eq!(userinfo.status(), 401);
    let desk = http.get(world.broker.url("/api/v1/connections")).bearer_auth(&assertion).send().await.unwrap();
    assert_eq!(desk.status(), 401);

    let shop: &App = &world.shop;
    let asked = shop.token(&[("grant_type", "refresh_token"), ("refresh_token", assertion.as_str())]).await;
    assert_eq!((asked.status, asked.text("error")), (400, "invalid_grant"));
    let bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let bare = App { secret: None, ..shop.clone() };
    for client_id in ["", shop.client_id.as_str(), "connection:contoso"] {
        let as_client = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_assertion_type", bearer),
            ("client_assertion", assertion.as_str()),
        ];
        assert_eq!(bare.token(&as_client).await.status, 401, "{client_id}");
    }
    for (grant, field) in [
        ("urn:ietf:params:oauth:grant-type:token-exchange", "subject_token"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion"),
    ] {
        let fields = [
            ("grant_type", grant),
            (field, assertion.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        assert_eq!(shop.token(&fields).await.status, 400, "{grant}");
    }
    let secret = shop.secret.clone().unwrap();
    let told = http
        .post(at("introspection_endpoint"))
        .basic_auth(&shop.client_id, Some(secret))
        .form(&[("token", &assertion)]);
    let told: Value = told.send().await.unwrap().json().await.unwrap();
    assert_eq!(told, json!({ "active": false }));
    // as a hint of who signs out it names nobody
    let query = format!("id_token_hint={assertion}&post_logout_redirect_uri=https://shop.example/");
    let out = http.get(format!("{}?{query}", at("end_session_endpoint"))).send().await.unwrap();
    assert!(!out.url().as_str().starts_with("https://shop.example/"));
}

#[tokio::test]
async fn no_secret_is_needed_nor_taken() {
    let (world, _) = world().await;
    let api = crate::admin::Api::of(&world.broker, "editor").await;
    let body = json!({ "slug": "entra", "issuer": world.idp.issuer, "client_id": "x", "client_authentication": "federated_credential" });
    let put = api.post("/connections", &body).await;
    assert!(put.status < 300, "{}", put.json);
    assert_eq!(put.json["client_authentication"], "federated_credential");
    let file = format!(
        "connections:\n  - {{ slug: e, issuer: \"{}\", client_id: x, client_authentication: federated_credential, client_secret: {{ env: X }} }}",
        world.idp.issuer
    );
    assert!(world.broker.try_apply(&file).await.unwrap_err().contains("client_secret"));
}
