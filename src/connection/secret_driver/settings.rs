//! Where a provider's administration is, and who we are there: one shape for each kind of driver. Knows no secret.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::outbound::Client;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Entra,
    Okta,
    Auth0,
    Keycloak,
    Registration,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Entra, Self::Okta, Self::Auth0, Self::Keycloak, Self::Registration];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Auth0 => "auth0",
            Self::Keycloak => "keycloak",
            Self::Registration => "registration",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// In front of people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Entra => "Entra ID (Microsoft Graph)",
            Self::Okta => "Okta",
            Self::Auth0 => "Auth0",
            Self::Keycloak => "Keycloak",
            Self::Registration => "Client registration (RFC 7592)",
        }
    }
}

/// `{"kind": "entra", ...}`. URLs are stored without a slash at their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Settings {
    Entra {
        /// Directory (tenant) id.
        tenant: String,
        /// The app registration by which the driver comes; absent: it comes as the connection's own, which then must own
        /// itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
        /// Object id of the connection's app registration; absent: it is looked up by its application id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object_id: Option<String>,
        /// "Secret ID" of the secret in use, so that the first rotation can remove it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        current_key_id: Option<String>,
        #[serde(default = "login_url")]
        login_url: String,
        #[serde(default = "graph_url")]
        graph_url: String,
    },
    Okta {
        /// `https://example.okta.com`
        url: String,
        /// Absent: the client id, which it usually is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app_id: Option<String>,
        /// The credential is an OAuth access token, not an API token (SSWS).
        #[serde(default)]
        bearer: bool,
        /// The service app by which the driver comes, with a key that is made here; absent: it comes with a token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
    },
    Auth0 {
        /// `https://example.eu.auth0.com`
        url: String,
        /// Of the machine-to-machine application that may `update:clients`.
        client_id: String,
    },
    Keycloak {
        /// `https://sso.example.com`, with the path it is served below.
        url: String,
        realm: String,
        /// Of the service account.
        client_id: String,
        /// The realm has a client policy with the executor `secret-rotation`, so that the old secret goes on to work.
        #[serde(default)]
        keeps_old: bool,
    },
    Registration {
        /// `registration_client_uri`
        url: String,
    },
}

pub fn login_url() -> String {
    "https://login.microsoftonline.com".into()
}

pub fn graph_url() -> String {
    "https://graph.microsoft.com/v1.0".into()
}

impl Settings {
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Entra { .. } => Kind::Entra,
            Self::Okta { .. } => Kind::Okta,
            Self::Auth0 { .. } => Kind::Auth0,
            Self::Keycloak { .. } => Kind::Keycloak,
            Self::Registration { .. } => Kind::Registration,
        }
    }

    /// Whether somebody has to enter a credential of the driver's own.
    pub const fn needs_credential(&self) -> bool {
        !matches!(self, Self::Entra { client_id: None, .. }) && !self.has_key()
    }

    /// Whether the driver's own credential is a key that is made here (`private_key_jwt`).
    pub const fn has_key(&self) -> bool {
        matches!(self, Self::Okta { client_id: Some(_), .. })
    }

    /// Where the driver's credential is sent, and as whose. Another place means another credential.
    pub fn destinations(&self) -> Vec<&str> {
        match self {
            Self::Entra { login_url, graph_url, tenant, client_id, .. } => {
                vec![login_url, graph_url, tenant, client_id.as_deref().unwrap_or_default()]
            }
            Self::Okta { url, client_id, .. } => vec![url, client_id.as_deref().unwrap_or_default()],
            Self::Registration { url } => vec![url],
            Self::Auth0 { url, client_id } => vec![url, client_id],
            Self::Keycloak { url, realm, client_id, .. } => vec![url, realm, client_id],
        }
    }

    /// Without blanks and last slashes, and what is wrong: the field, and a sentence.
    pub fn tidy(&mut self, http: &Client, faults: &mut Vec<(&'static str, String)>) {
        let mut address = |field: &'static str, url: &mut String, query: bool| {
            *url = url.trim().trim_end_matches('/').to_owned();
            match Url::parse(url) {
                Ok(parsed)
                    if parsed.username().is_empty()
                        && parsed.password().is_none()
                        && parsed.fragment().is_none()
                        && (query || parsed.query().is_none()) =>
                {
                    faults
                        .extend(http.admits(&parsed).err().map(|why| (field, format!("We do not send there: {why}."))));
                }
                _ => faults.push((field, "Enter the whole address, such as https://sso.example.com.".into())),
            }
        };
        match self {
            Self::Entra { login_url, graph_url, .. } => {
                address("login_url", login_url, false);
                address("graph_url", graph_url, false);
            }
            Self::Okta { url, .. } | Self::Auth0 { url, .. } | Self::Keycloak { url, .. } => {
                address("url", url, false);
            }
            Self::Registration { url } => address("url", url, true),
        }
        let mut name = |field: &'static str, text: &mut String| {
            *text = text.trim().to_owned();
            let ok = !text.is_empty() && text.len() <= 200 && !text.contains(|c: char| c.is_control() || c == '/');
            if !ok {
                faults.push((field, "Enter it as the provider shows it.".into()));
            }
        };
        match self {
            Self::Entra { tenant, client_id, object_id, current_key_id, .. } => {
                name("tenant", tenant);
                for (field, id) in
                    [("client_id", client_id), ("object_id", object_id), ("current_key_id", current_key_id)]
                {
                    if let Some(id) = id {
                        name(field, id);
                    }
                }
            }
            Self::Okta { app_id, client_id, .. } => {
                for (field, id) in [("app_id", app_id), ("client_id", client_id)] {
                    if let Some(id) = id {
                        name(field, id);
                    }
                }
            }
            Self::Auth0 { client_id, .. } => name("client_id", client_id),
            Self::Keycloak { realm, client_id, .. } => {
                name("realm", realm);
                name("client_id", client_id);
            }
            Self::Registration { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_with_its_usual_addresses_and_nothing_unknown() {
        let read = |text: &str| serde_json::from_str::<Settings>(text);
        let entra = read(r#"{"kind":"entra","tenant":"t"}"#).unwrap();
        assert!(matches!(&entra, Settings::Entra { graph_url, .. } if graph_url.ends_with("/v1.0")));
        assert!(!entra.needs_credential());
        assert!(read(r#"{"kind":"okta","url":"https://o.example","secret":"x"}"#).is_err());
    }

    #[test]
    fn an_address_that_leads_inside_is_refused() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = Client::new(crate::outbound::Policy::default()).unwrap();
        for (url, right) in
            [("https://o.example/", true), ("http://o.example", false), ("https://127.0.0.1", false), ("o", false)]
        {
            let mut faults = Vec::new();
            let mut settings = Settings::Okta { url: url.into(), app_id: None, bearer: false, client_id: None };
            settings.tidy(&http, &mut faults);
            assert_eq!(faults.is_empty(), right, "{url} {faults:?}");
        }
    }
}
