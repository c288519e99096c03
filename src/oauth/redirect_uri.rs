//! Redirect URIs: what may be registered, and the exact match of RFC 9700 §4.1.3 with the one exception for loopback
//! ports (RFC 8252 §7.3).

use url::{Host, Url};

use crate::urls::Urls;

/// A redirect URI as registered: https, http on loopback, or a private-use scheme.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    #[error("redirect URI {0:?} is not an absolute URI")]
    NotAbsolute(String),
    #[error("redirect URI {0:?} must not have a fragment")]
    Fragment(String),
    #[error("redirect URI {0:?} must not hold a wildcard; register each URI")]
    Wildcard(String),
    #[error("redirect URI {0:?} must not hold a user name or password")]
    Userinfo(String),
    #[error("redirect URI {0:?} must be https; plain http is for loopback hosts only")]
    Insecure(String),
    #[error(
        "redirect URI {0:?}: a private-use scheme must hold a dot, like com.example.app:/callback (RFC 8252 section 7.1)"
    )]
    Scheme(String),
}

impl RedirectUri {
    /// # Errors
    /// [`RedirectUriError`] with the reason.
    pub fn register(text: &str) -> Result<Self, RedirectUriError> {
        let fail = |error: fn(String) -> RedirectUriError| Err(error(text.into()));
        let Ok(url) = Url::parse(text) else { return fail(RedirectUriError::NotAbsolute) };
        if text.bytes().any(|b| !(0x21..=0x7e).contains(&b)) {
            return fail(RedirectUriError::NotAbsolute);
        }
        if url.fragment().is_some() {
            return fail(RedirectUriError::Fragment);
        }
        if text.contains('*') {
            return fail(RedirectUriError::Wildcard);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fail(RedirectUriError::Userinfo);
        }
        match url.scheme() {
            "https" => Ok(Self(text.into())),
            "http" if crate::urls::is_loopback(&url) => Ok(Self(text.into())),
            "http" => fail(RedirectUriError::Insecure),
            scheme if scheme.contains('.') => Ok(Self(text.into())),
            _ => fail(RedirectUriError::Scheme),
        }
    }

    /// Whether a request's `redirect_uri` is this one: the same string, or, for an http loopback address, the same
    /// string but for the port.
    pub fn matches(&self, requested: &str) -> bool {
        self.0 == requested
            || matches!((without_loopback_port(&self.0), without_loopback_port(requested)), (Some(a), Some(b)) if a == b)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Textual, so that nothing is normalised: only `http://HOST[:PORT]` in front is looked at.
fn without_loopback_port(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !host.ends_with(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            host
        }
        _ => authority,
    };
    let loopback = match Host::parse(host).ok()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    loopback.then_some((host, tail))
}

/// Evidence that a requested URI is registered for the client: the only place a redirect may go to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RegisteredRedirectUri(String);

impl RegisteredRedirectUri {
    pub fn check(requested: &str, registered: &[RedirectUri]) -> Option<Self> {
        registered.iter().any(|uri| uri.matches(requested)).then(|| Self(requested.into()))
    }

    /// A page of our own, for requests that return to no application.
    pub fn own(urls: &Urls, path: &str) -> Self {
        Self(urls.at(path))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for good in [
            "https://app.example/cb",
            "http://localhost:8000",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
        ] {
            assert!(RedirectUri::register(good).is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "/cb",
            "https://a.example/#x",
            "https://*.example/cb",
            "javascript:alert(1)",
            "https://u:p@a.example/",
            "data:text/html,x",
        ] {
            assert!(RedirectUri::register(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn matching_is_exact_but_for_loopback_ports() {
        let uri = |text| RedirectUri::register(text).unwrap();
        assert!(uri("http://localhost:8000/cb").matches("http://localhost:18000/cb"));
        assert!(uri("http://[::1]/cb").matches("http://[::1]:9/cb"));
        assert!(!uri("http://localhost:8000/cb").matches("http://127.0.0.1:8000/cb"));
        assert!(!uri("http://localhost:8000/cb").matches("http://localhost:8000/cb/x"));
        assert!(!uri("http://localhost/cb").matches("http://localhost:80@evil.example/cb"));
        for near in [
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://app.example:443/cb",
            "https://app.example/cb?x=1",
            "https://appXexample/cb",
            "https://app.example/cb.evil",
        ] {
            assert!(!uri("https://app.example/cb").matches(near), "{near}");
        }
    }
}
