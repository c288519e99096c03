//! The driver of a connection: how its client secret is rotated by the provider's own API, and by whose right. Owns what is
//! configured and the driver's own credential, which is sealed and never shown. It rotates nothing (`rotation` does).

pub mod own_key;
pub mod settings;
pub mod store;

use serde_json::json;
use time::{Duration, OffsetDateTime};

pub use settings::{Kind, Settings};

use super::{CredentialKind, Slug};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::ConnectionId;
use crate::secret::Secret;
use crate::vault::{OpenError, Place, Sealed};

/// Before the end of a secret, whatever the interval.
const AHEAD: Duration = Duration::days(14);
/// Keycloak's default for the life of a rotated secret is two days.
const KEYCLOAK_WATCH: i32 = 47;

#[derive(Clone, Debug)]
pub struct SecretDriver {
    pub connection: ConnectionId,
    /// One more with each change by an operator.
    pub version: i64,
    pub settings: Settings,
    sealed: Option<Sealed>,
    pub credential_expires_at: Option<OffsetDateTime>,
    pub interval_days: i32,
    /// Asked for where the provider takes a lifetime.
    pub lifetime_days: i32,
    /// For so long the old secret goes on to work after the new one took over.
    pub watch_hours: i32,
    pub enabled: bool,
    /// Absent: not before somebody asks for it.
    pub next_rotation_at: Option<OffsetDateTime>,
}

/// What an operator decides, as it was written.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub driver: Settings,
    /// Absent: the stored one stays.
    #[serde(default)]
    pub credential: Option<Secret<String>>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub credential_expires_at: Option<OffsetDateTime>,
    #[serde(default = "usual_interval")]
    pub interval_days: i32,
    #[serde(default = "usual_lifetime")]
    pub lifetime_days: i32,
    #[serde(default = "usual_watch")]
    pub watch_hours: i32,
    #[serde(default = "yes")]
    pub enabled: bool,
}

pub const fn usual_interval() -> i32 {
    90
}
pub const fn usual_lifetime() -> i32 {
    180
}
pub const fn usual_watch() -> i32 {
    24
}
const fn yes() -> bool {
    true
}

#[derive(Debug, thiserror::Error)]
pub enum SecretDriverError {
    #[error("cannot change how the secret rotates: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the secret of the connection {0} does not rotate by itself")]
    None(Slug),
    #[error("the connection {0} proves itself without a client secret; there is nothing to rotate")]
    NoSecret(Slug),
    #[error("a rotation of the connection {0} is under way; stop it first")]
    Running(Slug),
    #[error("it was changed since it was read")]
    Changed,
    /// By field.
    #[error("{}", .0.iter().map(|(field, said)| format!("{field}: {said}")).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<(&'static str, String)>),
}

impl SecretDriver {
    fn place(connection: &ConnectionId) -> Place<'_> {
        Place { table: "secret_drivers", column: "sealed", row: connection.as_str() }
    }

    /// The driver's own credential; `None` where it comes as the connection itself.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn credential(&self, ctx: &Ctx) -> Result<Option<Secret<String>>, OpenError> {
        let open = |sealed| ctx.vault.open_text(Self::place(&self.connection), sealed);
        self.sealed.as_ref().map(open).transpose()
    }

    pub fn has_credential(&self) -> bool {
        self.sealed.is_some()
    }

    /// When a secret that is in use since `since` is to be rotated.
    pub fn due(&self, since: OffsetDateTime, expires_at: Option<OffsetDateTime>) -> OffsetDateTime {
        let by_interval = since + Duration::days(self.interval_days.into());
        expires_at.map_or(by_interval, |end| by_interval.min(end - AHEAD))
    }
}

/// A credential that the provider gave in exchange for the one before (RFC 7592 §3), sealed for its place.
pub fn sealed(ctx: &Ctx, connection: &ConnectionId, credential: &Secret<String>) -> Sealed {
    ctx.vault.seal(SecretDriver::place(connection), credential.expose().as_bytes(), &ctx.rng)
}

