//! One request to a provider's administration: the lease is kept for it, and what came back is sorted into what may pass,
//! what never will, and answers. Nothing that is said of an answer holds a secret of ours.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::At;
use crate::connection::secret_driver::own_key;
use crate::jose::Header;
use crate::outbound::FetchError;
use crate::rotation::cause::{Cause, Hitch};
use crate::rotation::store;
use crate::secret::Secret;
use crate::upstream::quoted::quoted;

/// A provider that asks for more patience than this is asked again sooner.
const LONGEST: Duration = Duration::from_secs(3600);

pub(super) struct Answer {
    pub status: StatusCode,
    /// Null where there is no JSON.
    pub json: Value,
}

pub(super) enum Body<'a> {
    None,
    Json(&'a Value),
    Form(&'a [(&'a str, &'a str)]),
}

impl At<'_> {
    /// # Errors
    /// [`Hitch::Later`] for 429, 409, 5xx and what does not answer; [`Hitch::Never`] for an address we do not send to.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        authorization: Option<&str>,
        body: Body<'_>,
    ) -> Result<Answer, Hitch> {
        let ctx = &self.broker.ctx;
        let now = ctx.now();
        if !store::hold(&mut *ctx.db.acquire().await?, self.rotation, now + store::LEASE).await? {
            return Err(Hitch::Lost);
        }
        let mut request = http::Request::builder().method(method).uri(url).header(ACCEPT, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let bytes = match body {
            Body::None => Vec::new(),
            Body::Json(value) => {
                request = request.header(CONTENT_TYPE, "application/json");
                value.to_string().into_bytes()
            }
            Body::Form(fields) => {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
            }
        };
        let bad = || Hitch::never(Cause::Address, FetchError::Url.to_string());
        let request = request.body(bytes).map_err(|_| bad())?;
        let answer = ctx.http.send(request).await.map_err(|error| match error {
            FetchError::Url
            | FetchError::PlainHttp { .. }
            | FetchError::Private { .. }
            | FetchError::Redirect { .. } => Hitch::never(Cause::Address, error.to_string()),
            _ => Hitch::later(error.to_string()),
        })?;
        let (status, json) = (answer.status(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null));
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::CONFLICT || status.is_server_error() {
            let said = format!("the provider answered with status {}", status.as_u16());
            return Err(Hitch::Later { said, after: patience(answer.headers(), now) });
        }
        Ok(Answer { status, json })
    }

    /// An access token by client credentials (RFC 6749 §4.4), as a header value.
    ///
    /// # Errors
    /// [`Cause::CredentialRefused`], and those of [`At::send`].
    pub(super) async fn bearer(&self, url: &str, fields: &[(&str, &str)]) -> Result<Zeroizing<String>, Hitch> {
        let mut all = vec![("client_secret", self.credential.expose().as_str())];
        all.extend(fields);
        self.token(url, all).await
    }

    /// The same by a statement signed with the driver's own key (RFC 7523 §2.2), good for a minute and once.
    pub(super) async fn bearer_by_key(
        &self,
        url: &str,
        client_id: &str,
        scope: &str,
    ) -> Result<Zeroizing<String>, Hitch> {
        let ctx = &self.broker.ctx;
        let gone = || Hitch::never(Cause::Unreadable, "the driver's own key cannot be read");
        let key = own_key::read(&self.credential).ok_or_else(gone)?;
        let now = ctx.now().unix_timestamp();
        let header = Header::new(key.alg(), "JWT").with_kid(&key.public_jwk().kid);
        let claims = json!({ "iss": client_id, "sub": client_id, "aud": url, "iat": now, "exp": now + 60, "jti": ctx.rng.token() });
        let assertion = Zeroizing::new(key.sign_jwt(&header, &claims));
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = vec![("scope", scope), ("client_assertion_type", kind), ("client_assertion", assertion.as_str())];
        self.token(url, fields).await
    }

    async fn token(&self, url: &str, mut fields: Vec<(&str, &str)>) -> Result<Zeroizing<String>, Hitch> {
        fields.push(("grant_type", "client_credentials"));
        let answer = self.send(Method::POST, url, None, Body::Form(&fields)).await?;
        match answer.json["access_token"].as_str().filter(|_| answer.status.is_success()) {
            Some(token) => Ok(Zeroizing::new(format!("Bearer {token}"))),
            None => Err(Hitch::never(Cause::CredentialRefused, answer.said(self))),
        }
    }

    /// Without whatever is secret here, should the provider have repeated it.
    pub(in crate::rotation) fn without_secrets(&self, text: &str) -> String {
        let candidate = self.rotation.candidate(&self.broker.ctx).ok().flatten();
        let known = [Some(&self.credential), Some(&self.active), candidate.as_ref()];
        let known = known.into_iter().flatten().filter(|secret| secret.expose().len() > 3);
        known
            .fold(text.to_owned(), |text, secret: &Secret<String>| text.replace(secret.expose().as_str(), "[redacted]"))
    }
}

impl Answer {
    /// A refusal that no rule of the driver explains.
    pub(super) fn refused(&self, at: &At<'_>) -> Hitch {
        let cause = match self.status {
            StatusCode::UNAUTHORIZED => Cause::CredentialRefused,
            StatusCode::FORBIDDEN => Cause::RightMissing,
            StatusCode::NOT_FOUND => Cause::NotFound,
            _ => Cause::Refused,
        };
        Hitch::never(cause, self.said(at))
    }

    /// The status, and the provider's word for what is wrong, quoted. They differ in where that stands.
    pub(super) fn said(&self, at: &At<'_>) -> String {
        let json = &self.json;
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let code = word(&json["error"]["code"]).or(word(&json["errorCode"])).or(word(&json["error"]));
        let text = word(&json["error"]["message"])
            .or(word(&json["errorSummary"]))
            .or(word(&json["error_description"]))
            .or(word(&json["errorMessage"]))
            .or(word(&json["message"]));
        let parts: Vec<String> = code.into_iter().chain(text).collect();
        let status = format!("the provider answered with status {}", self.status.as_u16());
        if parts.is_empty() {
            return status;
        }
        format!("{status}: {}", quoted(&at.without_secrets(&parts.join(": ")), 300))
    }
}

/// `Retry-After` (RFC 9110 §10.2.3), or Okta's `X-Rate-Limit-Reset` in seconds since 1970.
fn patience(headers: &http::HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |at: OffsetDateTime| Duration::try_from(at - now).unwrap_or_default();
    let wait = match text(RETRY_AFTER.as_str()) {
        Some(value) => match value.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => OffsetDateTime::parse(value, &Rfc2822).ok().map(until),
        },
        None => {
            let reset = text("x-rate-limit-reset").and_then(|value| value.parse().ok());
            reset.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()).map(until)
        }
    };
    wait.map(|wait| wait.clamp(Duration::from_secs(1), LONGEST))
}

/// A part of a path.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_patience_is_kept_within_reason() {
        let now = OffsetDateTime::from_unix_timestamp(1_000_000).unwrap();
        let wait = |name: &'static str, value: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            patience(&headers, now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("retry-after", "17"), Some(17));
        assert_eq!(wait("retry-after", "0"), Some(1));
        assert_eq!(wait("retry-after", "999999999"), Some(3600));
        assert_eq!(wait("retry-after", "Mon, 12 Jan 1970 13:47:10 GMT"), Some(30));
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("x-rate-limit-reset", "1000042"), Some(42));
        assert_eq!(wait("x-rate-limit-reset", "99"), Some(1));
        assert_eq!(segment("a b/c'"), "a%20b%2Fc%27");
    }
}
