//! Against a provider in this process that lies on demand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::clock::Clock;
use crate::connection::credential::PublicPart;
use crate::connection::{Credential, CredentialState, Mapping, Preset, Protocol, Slug};
use crate::ids::{ConnectionId, CredentialId};
use crate::jose::{Alg, Header, KeyPair};
use crate::rng::Rng;
use crate::urls::Urls;
use crate::vault::{Keyring, Vault};
use crate::{db, outbound};

const NOW: i64 = 1_800_000_000;

struct Fixed(Mutex<i64>);

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(*self.0.lock().unwrap()).unwrap()
    }
}

/// A provider, the answers it gives by path, and the requests it got as `(path, headers and body)`.
struct Idp {
    url: String,
    key: KeyPair,
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Idp {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answers, requests) = (
            Arc::new(Mutex::new(HashMap::<String, (u16, String)>::new())),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (a, r) = (answers.clone(), requests.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = vec![0; 16384];
                let mut got = 0;
                loop {
                    got += socket.read(&mut request[got..]).await.unwrap_or(0);
                    let text = String::from_utf8_lossy(&request[..got]).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else {
                        continue;
                    };
                    let announced = head
                        .lines()
                        .find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if body.len() < announced.unwrap_or(0) {
                        continue;
                    }
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    let (status, body) = a
                        .lock()
                        .unwrap()
                        .get(&path)
                        .cloned()
                        .unwrap_or((404, "{}".into()));
                    r.lock().unwrap().push((path, text));
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
                    break;
                }
            }
        });
        let idp = Self {
            url,
            key: KeyPair::generate(Alg::ES256).0,
            answers,
            requests,
        };
        idp.answer("/.well-known/openid-configuration", idp.metadata());
        idp.answer("/jwks", json!({"keys": [idp.key.public_jwk()]}));
        idp
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({"issuer": self.url, "authorization_endpoint": at("/authorize?tenant=1"), "token_endpoint": at("/token"), "jwks_uri": at("/jwks")})
    }

    fn answer(&self, path: &str, body: Value) {
        self.answers
            .lock()
            .unwrap()
            .insert(path.into(), (200, body.to_string()));
    }

    fn count(&self, path: &str) -> usize {
        self.requests
            .lock()
            .unwrap()
            .iter()
            .filter(|(p, _)| p == path)
            .count()
    }

    fn claims(&self, trip: &Trip) -> Value {
        json!({"iss": self.url, "sub": "alice", "aud": "avouch", "nonce": trip.nonce, "iat": NOW, "exp": NOW + 300, "email": "alice@x.example"})
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.sign_jwt(
            &Header::new(Alg::ES256, "JWT").with_kid(&self.key.public_jwk().kid),
            claims,
        )
    }
}

struct House {
    idp: Idp,
    ctx: Ctx,
    clock: Arc<Fixed>,
    upstreams: Upstreams,
    connection: Connection,
}

impl House {
    async fn build() -> Self {
        let idp = Idp::open().await;
        let rng = Rng::default();
        let vault = Arc::new(Vault::new(
            Keyring::parse(&Keyring::generate(&rng)).unwrap(),
            &[7; 32],
        ));
        let clock = Arc::new(Fixed(Mutex::new(NOW)));
        let id = CredentialId::from_stored("crd_1".into());
        let credential = Credential {
            sealed: vault.seal(Credential::place(&id), b"s:e+c", &rng),
            id,
            state: CredentialState::Active,
            public: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: None,
        };
        let settings = json!({"issuer": idp.url, "client_id": "avouch", "client_authentication": "client_secret_basic", "scopes": ["profile"]});
        let connection = Connection {
            id: ConnectionId::from_stored("con_1".into()),
            slug: Slug::parse("idp").unwrap(),
            display_name: "IdP".into(),
            preset: None,
            enabled: true,
            listed: true,
            protocol: Protocol::Oidc(serde_json::from_value(settings).unwrap()),
            email_domains: Vec::new(),
            allow: None,
            mapping: Mapping::default(),
            managed_by: None,
            credentials: vec![credential],
        };
        let ctx = Ctx {
            db: db::pool(sqlx::postgres::PgConnectOptions::new_without_pgpass()),
            clock: clock.clone(),
            rng,
            vault,
            http: outbound::Client::new(outbound::Policy {
                allow_private: true,
                ..Default::default()
            })
            .unwrap(),
            urls: Arc::new(Urls::new("https://id.example").unwrap()),
        };
        Self {
            idp,
            ctx,
            clock,
            upstreams: Upstreams::new(),
            connection,
        }
    }

