//! What ends by itself: told to operators early enough to do something about it.

use time::{Duration, OffsetDateTime};

/// Long enough for a change that two organisations must agree on.
const AHEAD: Duration = Duration::days(30);

/// Something in use, and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// `saml_idp_certificate`, `saml_metadata`, `saml_sp_key`, or `connection_key` of an OpenID Connect connection.
    pub kind: &'static str,
    pub connection: &'a str,
    pub id: &'a str,
    pub at: OffsetDateTime,
}

impl Expiry<'_> {
    /// Whether it is over, or will be within thirty days.
    pub fn is_near(&self, now: OffsetDateTime) -> bool {
        self.at - now < AHEAD
    }

    /// What an operator does about it; nothing where the provider does it by itself.
    pub fn remedy(&self) -> Option<String> {
        let slug = self.connection;
        match self.kind {
            "saml_sp_key" => Some(format!(
                "run `avouch connection sp-keys add {slug}`, let the identity provider read our metadata again, then \
                 `avouch connection sp-keys promote {slug}`"
            )),
            "saml_idp_certificate" => Some(format!(
                "ask the provider for its next certificate, unless `avouch connection certificates list {slug}` shows it"
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ahead_operators_are_told_what_to_do() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let key = |at| Expiry { kind: "saml_sp_key", connection: "fabrikam", id: "x", at };
        for (days, near) in [(-1, true), (0, true), (29, true), (30, false), (1000, false)] {
            assert_eq!(key(now + Duration::days(days)).is_near(now), near, "{days}");
        }
        assert!(key(now).remedy().unwrap().contains("avouch connection sp-keys add fabrikam"));
        assert_eq!(Expiry { kind: "saml_metadata", ..key(now) }.remedy(), None);
    }
}
