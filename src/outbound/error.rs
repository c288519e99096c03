//! Why something could not be fetched, in one line with the remedy. Never a path, a query or a body: those hold secrets.

use std::error::Error;
use std::time::Duration;

use super::address::Reach;
use super::resolver::Closed;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(
        "the extra CA file (AVOUCH_UPSTREAM_CA_FILE) holds no PEM certificate; it needs -----BEGIN CERTIFICATE----- blocks"
    )]
    ExtraCa,
    #[error("TLS for outbound requests cannot start: {0}; is the package ca-certificates installed?")]
    Tls(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("it is not an http(s) URL; correct it in the connection's settings")]
    Url,
    #[error(
        "{host} is addressed by plain http; use https (plain http is for private networks, with AVOUCH_ALLOW_PRIVATE_UPSTREAMS=true)"
    )]
    PlainHttp { host: String },
    #[error("{host} {}", match reach {
        Reach::Never => "leads to a link-local or reserved address, which outbound requests never go to",
        _ => "leads to a private address; if that is meant, set AVOUCH_ALLOW_PRIVATE_UPSTREAMS=true",
    })]
    Private { host: String, reach: Reach },
    #[error("{host} redirects to {to}, and redirects are not followed; enter the final address")]
    Redirect { host: String, to: String },
    #[error("the name {host} cannot be resolved; check its spelling and this machine's DNS")]
    Dns { host: String },
    #[error("{host} did not finish its answer within {seconds} s; check the provider and the network between")]
    Timeout { host: String, seconds: u64 },
    #[error("TLS with {host} failed: {detail}; for a private CA set AVOUCH_UPSTREAM_CA_FILE")]
    Tls { host: String, detail: String },
    #[error("no connection to {host}: {detail}; check the provider, the port and the firewall between")]
    Connect { host: String, detail: String },
    #[error("the answer of {host} is larger than {limit} bytes; it is not what was asked for")]
    TooLarge { host: String, limit: usize },
    #[error("{host} broke off its answer: {detail}; try again")]
    Interrupted { host: String, detail: String },
}

impl FetchError {
    pub(super) fn of(error: reqwest::Error, host: &str, timeout: Duration) -> Self {
        let host = host.to_owned();
        if let Some(Closed(reach)) = find::<Closed>(&error) {
            return Self::Private { host, reach: *reach };
        }
        if error.is_timeout() {
            return Self::Timeout { host, seconds: timeout.as_secs().max(1) };
        }
        let detail = innermost(&error);
        if find::<rustls::Error>(&error).is_some() {
            return Self::Tls { host, detail };
        }
        if error.is_dns() {
            return Self::Dns { host };
        }
        if error.is_connect() { Self::Connect { host, detail } } else { Self::Interrupted { host, detail } }
    }
}

/// The error that started it all: reqwest wraps it in layers that repeat the URL.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = source(last) {
        last = next;
    }
    last.to_string()
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(this) = current {
        if let Some(found) = this.downcast_ref() {
            return Some(found);
        }
        current = source(this);
    }
    None
}

/// `io::Error` skips the error it wraps in its `source()`.
fn source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
