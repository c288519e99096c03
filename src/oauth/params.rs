//! Request parameters as they came: decoded leniently, duplicates refused once and for all (RFC 6749 §3.1).

use super::error::{ErrorCode, OAuthError};

/// Decoded name/value pairs without duplicates. Parameters without a value count as omitted (RFC 6749 §3.1).
#[derive(Clone, Debug, Default)]
pub struct Params(Vec<(String, String)>);

/// More than any of our endpoints knows; a duplicate is looked for among all of them.
const MOST: usize = 64;

/// Parameters that may come more than once (RFC 8707 §2, RFC 8693 §2.1).
const REPEATABLE: [&str; 2] = ["resource", "audience"];

impl Params {
    /// Decodes `application/x-www-form-urlencoded`. Literal spaces and unknown parameters are tolerated: real clients
    /// (librdkafka) send them.
    ///
    /// # Errors
    /// `invalid_request` for a parameter that came twice, a NUL, or more than 64 parameters.
    pub fn decode(body: &[u8]) -> Result<Self, OAuthError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (count, (name, value)) in url::form_urlencoded::parse(body).enumerate() {
            if count >= MOST {
                return Err(OAuthError::new(ErrorCode::InvalidRequest, "more than 64 parameters were sent"));
            }
            // storage cannot hold it and nobody needs it
            if value.contains('\0') || name.contains('\0') {
                return Err(OAuthError::new(ErrorCode::InvalidRequest, "a parameter holds a NUL character"));
            }
            if pairs.iter().any(|(known, _)| *known == name) && !REPEATABLE.contains(&name.as_ref()) {
                return Err(OAuthError::new(
                    ErrorCode::InvalidRequest,
                    format!("the parameter {name} was sent more than once; send it once"),
                ));
            }
            if !value.is_empty() {
                pairs.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(pairs))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// # Errors
    /// `invalid_request` naming the missing parameter.
    pub fn require(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::new(ErrorCode::InvalidRequest, format!("the parameter {name} is missing")))
    }

    /// The audiences asked for by `resource` (RFC 8707) or Auth0's `audience`, in order, once each.
    pub fn targets(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for value in self.all("resource").chain(self.all("audience")) {
            if !out.contains(&value) {
                out.push(value);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_with_spaces_strict_with_duplicates() {
        let params = Params::decode(b"grant_type=client_credentials&scope=kafka.read kafka.write&x=").unwrap();
        assert_eq!(params.get("scope"), Some("kafka.read kafka.write"));
        assert_eq!(params.get("x"), None);
        assert!(Params::decode(b"state=%00").is_err());
        assert!(Params::decode("a=&".repeat(65).as_bytes()).is_err());
        assert!(Params::decode(b"code=a&code=b").unwrap_err().description.contains("code"));
        assert_eq!(Params::decode(b"resource=a&resource=b&audience=a").unwrap().targets(), ["a", "b"]);
    }
}
