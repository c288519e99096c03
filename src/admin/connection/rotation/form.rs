//! The form of a connection's rotation: what may be typed, and the right that each kind of driver needs at least.

use serde::Deserialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::admin::connection::credential;
use crate::admin::form::{FieldErrors, given};
use crate::connection::secret_driver::settings::{graph_url, login_url};
use crate::connection::secret_driver::{self, Kind, SecretDriver, Settings, Wanted};
use crate::secret::Secret;

/// As it is typed. One field may belong to several kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RotationForm {
    pub kind: String,
    pub url: String,
    pub tenant: String,
    pub client_id: String,
    pub object_id: String,
    pub current_key_id: String,
    pub login_url: String,
    pub graph_url: String,
    pub app_id: String,
    pub bearer: Option<String>,
    pub realm: String,
    pub keeps_old: Option<String>,
    pub credential: Option<Secret<String>>,
    pub credential_expires_at: String,
    pub interval_days: String,
    pub lifetime_days: String,
    pub watch_hours: String,
    pub enabled: Option<String>,
}

/// The least that does it.
pub const fn right(kind: Kind) -> &'static str {
    match kind {
        Kind::Entra => {
            "Application permission Application.ReadWrite.OwnedBy with admin consent, and be an owner of this one app registration. Never Application.ReadWrite.All: it is a key to the whole tenant. Without an application of the driver's own, the connection's app registration must own itself."
        }
        Kind::Okta => {
            "A service app with okta.apps.manage and okta.apps.read, and an administrator's role that is limited to this one app; it proves itself with a key that is made here. An API token acts with all rights of whoever made it, and ends after 30 days without use."
        }
        Kind::Auth0 => {
            "A machine-to-machine application with update:clients. Auth0 grants that for the whole tenant, so guard it well. The old secret ends as soon as the new one begins."
        }
        Kind::Keycloak => {
            "A service account that may configure and manage this one client (fine-grained admin permissions). The role manage-clients would be for all clients."
        }
        Kind::Registration => {
            "The registration access token of this one client. The provider must make a new secret when a registration is updated; the old one ends at once, and there is no way back."
        }
    }
}

impl RotationForm {
    pub fn of(driver: &SecretDriver) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let on = |yes: bool| yes.then(|| "on".to_owned());
        let mut form = Self {
            kind: driver.settings.kind().as_str().into(),
            credential_expires_at: driver.credential_expires_at.map(day).unwrap_or_default(),
            interval_days: driver.interval_days.to_string(),
            lifetime_days: driver.lifetime_days.to_string(),
            watch_hours: driver.watch_hours.to_string(),
            enabled: on(driver.enabled),
            ..Self::blank(driver.settings.kind())
        };
        match driver.settings.clone() {
            Settings::Entra { tenant, client_id, object_id, current_key_id, login_url, graph_url } => {
                (form.tenant, form.login_url, form.graph_url) = (tenant, login_url, graph_url);
                (form.client_id, form.object_id, form.current_key_id) =
                    (text(&client_id), text(&object_id), text(&current_key_id));
            }
            Settings::Okta { url, app_id, bearer, client_id } => {
                (form.url, form.app_id, form.bearer, form.client_id) =
                    (url, text(&app_id), on(bearer), text(&client_id));
            }
            Settings::Auth0 { url, client_id } => (form.url, form.client_id) = (url, client_id),
            Settings::Keycloak { url, realm, client_id, keeps_old } => {
                (form.url, form.realm, form.client_id, form.keeps_old) = (url, realm, client_id, on(keeps_old));
            }
            Settings::Registration { url } => form.url = url,
        }
        form
    }

    pub fn blank(kind: Kind) -> Self {
        Self {
            kind: kind.as_str().into(),
            login_url: login_url(),
            graph_url: graph_url(),
            interval_days: secret_driver::usual_interval().to_string(),
            lifetime_days: secret_driver::usual_lifetime().to_string(),
            watch_hours: secret_driver::usual_watch().to_string(),
            enabled: Some("on".into()),
            ..Self::default()
        }
    }

    pub fn kind(&self) -> Kind {
        Kind::parse(&self.kind).unwrap_or(Kind::Entra)
    }

    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    pub fn wanted(&self, errors: &mut FieldErrors) -> Wanted {
        let own = |text: &str| text.trim().to_owned();
        let driver = match self.kind() {
            Kind::Entra => Settings::Entra {
                tenant: own(&self.tenant),
                client_id: given(&self.client_id),
                object_id: given(&self.object_id),
                current_key_id: given(&self.current_key_id),
                login_url: given(&self.login_url).unwrap_or_else(login_url),
                graph_url: given(&self.graph_url).unwrap_or_else(graph_url),
            },
            Kind::Okta => Settings::Okta {
                url: own(&self.url),
                app_id: given(&self.app_id),
                bearer: self.bearer.is_some(),
                client_id: given(&self.client_id),
            },
            Kind::Auth0 => Settings::Auth0 { url: own(&self.url), client_id: own(&self.client_id) },
            Kind::Keycloak => Settings::Keycloak {
                url: own(&self.url),
                realm: own(&self.realm),
                client_id: own(&self.client_id),
                keeps_old: self.keeps_old.is_some(),
            },
            Kind::Registration => Settings::Registration { url: own(&self.url) },
        };
        let credential_expires_at = credential::day(&self.credential_expires_at).unwrap_or_else(|message| {
            errors.add("credential_expires_at", message);
            None
        });
        // what is no number is out of every range
        let number = |text: &str| text.trim().parse().unwrap_or_default();
        Wanted {
            driver,
            credential: self.credential.as_ref().and_then(|typed| given(typed.expose())).map(Secret::new),
            credential_expires_at,
            interval_days: number(&self.interval_days),
            lifetime_days: number(&self.lifetime_days),
            watch_hours: number(&self.watch_hours),
            enabled: self.enabled.is_some(),
        }
    }
}

fn day(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day]")).unwrap_or_default()
}
