//! How a provider's administration is spoken to: one file for each kind, behind one door. A driver looks before it does
//! anything, so that each of its calls may be made again after a crash; it writes nothing down but a credential that the
//! provider changed in its hands. It removes only what [`At::ours`] knows, or the secret in use.

mod auth0;
mod call;
mod entra;
mod keycloak;
mod okta;
mod registration;

use time::{Duration, OffsetDateTime};

use super::Rotation;
use super::cause::Hitch;
use super::store::Made;
use crate::broker::Broker;
use crate::connection::secret_driver::{SecretDriver, Settings};
use crate::connection::{Connection, CredentialState, OidcSettings};
use crate::secret::Secret;
use crate::upstream::SecretTrial;

/// Whom a driver speaks for, and what is known so far.
pub(super) struct At<'a> {
    pub broker: &'a Broker,
    pub connection: &'a Connection,
    pub oidc: &'a OidcSettings,
    pub driver: &'a SecretDriver,
    pub rotation: &'a Rotation,
    /// The driver's own; the connection's where it has none.
    pub credential: Secret<String>,
    /// The connection's secret in use.
    pub active: Secret<String>,
    pub made: &'a [Made],
}

/// What can be counted on at a provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// We make the value, so that it is stored before the provider knows it.
    pub chooses: bool,
    /// The old secret ends when the new one begins.
    pub cuts: bool,
}

pub(super) struct Added {
    /// The provider's id, where it has one.
    pub id: Option<String>,
    /// Where the provider chose it.
    pub value: Option<Secret<String>>,
    pub expires_at: Option<OffsetDateTime>,
}

pub(super) enum Removal {
    Done,
    /// The first half is done; the second comes after so long.
    Half(Duration),
}

pub(super) fn manner(settings: &Settings) -> Manner {
    match settings {
        Settings::Entra { .. } => Manner { chooses: false, cuts: false },
        Settings::Okta { .. } => Manner { chooses: true, cuts: false },
        Settings::Auth0 { .. } => Manner { chooses: true, cuts: true },
        Settings::Keycloak { keeps_old, .. } => Manner { chooses: !keeps_old, cuts: !keeps_old },
        Settings::Registration { .. } => Manner { chooses: false, cuts: true },
    }
}

/// Looks at what there is, and removes what earlier rotations of ours left behind. The id of the secret in use, if it is
/// known to be that.
pub(super) async fn survey(at: &mut At<'_>) -> Result<Option<String>, Hitch> {
    match &at.driver.settings {
        Settings::Entra { .. } => entra::survey(at).await,
        Settings::Okta { .. } => okta::survey(at).await,
        Settings::Auth0 { .. } => auth0::survey(at).await,
        Settings::Keycloak { .. } => keycloak::survey(at).await,
        Settings::Registration { .. } => Ok(None),
    }
}

/// Another secret: `value`, where we choose it.
pub(super) async fn add(at: &mut At<'_>, value: Option<&Secret<String>>) -> Result<Added, Hitch> {
    match (&at.driver.settings, value) {
        (Settings::Entra { .. }, _) => entra::add(at).await,
        (Settings::Registration { .. }, _) => registration::add(at).await,
        (Settings::Keycloak { keeps_old: true, .. }, _) => keycloak::regenerate(at).await,
        (Settings::Okta { .. }, Some(value)) => okta::add(at, value).await,
        (Settings::Auth0 { .. }, Some(value)) => auth0::set(at, value).await,
        (Settings::Keycloak { .. }, Some(value)) => keycloak::set(at, value).await,
        (_, None) => Err(Hitch::never(super::Cause::Unreadable, "the value that was made for the provider is gone")),
    }
}

/// Whether the provider takes it, beside a wrong one that it must not take.
pub(super) async fn probe(at: &At<'_>, value: &Secret<String>) -> SecretTrial {
    match &at.driver.settings {
        Settings::Entra { .. } => entra::probe(at, value).await,
        _ => at.broker.upstreams.try_secret(&at.broker.ctx, at.connection, value).await,
    }
}

/// The secret before, by its id.
pub(super) async fn remove(at: &mut At<'_>, id: &str) -> Result<Removal, Hitch> {
    match &at.driver.settings {
        Settings::Entra { .. } => entra::remove(at, id).await,
        Settings::Okta { .. } => okta::remove(at, id).await,
        Settings::Keycloak { .. } => keycloak::remove_old(at).await,
        Settings::Auth0 { .. } | Settings::Registration { .. } => Ok(Removal::Done),
    }
}

/// The new secret is not wanted: as before. False: the provider knows no way back.
pub(super) async fn take_back(at: &mut At<'_>, value: Option<&Secret<String>>) -> Result<bool, Hitch> {
    match &at.driver.settings {
        Settings::Entra { .. } => entra::take_back(at).await.map(|()| true),
        Settings::Okta { .. } => okta::take_back(at, value).await.map(|()| true),
        Settings::Auth0 { .. } => auth0::set(at, &at.active.clone()).await.map(|_| true),
        Settings::Keycloak { keeps_old: false, .. } => keycloak::set(at, &at.active.clone()).await.map(|_| true),
        Settings::Keycloak { .. } | Settings::Registration { .. } => Ok(false),
    }
}

impl At<'_> {
    /// Made by a rotation of this connection, and nothing here uses it.
    fn is_orphan(&self, id: &str, name: Option<&str>) -> bool {
        let ours = |made: &&Made| made.new_id.as_deref() == Some(id) || name == Some(made.marker.as_str());
        self.made.iter().any(|made| ours(&made)) && !self.in_use(id)
    }

    /// A secret of the connection that still does something came from there.
    fn in_use(&self, id: &str) -> bool {
        self.made.iter().filter(|made| made.new_id.as_deref() == Some(id)).any(|made| {
            self.connection.credentials.iter().any(|one| {
                made.credential.as_ref() == Some(&one.id)
                    && matches!(one.state, CredentialState::Active | CredentialState::Next | CredentialState::Retiring)
            })
        })
    }

    /// The provider's id of the secret in use, where a rotation made it.
    fn active_id(&self) -> Option<String> {
        let active = self.connection.active(crate::connection::CredentialKind::ClientSecret)?;
        self.made.iter().find(|made| made.credential.as_ref() == Some(&active.id))?.new_id.clone()
    }
}