    fn settings(&mut self) -> &mut OidcSettings {
        let Protocol::Oidc(settings) = &mut self.connection.protocol;
        settings
    }

    async fn start(&self) -> Trip {
        self.upstreams
            .start(&self.ctx, &self.connection, &StartHints::default())
            .await
            .unwrap()
    }

    async fn finish(&self, trip: &Trip, response: &str) -> Result<UpstreamIdentity, UpstreamError> {
        let pending = Pending {
            issuer: trip.issuer.clone(),
            nonce: trip.nonce.clone(),
            pkce_verifier: trip.pkce_verifier.clone(),
            max_age: trip.max_age,
        };
        self.upstreams
            .finish(
                &self.ctx,
                &self.connection,
                &pending,
                &Params::decode(response.as_bytes()).unwrap(),
            )
            .await
    }

    /// A whole login with an ID token of the right claims, changed by `change`.
    async fn login(&self, change: impl FnOnce(&mut Value)) -> Result<UpstreamIdentity, UpstreamError> {
        let trip = self.start().await;
        let mut claims = self.idp.claims(&trip);
        change(&mut claims);
        self.idp.answer(
            "/token",
            json!({"access_token": "at", "token_type": "Bearer", "id_token": self.idp.sign(&claims)}),
        );
        self.finish(&trip, "code=c").await
    }

    async fn reason(&self, change: impl FnOnce(&mut Value)) -> &'static str {
        self.login(change)
            .await
            .map_or_else(|error| error.reason(), |_| "ok")
    }

    async fn reason_of_token(&self, id_token: impl FnOnce(&Value) -> String) -> &'static str {
        let trip = self.start().await;
        let id_token = id_token(&self.idp.claims(&trip));
        self.idp
            .answer("/token", json!({"access_token": "at", "id_token": id_token}));
        self.finish(&trip, "code=c")
            .await
            .map_or_else(|error| error.reason(), |_| "ok")
    }
}

fn set(name: &'static str, value: impl Into<Value>) -> impl FnOnce(&mut Value) {
    let value = value.into();
    move |claims| claims[name] = value
}

fn without(name: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| drop(claims.as_object_mut().unwrap().remove(name))
}

#[tokio::test]
async fn a_person_comes_back_verified() {
    let house = House::build().await;
    let identity = house
        .login(|claims| {
            claims["auth_time"] = (NOW - 5).into();
            claims["acr"] = "mfa".into();
            claims["amr"] = json!(["pwd", "otp"]);
            claims["sid"] = "s1".into();
        })
        .await
        .unwrap();
    assert_eq!(
        (identity.key().issuer.as_str(), identity.key().subject.as_str()),
        (house.idp.url.as_str(), "alice")
    );
    assert_eq!(
        (identity.auth_time(), identity.acr(), identity.sid()),
        (Some(NOW - 5), Some("mfa"), Some("s1"))
    );
    assert_eq!(identity.amr(), ["pwd", "otp"]);
    assert_eq!(identity.claims()["email"], "alice@x.example");
    let (_, request) = house
        .idp
        .requests
        .lock()
        .unwrap()
        .iter()
        .find(|(path, _)| path == "/token")
        .cloned()
        .unwrap();
    assert!(
        request.contains("authorization: Basic YXZvdWNoOnMlM0FlJTJCYw=="),
        "{request}"
    ); // avouch:s%3Ae%2Bc
    assert!(
        request
            .contains("redirect_uri=https%3A%2F%2Fid.example%2Fconnections%2Fidp%2Fcallback&code_verifier="),
        "{request}"
    );
}

