//! The live state that handlers share: what every operation needs, and configuration and keys in memory. Configuration
//! is believed only while the database would tell us of a change: see [`Broker::require_live`].

pub mod assertion;
mod attempts;
mod bearer;
pub mod catalog;
pub mod certificate;
mod credentials;
pub mod endpoint;
pub mod expiry;
pub mod extract;
pub mod listen;
mod polls;
mod used_secrets;

use attempts::Attempts;
pub use catalog::Catalog;
pub use polls::Pace;
use polls::Polls;
use used_secrets::Uses;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::audit;
use crate::client::{self, key::KeyName};
use crate::ctx::Ctx;
use crate::db;
use crate::errand::Standing;
use crate::ids::{ClientSecretId, OperatorKeyId};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::operator;
use crate::session::Lifetimes;
use crate::settings::{self, Settings};
use crate::signing_key::KeySet;
use crate::signing_key::consumer::{self, fetches::Fetches};
use crate::telemetry::Metrics;
use crate::trace;
use crate::upstream::Upstreams;
use crate::web::brand::{Brand, Branding};

/// The window in which attempts are counted.
const LIMITED: time::Duration = time::Duration::minutes(10);
const MINUTE: time::Duration = time::Duration::minutes(1);

pub struct Broker {
    pub ctx: Ctx,
    pub catalog: ArcSwap<Catalog>,
    pub keys: ArcSwap<KeySet>,
    pub settings: ArcSwap<Settings>,
    /// The TLS certificate of our own listener.
    pub served: ArcSwapOption<expiry::Served>,
    /// How pages look by the settings.
    pub branding: Arc<Branding>,
    pub upstreams: Upstreams,
    pub audit: audit::Sink,
    pub finished_days: audit::tally::FinishedDays,
    pub traces: trace::Sink,
    pub metrics: Metrics,
    pub session_lifetimes: Lifetimes,
    pub used_secrets: Uses<ClientSecretId>,
    /// Keys by which clients sign for themselves.
    pub used_client_keys: Uses<KeyName>,
    pub used_operator_keys: Uses<OperatorKeyId>,
    /// Who reads the JWKS.
    pub fetches: Fetches,
    pub device_polls: Polls,
    /// Wrong user codes, by address and by browser.
    pub code_guesses: Attempts,
    /// Device authorization requests, by address.
    pub device_requests: Attempts,
    /// By client and address.
    failed_authentications: Attempts,
    /// By client, of those that have a `rate_limit`.
    token_requests: Attempts,
    /// Somebody is owed a logout token.
    pub logouts_owed: tokio::sync::Notify,
    /// A webhook is owed a message.
    pub webhooks_owed: tokio::sync::Notify,
    /// Clients that make secrets for themselves.
    pub secret_rotations: Attempts,
    /// Answers that did not decrypt, by connection and address.
    pub undecrypted: Attempts,
    /// Our credentials tried at a provider, by connection.
    credential_trials: Attempts,
    live: AtomicBool,
    reloading: tokio::sync::Mutex<()>,
}

impl Broker {
    /// Loads everything once; [`listen::run`] keeps it fresh.
    ///
    /// # Errors
    /// when the database cannot be read or a signing key does not open.
    pub async fn load(ctx: Ctx, metrics: Metrics, session_lifetimes: Lifetimes) -> anyhow::Result<Arc<Self>> {
        let (catalog, keys, settings) = read(&ctx, None).await?;
        let (keys, upstreams) = (Arc::new(keys), Upstreams::new());
        upstreams.sign_with(keys.clone());
        Ok(Arc::new(Self {
            catalog: ArcSwap::from_pointee(catalog),
            keys: ArcSwap::from(keys),
            branding: Arc::new(Branding::new(settings.look())),
            settings: ArcSwap::from_pointee(settings),
            served: ArcSwapOption::empty(),
            upstreams,
            audit: audit::Sink::start(ctx.clone()),
            finished_days: audit::tally::FinishedDays::default(),
            traces: trace::Sink::start(ctx.clone()),
            metrics,
            session_lifetimes,
            used_secrets: Uses::default(),
            used_client_keys: Uses::default(),
            used_operator_keys: Uses::default(),
            fetches: Fetches::default(),
            device_polls: Polls::default(),
            code_guesses: Attempts::new(LIMITED),
            device_requests: Attempts::new(LIMITED),
            failed_authentications: Attempts::new(MINUTE),
            token_requests: Attempts::new(MINUTE),
            logouts_owed: tokio::sync::Notify::new(),
            webhooks_owed: tokio::sync::Notify::new(),
            secret_rotations: Attempts::new(LIMITED),
            undecrypted: Attempts::new(LIMITED),
            credential_trials: Attempts::new(MINUTE),
            live: AtomicBool::new(true),
            reloading: tokio::sync::Mutex::default(),
            ctx,
        }))
    }

