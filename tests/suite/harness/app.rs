//! An application as it talks to the broker: authorization requests with PKCE, the token endpoint, UserInfo, and the
//! verification of tokens by the published keys with a library that is not the broker's signer.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, TokenData, Validation, decode, decode_header};
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use super::broker::Broker;
use super::browser::{Browser, Page};

#[derive(Clone)]
pub struct App {
    pub issuer: String,
    pub client_id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
    pub scope: String,
}

/// One authorization request and what is remembered of it.
#[derive(Clone, Debug)]
pub struct Request {
    pub url: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl App {
    pub fn new(broker: &Broker, client_id: &str, secret: Option<&str>) -> Self {
        Self {
            issuer: broker.issuer.clone(),
            client_id: client_id.into(),
            secret: secret.map(Into::into),
            redirect_uri: format!("https://{client_id}.example/callback"),
            scope: "openid profile email offline_access".into(),
        }
    }

    pub fn scoped(&self, scope: &str) -> Self {
        Self { scope: scope.into(), ..self.clone() }
    }

    /// `more` replaces parameters of the same name; an empty value leaves the parameter out.
    pub fn request(&self, more: &[(&str, &str)]) -> Request {
        let (state, nonce, verifier) = (random(), random(), random());
        let challenge = challenge_of(&verifier);
        let usual = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let mut url = Url::parse(&format!("{}/authorize", self.issuer)).unwrap();
        let kept = usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        url.query_pairs_mut().extend_pairs(kept.chain(more).filter(|(_, value)| !value.is_empty()));
        Request { url: url.into(), state, nonce, verifier }
    }

    /// A browser that stops where the application would take over.
    pub fn browser(&self) -> Browser {
        let mut browser = Browser::new();
        browser.stop_at(&self.redirect_uri);
        browser
    }

    /// From the request to the answer at the redirect URI, where nothing has to be chosen on the way.
    pub async fn sign_in(&self, browser: &mut Browser, more: &[(&str, &str)]) -> (Request, Page) {
        let request = self.request(more);
        let page = browser.open(&request.url).await;
        (request, page)
    }

    /// The whole way: sign-in, code, tokens.
    pub async fn tokens(&self, browser: &mut Browser, more: &[(&str, &str)]) -> Value {
        let (request, page) = self.sign_in(browser, more).await;
        assert!(page.stopped, "not back at the application: {page}");
        let answer = self.redeem(&page.param("code"), &request.verifier).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    pub async fn redeem(&self, code: &str, verifier: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ];
        self.token(&fields).await
    }

    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// A token request with the client's usual authentication: Basic with a secret, its name in the body without.
    pub async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.post("/oauth/token", &[], fields).await
    }

    /// The same at another endpoint, with more headers.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.retain(|(_, value)| !value.is_empty());
        let mut request = http().post(format!("{}{path}", self.issuer));
        match &self.secret {
            Some(secret) => request = request.header("authorization", basic(&self.client_id, secret)),
            None if fields.iter().any(|(name, _)| *name == "client_id") => {}
            None => fields.push(("client_id", &self.client_id)),
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.form(&fields)).await
    }

    /// A pushed authorization request (RFC 9126); the URL in it is the one to open then.
    pub async fn push(&self, headers: &[(&str, &str)], more: &[(&str, &str)]) -> (Request, Answer) {
        let mut request = self.request(more);
        let url = Url::parse(&request.url).unwrap();
        let fields: Vec<_> = url.query_pairs().into_owned().collect();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = self.post("/oauth/par", headers, &fields).await;
        if let Some(request_uri) = answer.json["request_uri"].as_str() {
            request.url = self.pushed_url(request_uri, &[]);
        }
        (request, answer)
    }

    /// Where a browser goes with a `request_uri`, and with parameters that should not count.
    pub fn pushed_url(&self, request_uri: &str, more: &[(&str, &str)]) -> String {
        let mut url = Url::parse(&format!("{}/authorize", self.issuer)).unwrap();
        url.query_pairs_mut().append_pair("client_id", &self.client_id).append_pair("request_uri", request_uri);
        url.query_pairs_mut().extend_pairs(more);
        url.into()
    }

    pub fn token_url(&self) -> String {
        format!("{}/oauth/token", self.issuer)
    }

    pub async fn userinfo(&self, access_token: &str) -> Answer {
        let url = format!("{}/userinfo", self.issuer);
        answer(http().get(url).header("authorization", format!("Bearer {access_token}"))).await
    }

    /// Verifies a token of the broker by the key that its JWKS names, for this audience.
    pub async fn verified(&self, token: &str, audience: &str) -> TokenData<Value> {
        let keys: JwkSet =
            http().get(format!("{}/.well-known/jwks.json", self.issuer)).send().await.unwrap().json().await.unwrap();
        let header = decode_header(token).unwrap();
        let jwk = keys.find(header.kid.as_deref().expect("kid")).expect("the key is published");
        let mut rules = Validation::new(header.alg);
        // the broker's clock is turned by tests, this library's is not
        rules.validate_exp = false;
        rules.set_audience(&[audience]);
        rules.set_issuer(&[&self.issuer]);
        decode(token, &DecodingKey::from_jwk(jwk).unwrap(), &rules).unwrap()
    }
}

impl Answer {
    pub fn text(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.json))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.json["error"].as_str()), (status, Some(error)), "{}", self.json);
    }
}

pub fn http() -> reqwest::Client {
    super::broker::crypto();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.resolve("localhost", ([127, 0, 0, 1], 0).into()).build().unwrap()
}

pub async fn post(url: &str, authorization: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let mut request = http().post(url).form(fields);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    answer(request).await
}

pub async fn get(url: &str) -> Answer {
    answer(http().get(url)).await
}

pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    Answer { status, headers, json: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

/// As most libraries send it: not percent-encoded.
pub fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

pub fn challenge_of(verifier: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// 43 characters.
pub fn random() -> String {
    avouch::rng::Rng::default().token()
}

/// The claims of a JWT that nobody verified.
pub fn claims(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// The header of a JWT.
pub fn header(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap()).unwrap()
}