/// Makes it the connection's driver, or changes it. `version`: what was read; none: whatever is there.
///
/// # Errors
/// [`SecretDriverError`]; then nothing was changed.
pub async fn put(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    mut wanted: Wanted,
    version: Option<i64>,
) -> Result<SecretDriver, SecretDriverError> {
    let now = ctx.now();
    let mut faults = Vec::new();
    wanted.driver.tidy(&ctx.http, &mut faults);
    check(&wanted, now, &mut faults);
    // RSA takes a good part of a second: before the transaction opens
    let made = if wanted.driver.has_key() { Some(own_key::generate()) } else { None };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = super::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| SecretDriverError::Unknown(slug.clone()))?;
        if !connection.by_secret() {
            return Err(SecretDriverError::NoSecret(slug.clone()));
        }
        let before = store::of(conn, &connection.id).await?;
        if version.is_some_and(|version| before.as_ref().is_none_or(|before| before.version != version)) {
            return Err(SecretDriverError::Changed);
        }
        // a stored credential goes nowhere but where it was entered for
        let kept = before.as_ref().filter(|before| {
            before.settings.kind() == wanted.driver.kind()
                && before.settings.destinations() == wanted.driver.destinations()
        });
        let credential = match (&wanted.credential, wanted.driver.needs_credential()) {
            (_, false) => made.as_ref().map(|key| {
                let stays = kept.and_then(|before| before.sealed.clone());
                stays.unwrap_or_else(|| sealed(ctx, &connection.id, key))
            }),
            (Some(given), true) => Some(sealed(ctx, &connection.id, given)),
            (None, true) => match kept.and_then(|before| before.sealed.clone()) {
                Some(kept) => Some(kept),
                None => {
                    let why =
                        if before.is_some() { "Enter it again: where it is sent was changed." } else { "Enter it." };
                    faults.push(("credential", why.into()));
                    None
                }
            },
        };
        if !faults.is_empty() {
            return Err(SecretDriverError::Invalid(std::mem::take(&mut faults)));
        }
        let active = connection.active(CredentialKind::ClientSecret);
        let mut driver = SecretDriver {
            connection: connection.id.clone(),
            version: before.as_ref().map_or(1, |before| before.version + 1),
            sealed: credential,
            credential_expires_at: wanted.credential_expires_at.filter(|_| wanted.driver.needs_credential()),
            settings: wanted.driver.clone(),
            interval_days: wanted.interval_days,
            lifetime_days: wanted.lifetime_days,
            watch_hours: wanted.watch_hours,
            enabled: wanted.enabled,
            next_rotation_at: None,
        };
        driver.next_rotation_at =
            active.map(|active| driver.due(active.created_at, active.expires_at).max(now + Duration::minutes(1)));
        store::put(conn, &driver, now).await?;
        let detail = json!({ "changes": changes(before.as_ref(), &driver), "credential": wanted.credential.is_some() });
        audit::record(ctx, conn, author.did("connection.rotation_set").connection(slug).detail(detail)).await?;
        Ok(driver)
    })
    .await
}

fn check(wanted: &Wanted, now: OffsetDateTime, faults: &mut Vec<(&'static str, String)>) {
    if wanted
        .credential
        .as_ref()
        .is_some_and(|given| given.expose().is_empty() || given.expose().trim() != given.expose())
    {
        faults.push(("credential", "It is empty, or has white space at its ends; paste it once more.".into()));
    }
    if wanted.credential.is_some() && wanted.credential_expires_at.is_some_and(|end| end <= now) {
        faults.push(("credential_expires_at", "It must lie ahead.".into()));
    }
    let between = |field: &'static str, number: i32, low: i32, high: i32| {
        (!(low..=high).contains(&number)).then(|| (field, format!("Write a number from {low} to {high}.")))
    };
    faults.extend(between("interval_days", wanted.interval_days, 1, 700));
    faults.extend(between("lifetime_days", wanted.lifetime_days, 2, 730));
    let longest = match &wanted.driver {
        Settings::Keycloak { keeps_old: true, .. } => KEYCLOAK_WATCH,
        _ => 720,
    };
    faults.extend(between("watch_hours", wanted.watch_hours, 1, longest));
    if wanted.driver.kind() == Kind::Entra && wanted.lifetime_days <= wanted.interval_days {
        faults.push(("lifetime_days", "A secret must live longer than until the next rotation.".into()));
    }
}

fn changes(before: Option<&SecretDriver>, after: &SecretDriver) -> serde_json::Value {
    let shown = |one: &SecretDriver| {
        json!({
            "driver": one.settings, "interval_days": one.interval_days, "lifetime_days": one.lifetime_days,
            "watch_hours": one.watch_hours, "enabled": one.enabled,
        })
    };
    let (before, after) = (before.map(shown), shown(after));
    let mut out = serde_json::Map::new();
    for (name, value) in after.as_object().into_iter().flatten() {
        let was = before.as_ref().map_or(serde_json::Value::Null, |before| before[name].clone());
        if was != *value {
            out.insert(name.clone(), json!([was, value]));
        }
    }
    out.into()
}

/// The secret does not rotate by itself any more. Its credential is erased.
///
/// # Errors
/// [`SecretDriverError`]; then nothing was changed.
pub async fn remove(ctx: &Ctx, author: &Author, slug: &Slug) -> Result<(), SecretDriverError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = super::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| SecretDriverError::Unknown(slug.clone()))?;
        if store::is_running(conn, &connection.id).await? {
            return Err(SecretDriverError::Running(slug.clone()));
        }
        let Some(before) = store::of(conn, &connection.id).await? else {
            return Err(SecretDriverError::None(slug.clone()));
        };
        store::delete(conn, &connection.id).await?;
        let event = author.did("connection.rotation_unset").connection(slug);
        audit::record(ctx, conn, event.detail(json!({ "driver": before.settings.kind() }))).await?;
        Ok(())
    })
    .await
}