    /// Reads configuration and keys anew, all of it. One at a time, so that a slow reader never puts back what was before.
    ///
    /// # Errors
    /// as [`Broker::load`]; what was there before stays.
    pub async fn reload(&self) -> anyhow::Result<()> {
        self.take_up(false).await
    }

    /// The same, but rows that were not written since are not read again. For as long as the database is the same one:
    /// after a lost connection it may be a copy of yesterday's.
    ///
    /// # Errors
    /// as [`Broker::reload`].
    pub async fn take_up_changes(&self) -> anyhow::Result<()> {
        self.take_up(true).await
    }

    async fn take_up(&self, changes_only: bool) -> anyhow::Result<()> {
        let _alone = self.reloading.lock().await;
        let known = changes_only.then(|| self.catalog.load_full());
        let (catalog, keys, settings) = read(&self.ctx, known.as_deref()).await?;
        self.catalog.store(Arc::new(catalog));
        let keys = Arc::new(keys);
        self.upstreams.sign_with(keys.clone());
        self.keys.store(keys);
        if settings.version != self.settings.load().version {
            self.branding.replace(settings.look());
        }
        self.settings.store(Arc::new(settings));
        Ok(())
    }

    /// # Errors
    /// the database's; what was gathered is then lost, which costs a minute of "last used".
    pub async fn write_used_secrets(&self) -> Result<(), sqlx::Error> {
        let uses = self.used_secrets.take();
        if !uses.is_empty() {
            client::secret::store::used(&mut *self.ctx.db.acquire().await?, &uses).await?;
        }
        let uses = self.used_client_keys.take();
        if !uses.is_empty() {
            client::key::store::used(&mut *self.ctx.db.acquire().await?, &uses).await?;
        }
        let uses = self.used_operator_keys.take();
        if !uses.is_empty() {
            operator::api_key::store::used(&mut *self.ctx.db.acquire().await?, &uses).await?;
        }
        self.write_credential_uses().await?;
        Ok(())
    }

    /// # Errors
    /// the database's; what was gathered is then lost: who came counts as one who did not.
    pub async fn write_fetches(&self) -> Result<(), sqlx::Error> {
        let seen = self.fetches.take();
        if !seen.is_empty() {
            consumer::store::add(&mut *self.ctx.db.acquire().await?, &seen).await?;
        }
        Ok(())
    }

    /// While the database is away we cannot know of a disabled client or a revoked secret, so we do not decide: 503
    /// with Retry-After, never 400 or 401, because clients latch on those.
    ///
    /// # Errors
    /// `temporarily_unavailable`.
    pub fn require_live(&self) -> Result<(), OAuthError> {
        if self.is_live() {
            return Ok(());
        }
        Err(OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "the database cannot be reached; try again in a few seconds",
        ))
    }

    /// Between one look of a background task and the next: so long, and until the database is there. False: it is over.
    pub async fn pause(&self, pause: Duration) -> bool {
        loop {
            tokio::time::sleep(pause).await;
            match self.standing() {
                Standing::Open => return true,
                Standing::Over => return false,
                Standing::Waiting => {}
            }
        }
    }

    /// Whether what is owed to somebody outside can be paid now.
    pub fn standing(&self) -> Standing {
        match self.is_live() {
            _ if self.ctx.db.is_closed() => Standing::Over,
            true => Standing::Open,
            false => Standing::Waiting,
        }
    }

    /// How long the record of a login is kept.
    pub fn trace_retention(&self) -> time::Duration {
        time::Duration::days(self.settings.load().chosen.trace_retention.into())
    }

    /// For a page's frame, as the operator has it now.
    pub fn brand(&self) -> Brand {
        self.branding.brand(&self.ctx.urls)
    }

    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Release);
    }
}

/// For one statement: a hundred thousand clients take a second, or many where the machine is busy.
const READING: Duration = Duration::from_secs(120);

/// All of it as it stood at one moment.
async fn read(ctx: &Ctx, known: Option<&Catalog>) -> anyhow::Result<(Catalog, KeySet, Settings)> {
    db::in_snapshot(&ctx.db, async |conn| {
        db::allow(conn, READING).await?;
        let catalog = Catalog::load(conn, known).await?;
        let keys = KeySet::load(conn, &ctx.vault).await?;
        Ok((catalog, keys, settings::store::load(conn).await?))
    })
    .await
}