#[tokio::test]
async fn the_trip_asks_for_what_was_hinted() {
    let mut house = House::build().await;
    house.settings().prompt = Some("select_account".into());
    house.settings().max_age = Some(600);
    house.settings().domain_hint = Some("x.example".into());
    let hints = StartHints {
        login_hint: Some("a@x".into()),
        prompt: Some("login".into()),
        max_age: Some(900),
        ..Default::default()
    };
    let trip = house
        .upstreams
        .start(&house.ctx, &house.connection, &hints)
        .await
        .unwrap();
    let url = url::Url::parse(&trip.url).unwrap();
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.query_pairs().count(), query.len());
    let expected = [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "avouch"),
        ("redirect_uri", "https://id.example/connections/idp/callback"),
        ("scope", "openid profile"),
        ("state", trip.state.expose()),
        ("nonce", &trip.nonce),
        (
            "code_challenge",
            CodeChallenge::of_verifier(trip.pkce_verifier.expose()).as_str(),
        ),
        ("code_challenge_method", "S256"),
        ("login_hint", "a@x"),
        ("domain_hint", "x.example"),
        ("prompt", "login"),
        ("max_age", "600"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(query, HashMap::from(expected));
    assert_eq!(trip.max_age, Some(600));
}

#[tokio::test]
async fn every_lie_in_the_id_token_has_its_word() {
    let house = House::build().await;
    let over = json!("x".repeat(256));
    assert_eq!(house.reason(|_| {}).await, "ok");
    assert_eq!(house.reason(set("nonce", "other")).await, "nonce_mismatch");
    assert_eq!(house.reason(without("nonce")).await, "nonce_mismatch");
    assert_eq!(
        house.reason(set("iss", "https://evil.example")).await,
        "issuer_mismatch"
    );
    assert_eq!(
        house.reason(set("iss", format!("{}/", house.idp.url))).await,
        "issuer_mismatch"
    );
    assert_eq!(house.reason(set("aud", "other")).await, "audience_mismatch");
    assert_eq!(house.reason(without("aud")).await, "audience_mismatch");
    assert_eq!(house.reason(set("azp", "other")).await, "azp_mismatch");
    assert_eq!(
        house.reason(set("aud", json!(["avouch", "other"]))).await,
        "azp_mismatch"
    );
    assert_eq!(
        house
            .reason(|c| (c["aud"], c["azp"]) = (json!(["avouch", "other"]), json!("avouch")))
            .await,
        "ok"
    );
    assert_eq!(house.reason(set("exp", NOW - 61)).await, "expired");
    assert_eq!(house.reason(set("exp", NOW - 59)).await, "ok");
    assert_eq!(house.reason(without("exp")).await, "id_token_malformed");
    assert_eq!(house.reason(set("iat", NOW + 61)).await, "issued_in_future");
    assert_eq!(house.reason(set("iat", NOW + 59)).await, "ok");
    assert_eq!(house.reason(set("nbf", NOW + 61)).await, "not_yet_valid");
    assert_eq!(house.reason(without("sub")).await, "subject_missing");
    assert_eq!(house.reason(set("sub", "")).await, "subject_missing");
    assert_eq!(house.reason(set("sub", over)).await, "subject_too_long");
    assert_eq!(house.reason(set("email_verified", "true")).await, "ok");
    assert_eq!(
        house.reason(set("updated_at", "2026-01-01T00:00:00.000Z")).await,
        "ok"
    );
}

