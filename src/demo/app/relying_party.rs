//! What an OpenID Connect client does (OIDC Core §3.1): send the browser off, redeem the code, verify, refresh, ask
//! UserInfo. The provider's metadata is fetched when it is first needed, its keys again when an unknown one signs.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OnceCell, RwLock};
use url::Url;

use super::session::{Pending, SignedIn};
use super::verify::{Expected, Invalid, Verified, verify};
use super::{API, CLIENT_ID, SCOPE};
use crate::oauth::pkce::CodeChallenge;
use crate::rng::Rng;
use crate::secret::Secret;
use crate::urls::Urls;

pub(super) struct RelyingParty {
    issuer: String,
    urls: Arc<Urls>,
    client_secret: Secret<String>,
    http: reqwest::Client,
    rng: Rng,
    metadata: OnceCell<Metadata>,
    keys: RwLock<JwkSet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Url,
    jwks_uri: Url,
    end_session_endpoint: Option<Url>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    access_token: String,
    id_token: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OAuthFailure {
    error: String,
    #[serde(default)]
    error_description: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("Avouch cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the discovery document says issuer {0:?}")]
    OtherIssuer(String),
    #[error("Avouch answered {error}: {description}")]
    Refused { error: String, description: String },
    #[error("the {0} does not hold: {1}")]
    Token(&'static str, Invalid),
    #[error("{0}")]
    Callback(&'static str),
}

impl RelyingParty {
    pub fn new(broker: &Urls, urls: Arc<Urls>, client_secret: Secret<String>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .no_proxy()
            .build()?;
        Ok(Self {
            issuer: broker.issuer().to_owned(),
            urls,
            client_secret,
            http,
            rng: Rng::default(),
            metadata: OnceCell::new(),
            keys: RwLock::new(JwkSet { keys: Vec::new() }),
        })
    }

    async fn metadata(&self) -> Result<&Metadata, Failure> {
        let fetch = async || {
            let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
            let metadata: Metadata = self.http.get(url).send().await?.error_for_status()?.json().await?;
            if metadata.issuer == self.issuer { Ok(metadata) } else { Err(Failure::OtherIssuer(metadata.issuer)) }
        };
        self.metadata.get_or_try_init(fetch).await
    }

    fn redirect_uri(&self) -> String {
        self.urls.at("/callback")
    }

    /// Where to send the browser, and what to remember until it is back.
    pub async fn begin(&self, ask_again: bool) -> Result<(Url, Pending), Failure> {
        let pending = Pending { state: self.rng.token(), nonce: self.rng.token(), verifier: self.rng.token() };
        let mut url = self.metadata().await?.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("scope", SCOPE)
            .append_pair("resource", API)
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", CodeChallenge::of_verifier(&pending.verifier).as_str())
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(ask_again.then_some(("prompt", "login")));
        Ok((url, pending))
    }

    /// `answer` is the query that the browser brought back; its `state` was found to be `pending`'s.
    pub async fn finish(&self, pending: Pending, answer: &[(String, String)]) -> Result<SignedIn, Failure> {
        let get = |name: &str| answer.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if get("iss") != Some(&self.issuer) {
            return Err(Failure::Callback("the answer is not from Avouch (RFC 9207: iss is another one)"));
        }
        if let Some(error) = get("error") {
            let description = get("error_description").unwrap_or("no description").to_owned();
            return Err(Failure::Refused { error: error.to_owned(), description });
        }
        let code = get("code").ok_or(Failure::Callback("the answer brings neither a code nor an error"))?;
        let tokens = self
            .token(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.redirect_uri()),
                ("code_verifier", &pending.verifier),
            ])
            .await?;
        let id_token = tokens.id_token.ok_or(Failure::Callback("the token answer holds no ID token"))?;
        let id_token = self.verify("ID token", &id_token, "JWT", CLIENT_ID, Some(&pending.nonce)).await?;
        let access_token = self.verify("access token", &tokens.access_token, "at+jwt", API, None).await?;
        Ok(SignedIn::new(id_token, access_token, tokens.refresh_token))
    }

    /// New tokens for the refresh token. It is replaced by a new one each time.
    pub async fn refresh(&self, signed_in: &mut SignedIn) -> Result<(), Failure> {
        let refresh_token = signed_in.refresh_token.clone().ok_or(Failure::Callback("there is no refresh token"))?;
        let request = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
        let tokens = self.token(&request).await?;
        if let Some(id_token) = tokens.id_token {
            let renewed = self.verify("ID token", &id_token, "JWT", CLIENT_ID, None).await?;
            if renewed.claims.get("sub") != signed_in.id_token.claims.get("sub") {
                return Err(Failure::Callback("the new ID token is about somebody else")); // OIDC Core §12.2
            }
            signed_in.id_token = renewed;
        }
        signed_in.access_token = self.verify("access token", &tokens.access_token, "at+jwt", API, None).await?;
        signed_in.refresh_token = tokens.refresh_token.or(Some(refresh_token));
        Ok(())
    }

    /// OIDC Core §5.3: believed only when it is about the same person.
    pub async fn userinfo(&self, signed_in: &SignedIn) -> Result<Value, Failure> {
        let url = self.metadata().await?.userinfo_endpoint.clone();
        let answer: Value = read(self.http.get(url).bearer_auth(&signed_in.access_token.raw).send().await?).await?;
        if answer.get("sub") == signed_in.id_token.claims.get("sub") {
            Ok(answer)
        } else {
            Err(Failure::Callback("UserInfo is about somebody else"))
        }
    }

    /// Where to end the session at Avouch too, when it offers that (RP-Initiated Logout).
    pub async fn end_session(&self, signed_in: &SignedIn) -> Option<Url> {
        let mut url = self.metadata().await.ok()?.end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("id_token_hint", &signed_in.id_token.raw)
            .append_pair("post_logout_redirect_uri", &self.urls.at("/?signed-out"));
        Some(url)
    }

    async fn token(&self, form: &[(&str, &str)]) -> Result<Tokens, Failure> {
        let url = self.metadata().await?.token_endpoint.clone();
        let request = self.http.post(url).basic_auth(CLIENT_ID, Some(self.client_secret.expose())).form(form);
        read(request.send().await?).await
    }

    async fn verify(
        &self,
        what: &'static str,
        token: &str,
        typ: &str,
        audience: &str,
        nonce: Option<&str>,
    ) -> Result<Verified, Failure> {
        let expected = Expected { issuer: &self.issuer, audience, typ, nonce };
        let known = verify(token, &*self.keys.read().await, &expected);
        let verified = match known {
            Err(Invalid::UnknownKey) => {
                let url = self.metadata().await?.jwks_uri.clone();
                let fetched: JwkSet = self.http.get(url).send().await?.error_for_status()?.json().await?;
                let verified = verify(token, &fetched, &expected);
                *self.keys.write().await = fetched;
                verified
            }
            known => known,
        };
        verified.map_err(|invalid| Failure::Token(what, invalid))
    }
}

async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.json().await?);
    }
    let said = response.json::<OAuthFailure>().await;
    let said = said.unwrap_or_else(|_| OAuthFailure { error: status.to_string(), error_description: String::new() });
    Err(Failure::Refused { error: said.error, description: said.error_description })
}
