//! Whole logins against a provider in this process that lies on demand.

mod id_token;
mod token_endpoint;
mod trip;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::clock::Clock;
use crate::connection::credential::PublicPart;
use crate::connection::{Credential, CredentialState, Mapping, OidcSettings, Preset, Protocol, Slug};
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
        let (answers, requests) =
            (Arc::new(Mutex::new(HashMap::<String, (u16, String)>::new())), Arc::new(Mutex::new(Vec::new())));
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
                    let announced =
                        head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if body.len() < announced.unwrap_or(0) {
                        continue;
                    }
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    let (status, body) = a.lock().unwrap().get(&path).cloned().unwrap_or((404, "{}".into()));
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
        let idp = Self { url, key: KeyPair::generate(Alg::ES256).0, answers, requests };
        idp.answer("/.well-known/openid-configuration", idp.metadata());
        idp.answer("/jwks", json!({"keys": [idp.key.public_jwk()]}));
        idp
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({"issuer": self.url, "authorization_endpoint": at("/authorize?tenant=1"), "token_endpoint": at("/token"), "jwks_uri": at("/jwks")})
    }

    fn answer(&self, path: &str, body: Value) {
        self.answers.lock().unwrap().insert(path.into(), (200, body.to_string()));
    }

    fn count(&self, path: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|(p, _)| p == path).count()
    }

    fn claims(&self, trip: &Trip) -> Value {
        json!({"iss": self.url, "sub": "alice", "aud": "avouch", "nonce": trip.nonce, "iat": NOW, "exp": NOW + 300, "email": "alice@x.example"})
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.sign_jwt(&Header::new(Alg::ES256, "JWT").with_kid(&self.key.public_jwk().kid), claims)
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
        let vault = Arc::new(Vault::new(Keyring::parse(&Keyring::generate(&rng)).unwrap(), &[7; 32]));
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
            linking: false,
            protocol: Protocol::Oidc(serde_json::from_value(settings).unwrap()),
            email_domains: Vec::new(),
            allow: None,
            mapping: Mapping::default(),
            managed_by: None,
            credentials: vec![credential],
            certificates: Vec::new(),
            refreshing: None,
            approved: Vec::new(),
        };
        let ctx = Ctx {
            mailer: None,
            db: db::pool(sqlx::postgres::PgConnectOptions::new_without_pgpass()),
            clock: clock.clone(),
            rng,
            vault,
            http: outbound::Client::new(outbound::Policy { allow_private: true, ..Default::default() }).unwrap(),
            urls: Arc::new(Urls::new("https://id.example").unwrap()),
        };
        Self { idp, ctx, clock, upstreams: Upstreams::new(), connection }
    }

    fn settings(&mut self) -> &mut OidcSettings {
        let Protocol::Oidc(settings) = &mut self.connection.protocol else { unreachable!() };
        settings
    }

    fn trace(&self) -> Recording {
        Recording::new(self.ctx.clock.clone())
    }

    async fn start(&self) -> Trip {
        self.upstreams.start(&self.ctx, &self.connection, &StartHints::default()).await.unwrap()
    }

    async fn finish(&self, trip: &Trip, response: &str) -> Result<UpstreamIdentity, UpstreamError> {
        let pending = Pending {
            issuer: trip.issuer.clone(),
            nonce: trip.nonce.clone(),
            pkce_verifier: trip.pkce_verifier.clone(),
            max_age: trip.max_age,
        };
        self.upstreams
            .finish(&self.ctx, &self.connection, &pending, &Params::decode(response.as_bytes()).unwrap(), &self.trace())
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
        self.login(change).await.map_or_else(|error| error.reason(), |_| "ok")
    }

    async fn reason_of_token(&self, id_token: impl FnOnce(&Value) -> String) -> &'static str {
        let trip = self.start().await;
        let id_token = id_token(&self.idp.claims(&trip));
        self.idp.answer("/token", json!({"access_token": "at", "id_token": id_token}));
        self.finish(&trip, "code=c").await.map_or_else(|error| error.reason(), |_| "ok")
    }
}

fn set(name: &'static str, value: impl Into<Value>) -> impl FnOnce(&mut Value) {
    let value = value.into();
    move |claims| claims[name] = value
}

fn without(name: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| drop(claims.as_object_mut().unwrap().remove(name))
}

/// A login may move between threads: this compiles or not.
#[allow(dead_code)]
fn finishing_is_send(
    u: &Upstreams,
    ctx: &Ctx,
    c: &Connection,
    p: &Pending,
    params: &Params,
    trace: &Recording,
) -> impl Future<Output: Sized> + Send {
    u.finish(ctx, c, p, params, trace)
}
