//! The rotation of an upstream client secret by the provider's own API: one durable row a rotation, every transition written
//! before its side effect, so that whoever finds the row after a crash goes on from it. One replica acts at a time, by a
//! lease with a fencing token; all of them see. Owns the order of the steps and their pace; how a provider is spoken to is
//! `driver`'s, what becomes of our own secrets is `connection::credential::client_secret`'s.
//!
//! The old secret stays in use until the new one is proven, and works until the new one has been watched. Nothing at the
//! provider is ever removed but what a rotation of this connection made, or what is known to be the secret in use.

mod advance;
mod cause;
mod driver;
mod ending;
mod newer;
mod prove;
pub mod store;
pub mod watch;

use serde_json::json;
use time::{Duration, OffsetDateTime};

pub use cause::Cause;
pub use newer::newer;

use crate::audit::{self, Author};
use crate::connection::secret_driver::{self, SecretDriver};
use crate::connection::{self, Slug};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ConnectionId, CredentialId, RotationId};
use crate::secret::Secret;
use crate::vault::{OpenError, Place, Sealed};

/// Between two rotations of one connection: what was deleted a moment ago may still be listed.
pub const PAUSE: Duration = Duration::minutes(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// What the provider has is looked at, and what earlier rotations left behind removed.
    Plan,
    /// The provider is asked for another secret, or told ours.
    Add,
    /// Its value is sealed, and becomes the connection's next secret.
    Store,
    /// It is tried at the provider until it is proven.
    Prove,
    Promote,
    /// Both work; the old one stands by.
    Watch,
    /// The old one is removed at the provider.
    Remove,
    Done,
}

impl Step {
    pub const ALL: [Self; 8] =
        [Self::Plan, Self::Add, Self::Store, Self::Prove, Self::Promote, Self::Watch, Self::Remove, Self::Done];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Add => "add",
            Self::Store => "store",
            Self::Prove => "prove",
            Self::Promote => "promote",
            Self::Watch => "watch",
            Self::Remove => "remove",
            Self::Done => "done",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == text)
    }

    /// In front of people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Plan => "Look at what the provider has",
            Self::Add => "Add a secret there",
            Self::Store => "Store it here, sealed",
            Self::Prove => "Wait until the provider takes it",
            Self::Promote => "Let it take over",
            Self::Watch => "Keep the old one standing by",
            Self::Remove => "Remove the old one at the provider",
            Self::Done => "Done",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
    Stopped,
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Stopped];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

#[derive(Clone, Debug)]
pub struct Rotation {
    pub id: RotationId,
    pub connection: ConnectionId,
    pub driver: String,
    pub step: Step,
    pub marker: String,
    pub lifetime_days: i32,
    /// The provider's id of the secret before, if it is known to be ours.
    pub old_id: Option<String>,
    /// The provider's id of the new one.
    pub new_id: Option<String>,
    candidate: Option<Sealed>,
    pub expires_at: Option<OffsetDateTime>,
    /// The new secret, as the connection's.
    pub credential: Option<CredentialId>,
    pub previous: Option<CredentialId>,
    /// Of this step, in vain.
    pub attempts: i32,
    pub step_at: OffsetDateTime,
    proofs: i32,
    proofs_since: Option<OffsetDateTime>,
    proved_at: Option<OffsetDateTime>,
    pub next_at: OffsetDateTime,
    pub last_error: Option<String>,
    pub stop_asked_by: Option<String>,
    pub asked_by: String,
    pub started_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
    pub outcome: Option<Outcome>,
    pub cause: Option<Cause>,
    fence: i64,
}

impl Rotation {
    fn place(id: &RotationId) -> Place<'_> {
        Place { table: "secret_rotations", column: "candidate", row: id.as_str() }
    }

    fn candidate(&self, ctx: &Ctx) -> Result<Option<Secret<String>>, OpenError> {
        let open = |sealed| ctx.vault.open_text(Self::place(&self.id), sealed);
        self.candidate.as_ref().map(open).transpose()
    }

    /// Who does it, for the audit log.
    fn author(&self) -> Author {
        Author { actor: format!("rotation:{}", self.id), trace_id: None, remote_addr: None }
    }
}