#[tokio::test]
async fn every_lie_around_the_id_token_has_its_word() {
    let house = House::build().await;
    let key = &house.idp.key;
    let kid = key.public_jwk().kid;
    let unsigned = |header: Value, claims: &Value| {
        format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        )
    };
    for alg in ["none", "HS256", "HS512", "RS1", "ES256K"] {
        assert_eq!(
            house
                .reason_of_token(|c| unsigned(json!({"alg": alg, "kid": kid}), c))
                .await,
            "alg_not_allowed",
            "{alg}"
        );
    }
    let stranger = KeyPair::generate(Alg::ES256).0;
    assert_eq!(
        house
            .reason_of_token(|c| stranger.sign_jwt(&Header::new(Alg::ES256, "JWT").with_kid(&kid), c))
            .await,
        "signature_invalid"
    );
    assert_eq!(
        house
            .reason_of_token(|c| stranger.sign_jwt(&Header::new(Alg::ES256, "JWT").with_kid("new"), c))
            .await,
        "unknown_key"
    );
    assert_eq!(
        house
            .reason_of_token(|c| key.sign_jwt(&Header::new(Alg::ES256, "at+jwt").with_kid(&kid), c))
            .await,
        "header_not_supported"
    );
    assert_eq!(
        house
            .reason_of_token(|c| key.sign_jwt(&Header::new(Alg::ES256, "JWT"), c))
            .await,
        "ok"
    );
    for garbage in ["", "a.b", "a.b.c", "...."] {
        let got = house.reason_of_token(|_| garbage.into()).await;
        assert!(
            ["id_token_malformed", "header_not_supported"].contains(&got),
            "{garbage} {got}"
        );
    }
    let trip = house.start().await;
    house.idp.answer("/token", json!({"access_token": "at"}));
    assert_eq!(
        house.finish(&trip, "code=c").await.unwrap_err().reason(),
        "id_token_missing"
    );
}

#[tokio::test]
async fn a_rotated_key_is_found_once_a_minute() {
    let house = House::build().await;
    assert_eq!(house.reason(|_| {}).await, "ok");
    let (second, third) = (KeyPair::generate(Alg::EdDsa).0, KeyPair::generate(Alg::RS256).0);
    let sign = |key: &KeyPair, claims: &Value| {
        key.sign_jwt(
            &Header::new(key.alg(), "JWT").with_kid(&key.public_jwk().kid),
            claims,
        )
    };
    house.idp.answer("/jwks", json!({"keys": [second.public_jwk()]}));
    assert_eq!(house.reason_of_token(|c| sign(&second, c)).await, "ok");
    house.idp.answer("/jwks", json!({"keys": [third.public_jwk()]}));
    assert_eq!(house.reason_of_token(|c| sign(&third, c)).await, "unknown_key");
    assert_eq!(house.idp.count("/jwks"), 2);
    *house.clock.0.lock().unwrap() += 60;
    assert_eq!(house.reason_of_token(|c| sign(&third, c)).await, "ok");
    assert_eq!(
        (
            house.idp.count("/jwks"),
            house.idp.count("/.well-known/openid-configuration")
        ),
        (3, 1)
    );
}

#[tokio::test]
async fn the_response_must_come_from_who_was_asked() {
    let house = House::build().await;
    let mut metadata = house.idp.metadata();
    metadata["authorization_response_iss_parameter_supported"] = true.into();
    house.idp.answer("/.well-known/openid-configuration", metadata);
    let trip = house.start().await;
    let reason = async |response: &str| house.finish(&trip, response).await.unwrap_err();
    assert_eq!(reason("code=c").await.reason(), "iss_parameter_missing");
    assert_eq!(
        reason("code=c&iss=https%3A%2F%2Fevil.example").await.reason(),
        "iss_parameter_mismatch"
    );
    let iss = &house.idp.url;
    assert_eq!(reason(&format!("iss={iss}")).await.reason(), "code_missing");
    let refused = reason(&format!(
        "iss={iss}&error=access_denied&error_description=a%0Ab{}",
        "x".repeat(1000)
    ))
    .await;
    let UpstreamError::Refused { error, description } = &refused else {
        panic!("{refused}")
    };
    assert!(
        error == "access_denied" && description.starts_with("a b") && description.chars().count() <= 301,
        "{refused}"
    );
    let moved = Pending {
        issuer: "https://old.example".into(),
        nonce: "n".into(),
        pkce_verifier: Secret::new("v".into()),
        max_age: None,
    };
    let error = house
        .upstreams
        .finish(&house.ctx, &house.connection, &moved, &Params::default())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "issuer_changed");
}

