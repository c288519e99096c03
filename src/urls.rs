//! Every URL of ours, derived from the one configured issuer and never from a Host header.

use url::Url;

/// The issuer byte for byte as configured, and what follows from it.
#[derive(Clone, Debug)]
pub struct Urls {
    issuer: String,
    base: Url,
}

#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    #[error("issuer {0:?} is not an absolute http(s) URL; write it like https://id.example.com")]
    NotAUrl(String),
    #[error("issuer {0:?} must not have a query or fragment (RFC 8414 section 2)")]
    QueryOrFragment(String),
    #[error("issuer {0:?} must use https: plain http is for loopback hosts only")]
    NotHttps(String),
}

impl Urls {
    /// # Errors
    /// when the issuer is no absolute URL, has a query or fragment, or is plain http on a host that is not loopback.
    pub fn new(issuer: &str) -> Result<Self, IssuerError> {
        let base = Url::parse(issuer).map_err(|_| IssuerError::NotAUrl(issuer.into()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(IssuerError::NotAUrl(issuer.into()));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(IssuerError::QueryOrFragment(issuer.into()));
        }
        if base.scheme() == "http" && !is_loopback(&base) {
            return Err(IssuerError::NotHttps(issuer.into()));
        }
        Ok(Self { issuer: issuer.into(), base })
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `https`, which is also what decides `Secure` and the `__Host-` prefix of cookies.
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The issuer's path without a trailing slash: the scope all routes are mounted below. Empty for a bare host.
    pub fn path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// Scheme, host and port: what an `Origin` header of our own pages says.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// An absolute URL below the issuer. `path` begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.trim_end_matches('/'))
    }

    /// The same as a path for links on our own pages.
    pub fn local(&self, path: &str) -> String {
        format!("{}{path}", self.path())
    }

    pub fn callback(&self, slug: &str) -> String {
        self.at(&format!("/connections/{slug}/callback"))
    }

    /// The SAML assertion consumer service.
    pub fn acs(&self, slug: &str) -> String {
        self.at(&format!("/connections/{slug}/acs"))
    }

    /// The SAML single logout service.
    pub fn slo(&self, slug: &str) -> String {
        self.at(&format!("/connections/{slug}/slo"))
    }

    /// Where OpenID providers send people back to who signed out there: one address for every connection.
    pub fn upstream_logout_done(&self) -> String {
        self.at("/oidc/logout/done")
    }

    /// Our SAML metadata, whose URL is our entity id too.
    pub fn sp_metadata(&self, slug: &str) -> String {
        self.at(&format!("/connections/{slug}/metadata"))
    }
}

/// Whether the URL's host is this machine by name or address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