/// What there is to show of one connection.
#[derive(Clone, Debug)]
pub struct Standing {
    pub driver: Option<SecretDriver>,
    /// The newest first, a few.
    pub rotations: Vec<Rotation>,
}

impl Standing {
    pub fn running(&self) -> Option<&Rotation> {
        self.rotations.iter().find(|one| one.finished_at.is_none())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error("the rotation cannot be begun or stopped: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the secret of the connection {0} does not rotate by itself; set up how")]
    NoDriver(Slug),
    #[error("the connection {0}, or its rotation, is switched off")]
    Disabled(Slug),
    #[error("a rotation of the connection {0} is under way already")]
    Running(Slug),
    #[error("no rotation of the connection {0} is under way")]
    NotRunning(Slug),
    #[error("a rotation of the connection {0} ended less than ten minutes ago; the provider may need that long")]
    TooSoon(Slug),
}

/// # Errors
/// [`RotationError::Unknown`] and the database's.
pub async fn standing(conn: &mut Conn, slug: &Slug) -> Result<Standing, RotationError> {
    let connection = connection::store::by_slug(conn, slug).await?;
    let connection = connection.ok_or_else(|| RotationError::Unknown(slug.clone()))?;
    Ok(Standing {
        driver: secret_driver::store::of(conn, &connection.id).await?,
        rotations: store::latest(conn, &connection.id).await?,
    })
}

/// Begins one now.
///
/// # Errors
/// [`RotationError`]; then nothing was begun.
pub async fn run_now(ctx: &Ctx, author: &Author, slug: &Slug) -> Result<Rotation, RotationError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let now = ctx.now();
        let connection = connection::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| RotationError::Unknown(slug.clone()))?;
        let driver = secret_driver::store::of(conn, &connection.id).await?;
        let driver = driver.ok_or_else(|| RotationError::NoDriver(slug.clone()))?;
        if !connection.enabled || !driver.enabled {
            return Err(RotationError::Disabled(slug.clone()));
        }
        let latest = store::latest(conn, &connection.id).await?;
        if latest.iter().any(|one| one.finished_at.is_none()) {
            return Err(RotationError::Running(slug.clone()));
        }
        if latest.iter().any(|one| one.finished_at.is_some_and(|at| now - at < PAUSE)) {
            return Err(RotationError::TooSoon(slug.clone()));
        }
        let begun = begin(ctx, conn, author, slug, &driver).await?;
        begun.ok_or_else(|| RotationError::Running(slug.clone()))
    })
    .await
}

/// Nothing, where one is under way.
async fn begin(
    ctx: &Ctx,
    conn: &mut Conn,
    author: &Author,
    slug: &Slug,
    driver: &SecretDriver,
) -> Result<Option<Rotation>, sqlx::Error> {
    let now = ctx.now();
    let id = RotationId::new(now, &ctx.rng);
    if !store::insert(conn, &id, driver, &author.actor, now).await? {
        return Ok(None);
    }
    let detail = json!({ "rotation": id, "driver": driver.settings.kind() });
    audit::record(ctx, conn, author.did("connection.rotation_started").connection(slug).detail(detail)).await?;
    store::by_id(conn, &id).await
}

/// The one under way ends where it is, as soon as whoever is at it has seen it; what it made so far is taken back while the
/// old secret is still in use.
///
/// # Errors
/// [`RotationError`]; then nothing was changed.
pub async fn stop(ctx: &Ctx, author: &Author, slug: &Slug) -> Result<(), RotationError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = connection::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| RotationError::Unknown(slug.clone()))?;
        if !store::ask_to_stop(conn, &connection.id, &author.actor, ctx.now()).await? {
            return Err(RotationError::NotRunning(slug.clone()));
        }
        audit::record(ctx, conn, author.did("connection.rotation_stop_asked").connection(slug)).await?;
        Ok(())
    })
    .await
}
