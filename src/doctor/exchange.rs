//! One request to the broker's own public address, as somebody outside would send it: through whatever proxies stand in
//! front, and by the rules of [`crate::outbound`].

use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{Method, Request, Response};
use serde_json::Value;
use url::form_urlencoded;

use crate::ctx::Ctx;
use crate::outbound::FetchError;
use crate::signing_key::consumer::OURSELVES;

/// Nobody waits longer in front of a page.
const PATIENCE: Duration = Duration::from_secs(6);

pub(super) struct Answer(Response<Vec<u8>>);

impl Answer {
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    pub fn header(&self, name: HeaderName) -> &str {
        self.0.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Null where the body is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.0.body()).unwrap_or_default()
    }

    /// What an OAuth error answer says (RFC 6749 §5.2).
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub fn max_age(&self) -> Option<u64> {
        let cache = self.header(CACHE_CONTROL).to_owned();
        cache.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
    }
}

pub(super) async fn send(
    ctx: &Ctx,
    method: Method,
    url: &str,
    headers: &[(HeaderName, &str)],
    body: String,
) -> Result<Answer, FetchError> {
    let mut request = Request::builder().method(method).uri(url).header(USER_AGENT, OURSELVES);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(body.into_bytes()).map_err(|_| FetchError::Url)?;
    let host = request.uri().host().unwrap_or_default().to_owned();
    match tokio::time::timeout(PATIENCE, ctx.http.send(request)).await {
        Ok(answer) => answer.map(Answer),
        Err(_) => Err(FetchError::Timeout { host, seconds: PATIENCE.as_secs() }),
    }
}

pub(super) async fn get(ctx: &Ctx, url: &str) -> Result<Answer, FetchError> {
    send(ctx, Method::GET, url, &[], String::new()).await
}

pub(super) const FORM: (HeaderName, &str) = (CONTENT_TYPE, "application/x-www-form-urlencoded");

pub(super) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Our own guard said no: that tells nothing of those who come from elsewhere.
pub(super) fn is_guarded(error: &FetchError) -> bool {
    matches!(error, FetchError::Private { .. } | FetchError::PlainHttp { .. })
}
