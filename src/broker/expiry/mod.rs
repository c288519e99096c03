//! What ends by itself: everything with an end, in one list that the overview, the calendar, its feed, the metric and the
//! reminders share, and what happens to whom if nothing is done. Owns no credential and no date.

mod gather;

use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use crate::db::Conn;
use crate::life::State;
use crate::user;

/// Long enough for a change that two organisations must agree on.
const SOON: Duration = Duration::days(30);
/// Whoever came by a connection within so long is counted among those who could not any more.
const RECENTLY: Duration = Duration::days(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Ours at an OpenID provider.
    ConnectionSecret,
    /// A key that proves us to an OpenID provider.
    ConnectionKey,
    /// By it a connection's secret is rotated.
    DriverCredential,
    SamlIdpCertificate,
    SamlMetadata,
    SamlSpKey,
    ClientSecret,
    ClientCertificate,
    OperatorKey,
    /// Of the listener.
    TlsCertificate,
}

impl Kind {
    /// As in metrics, events and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionSecret => "connection_secret",
            Self::ConnectionKey => "connection_key",
            Self::DriverCredential => "driver_credential",
            Self::SamlIdpCertificate => "saml_idp_certificate",
            Self::SamlMetadata => "saml_metadata",
            Self::SamlSpKey => "saml_sp_key",
            Self::ClientSecret => "client_secret",
            Self::ClientCertificate => "client_certificate",
            Self::OperatorKey => "operator_key",
            Self::TlsCertificate => "tls_certificate",
        }
    }

    /// In front of people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ConnectionSecret => "our client secret",
            Self::ConnectionKey => "our key",
            Self::DriverCredential => "the rotation's own credential",
            Self::SamlIdpCertificate => "SAML certificate",
            Self::SamlMetadata => "SAML metadata",
            Self::SamlSpKey => "our SAML key",
            Self::ClientSecret => "client secret",
            Self::ClientCertificate => "client certificate",
            Self::OperatorKey => "operator key",
            Self::TlsCertificate => "TLS certificate",
        }
    }

    pub const fn is_of_connection(self) -> bool {
        matches!(
            self,
            Self::ConnectionSecret
                | Self::ConnectionKey
                | Self::DriverCredential
                | Self::SamlIdpCertificate
                | Self::SamlMetadata
                | Self::SamlSpKey
        )
    }

    pub const fn is_of_client(self) -> bool {
        matches!(self, Self::ClientSecret | Self::ClientCertificate)
    }
}

/// What is there when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    Missing,
    /// It is there, and somebody has to put it to use.
    Waiting,
    /// It works already.
    Working,
}

/// Something that is trusted or used, and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    pub kind: Kind,
    /// Slug, `client_id`, name of the operator key, or host.
    pub owner: String,
    /// The same in front of people.
    pub name: String,
    /// Stays for as long as the credential does.
    pub id: String,
    pub at: OffsetDateTime,
    pub state: State,
    pub successor: Successor,
    /// Nobody is stopped by the date itself: we go on accepting it.
    pub lenient: bool,
    /// Below the issuer: where something is done about it.
    pub path: String,
}

/// The TLS certificate of the listener.
#[derive(Clone, Debug)]
pub struct Served {
    pub id: String,
    pub not_after: OffsetDateTime,
    /// In this process, which may have begun with it.
    pub since: OffsetDateTime,
    /// The one before in this process, and until when.
    pub previous: Option<(String, OffsetDateTime)>,
}