#[tokio::test]
async fn max_age_is_kept_by_the_provider_or_nobody_comes_in() {
    let mut house = House::build().await;
    house.settings().max_age = Some(300);
    assert_eq!(house.reason(|_| {}).await, "auth_time_missing");
    assert_eq!(
        house.reason(set("auth_time", NOW - 361)).await,
        "auth_time_too_old"
    );
    assert_eq!(house.reason(set("auth_time", NOW - 359)).await, "ok");
}

#[tokio::test]
async fn userinfo_completes_the_claims_and_its_failure_is_the_providers() {
    let house = House::build().await;
    let mut metadata = house.idp.metadata();
    metadata["userinfo_endpoint"] = format!("{}/userinfo", house.idp.url).into();
    house.idp.answer("/.well-known/openid-configuration", metadata);
    assert_eq!(house.reason(|_| {}).await, "unavailable");
    house.idp.answer("/userinfo", json!({"sub": "bob"}));
    assert_eq!(house.reason(|_| {}).await, "userinfo_subject_mismatch");
    house.idp.answer(
        "/userinfo",
        json!({"sub": "alice", "groups": ["staff"], "email": "other@x.example"}),
    );
    let identity = house.login(|_| {}).await.unwrap();
    assert_eq!(
        (&identity.claims()["groups"], &identity.claims()["email"]),
        (&json!(["staff"]), &json!("alice@x.example"))
    );
}

#[tokio::test]
async fn an_entra_person_is_tenant_and_object_id() {
    let mut house = House::build().await;
    let url = house.idp.url.clone();
    let mut metadata = house.idp.metadata();
    metadata["issuer"] = format!("{url}/{{tenantid}}/v2.0").into();
    house
        .idp
        .answer("/organizations/v2.0/.well-known/openid-configuration", metadata);
    house.connection.preset = Some(Preset::Entra);
    house.settings().issuer = format!("{url}/organizations/v2.0");
    let error = house
        .upstreams
        .start(&house.ctx, &house.connection, &StartHints::default())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "tenants_missing");
    house.settings().tenants = vec!["t1".into()];

    let person = |tid: &'static str, iss: &'static str| {
        let url = url.clone();
        move |claims: &mut Value| {
            claims["iss"] = format!("{url}/{iss}/v2.0").into();
            claims["tid"] = tid.into();
            claims["oid"] = "o1".into();
        }
    };
    let identity = house.login(person("t1", "t1")).await.unwrap();
    assert_eq!(
        (identity.key().issuer.as_str(), identity.key().subject.as_str()),
        (format!("{url}/t1/v2.0").as_str(), "o1")
    );
    assert_eq!(house.reason(person("t2", "t2")).await, "tenant_not_allowed");
    assert_eq!(house.reason(person("t1", "t2")).await, "issuer_mismatch");
    assert_eq!(house.reason(|_| {}).await, "tid_missing");
    let change = person("t1", "t1");
    let no_oid = |claims: &mut Value| {
        change(claims);
        without("oid")(claims);
    };
    assert_eq!(house.reason(no_oid).await, "oid_missing");
    let mut foreign = serde_json::to_value(house.idp.key.public_jwk()).unwrap();
    foreign["issuer"] = format!("{url}/t9/v2.0").into();
    house.idp.answer("/jwks", json!({ "keys": [foreign] }));
    house.connection.slug = Slug::parse("other").unwrap();
    let fresh = House {
        upstreams: Upstreams::new(),
        ..house
    };
    assert_eq!(fresh.reason(person("t1", "t1")).await, "unknown_key");
}

