//! The one HTTP client for everything that leaves the house. It follows no redirect, uses no proxy, reads no more than
//! its cap, gives up in time, and refuses addresses that only a machine inside the network can reach (SSRF). It does not
//! know what it fetches or for whom.

pub mod address;
mod error;
pub mod mailer;
mod resolver;

use std::time::Duration;

use reqwest::redirect;
use url::{Host, Url};

pub use address::Reach;
pub use error::{BuildError, FetchError};

/// What the operator allows. The default is a broker on the internet.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Loopback and private ranges, and with them plain http. Link-local and reserved addresses stay closed.
    pub allow_private: bool,
    /// PEM certificates trusted beside the machine's own.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// For the whole exchange, from the first DNS question to the last byte.
    pub timeout: Duration,
    /// Bytes of a response body.
    pub max_body: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self { allow_private: false, extra_ca_pem: None, timeout: Duration::from_secs(10), max_body: 2 << 20 }
    }
}

/// Cheap to clone; clones share the connection pool.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    allow_private: bool,
    timeout: Duration,
    max_body: usize,
}

impl Client {
    /// # Errors
    /// [`BuildError`] when the extra CA is not PEM or the machine has no usable certificate store.
    pub fn new(policy: Policy) -> Result<Self, BuildError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("avouch/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .timeout(policy.timeout)
            .connect_timeout(policy.timeout.min(Duration::from_secs(5)))
            .dns_resolver(resolver::Guarded { allow_private: policy.allow_private });
        if let Some(pem) = &policy.extra_ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|_| BuildError::ExtraCa)?;
            if certificates.is_empty() {
                return Err(BuildError::ExtraCa);
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| BuildError::Tls(error::innermost(&error)))?;
        Ok(Self { http, allow_private: policy.allow_private, timeout: policy.timeout, max_body: policy.max_body })
    }

    /// What can be said about a URL without asking DNS: its scheme and, for a literal address, where it leads.
    ///
    /// # Errors
    /// [`FetchError::Url`], [`FetchError::PlainHttp`] or [`FetchError::Private`].
    pub fn admits(&self, url: &Url) -> Result<(), FetchError> {
        let host = || url.host_str().unwrap_or_default().to_owned();
        let reach = match url.host() {
            None => return Err(FetchError::Url),
            Some(Host::Domain(_)) => Reach::Public,
            Some(Host::Ipv4(ip)) => address::reach(ip.into()),
            Some(Host::Ipv6(ip)) => address::reach(ip.into()),
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            "http" => return Err(FetchError::PlainHttp { host: host() }),
            _ => return Err(FetchError::Url),
        }
        if reach.is_open(self.allow_private) { Ok(()) } else { Err(FetchError::Private { host: host(), reach }) }
    }

    /// One exchange. Any status but a redirect is an answer for the caller to judge.
    ///
    /// # Errors
    /// [`FetchError`]; its text names the host and the remedy, never a path, query or body.
    pub async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        self.send_up_to(self.max_body, request).await
    }

    /// [`Client::send`] with its own limit of the answer's body, in bytes.
    ///
    /// # Errors
    /// as [`Client::send`].
    pub async fn send_up_to(
        &self,
        max_body: usize,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, FetchError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| FetchError::Url)?;
        self.admits(&url)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| FetchError::of(error, &host, self.timeout);

        let exchange = self.http.request(parts.method, url.clone()).headers(parts.headers).body(body).send();
        let mut response = exchange.await.map_err(failed)?;
        // 304 stands among the redirects and is none (RFC 9110 §15.4.5)
        if response.status().is_redirection() && response.status() != http::StatusCode::NOT_MODIFIED {
            return Err(FetchError::Redirect { to: redirect_host(&url, &response), host });
        }
        let too_large = || FetchError::TooLarge { host: host.clone(), limit: max_body };
        if response.content_length().is_some_and(|length| length > max_body as u64) {
            return Err(too_large());
        }
        let mut answer =
            http::Response::builder().status(response.status()).body(Vec::new()).map_err(|_| FetchError::Url)?;
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.body().len() + chunk.len() > max_body {
                return Err(too_large());
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

fn redirect_host(from: &Url, response: &reqwest::Response) -> String {
    let location = response.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|text| from.join(text).ok());
    target.as_ref().and_then(Url::host_str).unwrap_or("an unnamed place").to_owned()
}

#[cfg(test)]
mod tests;