impl Expiry {
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        self.at <= now
    }

    /// Somebody has to do something about it, and soon.
    pub fn is_pressing(&self, now: OffsetDateTime) -> bool {
        self.successor != Successor::Working && self.at - now < SOON
    }

    /// What happens to whom if nothing is done, in a sentence.
    pub fn consequence(&self, people: &People) -> String {
        if self.successor == Successor::Working {
            return "Nobody notices: what comes after it works already.".into();
        }
        let (name, how_many) = (&self.name, people.recently(&self.owner));
        let nobody = match how_many {
            0 => format!("Nobody can sign in through {name}."),
            1 => format!("Nobody can sign in through {name}; one person did in the last 30 days."),
            some => format!("Nobody can sign in through {name}; {some} people did in the last 30 days."),
        };
        match self.kind {
            Kind::SamlMetadata => {
                format!("Sign-ins through {name} go on by what was last read, but the provider no longer stands by it.")
            }
            Kind::SamlIdpCertificate if self.lenient => format!(
                "{name} will sign with another certificate by then. If that one is not trusted here: {}",
                lowered(&nobody)
            ),
            Kind::SamlSpKey => {
                format!("A provider that looks at the date does not take our key any more: {}", lowered(&nobody))
            }
            Kind::ConnectionSecret | Kind::ConnectionKey | Kind::SamlIdpCertificate => nobody,
            Kind::DriverCredential => {
                format!("The client secret of {name} does not rotate by itself any more, and ends some day.")
            }
            Kind::ClientSecret => {
                format!("{name} gets no tokens: nobody can sign in to it, and it cannot call anything.")
            }
            Kind::ClientCertificate => format!("{name} may stop using it by itself; here its key goes on to count."),
            Kind::OperatorKey => format!("Whatever administers with the key {name} is refused."),
            Kind::TlsCertificate => {
                format!("No browser and no application trusts {name} any more: nobody can sign in anywhere.")
            }
        }
    }

    /// What somebody does about it.
    pub const fn advice(&self) -> &'static str {
        match (self.kind, self.successor) {
            (Kind::ConnectionSecret | Kind::ConnectionKey | Kind::SamlSpKey, Successor::Waiting) => {
                "The next one is there; let it take over."
            }
            (Kind::ConnectionSecret, _) => "Make another secret at the provider, and put it in beside this one.",
            (Kind::DriverCredential, _) => "Make another one at the provider with the same right, and enter it.",
            (Kind::ConnectionKey | Kind::SamlSpKey, _) => {
                "Add the next key, let the provider read it, and then let it take over."
            }
            (Kind::SamlIdpCertificate, _) => {
                "Ask the provider for its next certificate and add it before then; both are trusted side by side."
            }
            (Kind::SamlMetadata, _) => {
                "The provider publishes a new document in time. If it does not, ask there why its metadata stands still."
            }
            (Kind::ClientSecret, _) => "Add a secret, put it into the application, and let the old one end.",
            (Kind::ClientCertificate, _) => "Ask whoever runs the application for its next certificate, and add it.",
            (Kind::OperatorKey, _) => "Make another key, put it where this one is used, and delete this one.",
            (Kind::TlsCertificate, _) => "Put a renewed certificate in the place of the file; it is taken up at once.",
        }
    }
}

/// "Nobody can" within a sentence.
fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// How many people came lately, by the slug of their connection.
#[derive(Clone, Debug, Default)]
pub struct People(HashMap<String, i64>);

impl People {
    /// # Errors
    /// the database's.
    pub async fn count(conn: &mut Conn, now: OffsetDateTime) -> Result<Self, sqlx::Error> {
        let counted = user::store::came_since(conn, now - RECENTLY).await?;
        Ok(Self(counted.into_iter().collect()))
    }

    fn recently(&self, slug: &str) -> i64 {
        self.0.get(slug).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(successor: Successor) -> Expiry {
        Expiry {
            kind: Kind::ConnectionSecret,
            owner: "contoso".into(),
            name: "Contoso".into(),
            id: "x".into(),
            at: OffsetDateTime::UNIX_EPOCH,
            state: State::Active,
            successor,
            lenient: false,
            path: "/admin/connections/contoso".into(),
        }
    }

    #[test]
    fn it_says_what_happens_to_whom() {
        let people = |count| People(HashMap::from([("contoso".into(), count)]));
        let one = secret(Successor::Missing);
        assert_eq!(one.consequence(&People::default()), "Nobody can sign in through Contoso.");
        let words = "Nobody can sign in through Contoso; 212 people did in the last 30 days.";
        assert_eq!(one.consequence(&people(212)), words);
        assert!(secret(Successor::Working).consequence(&people(212)).starts_with("Nobody notices"));
        let key = Expiry { kind: Kind::SamlSpKey, ..one };
        assert!(
            key.consequence(&people(1))
                .ends_with("more: nobody can sign in through Contoso; one person did in the last 30 days.")
        );
    }

    #[test]
    fn a_month_ahead_it_presses_unless_something_comes_after_it() {
        let at = OffsetDateTime::UNIX_EPOCH;
        for (days, pressing) in [(-1, true), (0, true), (29, true), (30, false)] {
            let now = at - Duration::days(days);
            assert_eq!(secret(Successor::Missing).is_pressing(now), pressing, "{days}");
            assert_eq!(secret(Successor::Waiting).is_pressing(now), pressing, "{days}");
            assert!(!secret(Successor::Working).is_pressing(now));
        }
    }
}