#[tokio::test]
async fn private_key_jwt_proves_us_for_a_few_minutes() {
    let mut house = House::build().await;
    let (pair, pkcs8) = KeyPair::generate(Alg::PS256);
    let credential = &mut house.connection.credentials[0];
    credential.sealed =
        house
            .ctx
            .vault
            .seal(Credential::place(&credential.id), pkcs8.expose(), &house.ctx.rng);
    credential.public = Some(PublicPart {
        jwk: serde_json::to_value(pair.public_jwk()).unwrap(),
        certificate: b"der".to_vec(),
    });
    assert_eq!(house.reason(|_| {}).await, "credential_missing"); // settings still ask for a secret
    house.settings().client_authentication = crate::connection::ClientAuthentication::PrivateKeyJwt;
    assert_eq!(house.reason(|_| {}).await, "ok");

    let (_, request) = house
        .idp
        .requests
        .lock()
        .unwrap()
        .iter()
        .rfind(|(path, _)| path == "/token")
        .cloned()
        .unwrap();
    let form = Params::decode(request.split_once("\r\n\r\n").unwrap().1.as_bytes()).unwrap();
    assert_eq!(
        form.get("client_assertion_type"),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    let parts: Vec<&str> = form.get("client_assertion").unwrap().split('.').collect();
    let [header, claims] = [parts[0], parts[1]]
        .map(|part| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
    assert!(pair.public_jwk().verify(
        format!("{}.{}", parts[0], parts[1]).as_bytes(),
        &URL_SAFE_NO_PAD.decode(parts[2]).unwrap()
    ));
    assert_eq!(
        (&header["alg"], &header["kid"]),
        (&json!("PS256"), &json!(pair.public_jwk().kid))
    );
    assert!(header["x5t"].is_string() && header["x5t#S256"].is_string());
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("avouch"), &json!("avouch"), &json!(house.idp.url))
    );
    assert!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 300 && claims["jti"].is_string()
    );
}

#[tokio::test]
async fn what_is_wrong_at_the_token_endpoint_is_told_apart() {
    let mut house = House::build().await;
    let trip = house.start().await;
    let answer = |status: u16, body: &str| {
        drop(
            house
                .idp
                .answers
                .lock()
                .unwrap()
                .insert("/token".into(), (status, body.into())),
        )
    };
    answer(401, r#"{"error":"invalid_client"}"#);
    assert_eq!(
        house.finish(&trip, "code=c").await.unwrap_err().reason(),
        "invalid_client"
    );
    answer(400, r#"{"error":"invalid_grant"}"#);
    assert_eq!(
        house.finish(&trip, "code=c").await.unwrap_err().reason(),
        "refused"
    );
    answer(503, "");
    assert_eq!(
        house.finish(&trip, "code=c").await.unwrap_err().reason(),
        "unavailable"
    );
    house.connection.credentials[0].id = CredentialId::from_stored("crd_moved".into());
    assert_eq!(
        house.finish(&trip, "code=c").await.unwrap_err().reason(),
        "credential_unreadable"
    );
    house.connection.credentials.clear();
    assert_eq!(
        house.finish(&trip, "code=c").await.unwrap_err().reason(),
        "credential_missing"
    );
}

#[tokio::test]
async fn a_provider_that_is_down_or_is_another_one_is_named() {
    let mut house = House::build().await;
    assert!(house.upstreams.check(&house.ctx, &house.connection).await.is_ok());
    house.idp.answer("/jwks", json!({"keys": []}));
    assert_eq!(
        house
            .upstreams
            .check(&house.ctx, &house.connection)
            .await
            .unwrap_err()
            .reason(),
        "unavailable"
    );
    house.settings().issuer.push('/');
    assert_eq!(
        house
            .upstreams
            .check(&house.ctx, &house.connection)
            .await
            .unwrap_err()
            .reason(),
        "discovery_issuer_mismatch"
    );
    house.settings().issuer = "http://127.0.0.1:1".into();
    let error = house
        .upstreams
        .start(&house.ctx, &house.connection, &StartHints::default())
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "unavailable");
    // Endpoints entered by hand need no discovery.
    let url = house.idp.url.clone();
    house.settings().endpoints = Some(
        serde_json::from_value(json!({"authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/jwks")}))
            .unwrap(),
    );
    assert!(house.start().await.url.starts_with(&format!("{url}/authorize?")));
}

/// A login may move between threads: this compiles or not.
#[allow(dead_code)]
fn finishing_is_send(
    u: &Upstreams,
    ctx: &Ctx,
    c: &Connection,
    p: &Pending,
    params: &Params,
) -> impl Future<Output: Sized> + Send {
    u.finish(ctx, c, p, params)
}
