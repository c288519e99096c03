//! The steps of a rotation, one after another for as long as nothing has to be waited for. What a step decides is written
//! together with the step that comes after it; what it does outside was announced by the step before.

use time::{Duration, OffsetDateTime};

use super::cause::{Cause, Hitch};
use super::driver::{self, At, Removal, manner};
use super::prove::{ask, prove, said_of};
use super::{Rotation, Step, ending, store};
use crate::broker::Broker;
use crate::connection::credential::client_secret::{self, Ground, UpstreamSecretError};
use crate::connection::secret_driver::{self, SecretDriver};
use crate::connection::{self, Connection, Credential, CredentialKind, CredentialState, Protocol};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::secret::Secret;
use crate::upstream::SecretTrial;

/// Until every replica knows the new value, where the old one ends with it.
const SETTLE: Duration = Duration::seconds(5);
/// Providers need that long until a new secret counts at all.
const FIRST_PROOF: Duration = Duration::seconds(30);
/// A proof older than that is no ground to remove anything.
const FRESH: Duration = Duration::hours(1);
const MOST_ATTEMPTS: i32 = 12;

pub(super) enum Next {
    Now,
    /// The lease is given back.
    Rests,
}

/// What a step looks at, as it is stored now.
pub(super) struct Scene {
    pub connection: Connection,
    pub driver: SecretDriver,
    pub made: Vec<store::Made>,
}

/// As far as it goes today.
pub(super) async fn go_on(broker: &Broker, mut one: Rotation) {
    loop {
        let done = match &one.stop_asked_by {
            Some(by) => Err(Hitch::never(Cause::Stopped, format!("stopped by {by}"))),
            None => step(broker, &mut one).await,
        };
        let hitch = match done {
            Ok(Next::Now) => continue,
            Ok(Next::Rests) => return,
            Err(hitch) => hitch,
        };
        let met = match hitch {
            Hitch::Later { said, after } => later(broker, &mut one, said, after).await,
            Hitch::Never { cause, said } => ending::failed(broker, &mut one, cause, &said).await,
            other => Err(other),
        };
        match met {
            Ok(()) => {}
            Err(Hitch::Lost) => tracing::info!(rotation = %one.id, "somebody else goes on with the rotation"),
            Err(hitch) => tracing::warn!(rotation = %one.id, ?hitch, "the rotation rests until its lease is over"),
        }
        return;
    }
}

/// Growing pauses, none like another; the provider's word counts where it gave one.
async fn later(
    broker: &Broker,
    one: &mut Rotation,
    said: String,
    after: Option<std::time::Duration>,
) -> Result<(), Hitch> {
    one.attempts += 1;
    if one.attempts >= MOST_ATTEMPTS {
        return ending::failed(broker, one, Cause::TookTooLong, &said).await;
    }
    let doubled = Duration::seconds(15) * 2_i32.pow(one.attempts.clamp(1, 8).unsigned_abs());
    let asked = after.and_then(|after| Duration::try_from(after).ok());
    let pause = asked.unwrap_or(doubled.min(Duration::hours(1)));
    let jitter = f64::from(u16::from_le_bytes(broker.ctx.rng.bytes())) / f64::from(u16::MAX);
    one.next_at = broker.ctx.now() + pause * (1.0 + 0.2 * jitter);
    one.last_error = Some(said);
    rest(&broker.ctx, one).await.map(drop)
}

pub(super) async fn scene(broker: &Broker, one: &Rotation) -> Result<Scene, Hitch> {
    let mut conn = broker.ctx.db.acquire().await?;
    let slug = store::slug(&mut conn, &one.connection).await?.ok_or(Hitch::Lost)?;
    Ok(Scene {
        connection: connection::store::by_slug(&mut conn, &slug).await?.ok_or(Hitch::Lost)?,
        driver: secret_driver::store::of(&mut conn, &one.connection).await?.ok_or(Hitch::Lost)?,
        made: store::made(&mut conn, &one.connection).await?,
    })
}

impl Scene {
    pub fn at<'a>(&'a self, broker: &'a Broker, one: &'a Rotation) -> Result<At<'a>, Hitch> {
        let ctx = &broker.ctx;
        let none = || Hitch::never(Cause::NoSecret, "the connection has no client secret in use");
        let Protocol::Oidc(oidc) = &self.connection.protocol else { return Err(none()) };
        if !self.connection.by_secret() {
            return Err(none());
        }
        let active = self.connection.active(CredentialKind::ClientSecret).ok_or_else(none)?;
        let active = ctx.vault.open_text(Credential::place(&active.id), &active.sealed)?;
        Ok(At {
            broker,
            connection: &self.connection,
            oidc,
            driver: &self.driver,
            rotation: one,
            credential: self.driver.credential(ctx)?.unwrap_or_else(|| active.clone()),
            active,
            made: &self.made,
        })
    }

    /// The secret that this rotation made.
    pub fn new_secret(&self, one: &Rotation) -> Option<&Credential> {
        self.connection.credentials.iter().find(|known| one.credential.as_ref() == Some(&known.id))
    }

    /// Its value, wherever it is by now.
    pub fn value(&self, ctx: &Ctx, one: &Rotation) -> Result<Option<Secret<String>>, Hitch> {
        match self.new_secret(one) {
            Some(stored) => Ok(Some(ctx.vault.open_text(Credential::place(&stored.id), &stored.sealed)?)),
            None => Ok(one.candidate(ctx)?),
        }
    }
}

pub(super) fn enter(one: &mut Rotation, step: Step, now: OffsetDateTime, after: Duration) {
    one.step = step;
    one.step_at = now;
    one.attempts = 0;
    one.last_error = None;
    one.next_at = now + after;
}

pub(super) async fn save(conn: &mut Conn, one: &Rotation, now: OffsetDateTime) -> Result<Next, Hitch> {
    let goes_on = one.next_at <= now;
    if !store::save(conn, one, goes_on.then(|| now + store::LEASE)).await? {
        return Err(Hitch::Lost);
    }
    Ok(if goes_on { Next::Now } else { Next::Rests })
}

pub(super) async fn rest(ctx: &Ctx, one: &Rotation) -> Result<Next, Hitch> {
    let mut conn = ctx.db.acquire().await?;
    if store::save(&mut conn, one, None).await? { Ok(Next::Rests) } else { Err(Hitch::Lost) }
}

async fn step(broker: &Broker, one: &mut Rotation) -> Result<Next, Hitch> {
    let ctx = &broker.ctx;
    let scene = scene(broker, one).await?;
    match one.step {
        Step::Plan => plan(broker, one, &scene).await,
        Step::Add => add(broker, one, &scene).await,
        Step::Store => {
            let value = one.candidate(ctx)?;
            let now = ctx.now();
            let wait = if manner(&scene.driver.settings).cuts { Duration::ZERO } else { FIRST_PROOF };
            let mut after = one.clone();
            enter(&mut after, Step::Prove, now, wait);
            after.candidate = None;
            after.proofs = 0;
            let next = db::in_tx(&ctx.db, async |conn: &mut Conn| {
                if let (None, Some(value)) = (&after.credential, &value) {
                    let (author, slug) = (after.author(), &scene.connection.slug);
                    let known = client_secret::add_within(ctx, conn, &author, slug, value, after.expires_at).await?;
                    after.credential = Some(known.id);
                }
                save(conn, &after, now).await
            })
            .await?;
            *one = after;
            Ok(next)
        }
        Step::Prove => prove(broker, one, &scene).await,
        Step::Promote => promote(broker, one, &scene).await,
        Step::Watch => {
            still_in_use(one, &scene)?;
            let now = ctx.now();
            enter(one, Step::Remove, now, Duration::ZERO);
            save(&mut *ctx.db.acquire().await?, one, now).await
        }
        Step::Remove => remove(broker, one, &scene).await,
        Step::Done => ending::done(broker, one, &scene).await.map(|()| Next::Rests),
    }
}

async fn plan(broker: &Broker, one: &mut Rotation, scene: &Scene) -> Result<Next, Hitch> {
    let ctx = &broker.ctx;
    let mut secrets = scene.connection.credentials.iter().filter(|known| known.kind() == CredentialKind::ClientSecret);
    if let Some(next) = secrets.find(|known| known.state == CredentialState::Next) {
        return Err(Hitch::never(Cause::NextExists, format!("the next secret is {}", next.id)));
    }
    let old_id = driver::survey(&mut scene.at(broker, one)?).await?;
    let (now, manner) = (ctx.now(), manner(&scene.driver.settings));
    let mut after = one.clone();
    let early = manner.chooses && manner.cuts;
    enter(&mut after, Step::Add, now, if early { SETTLE } else { Duration::ZERO });
    after.old_id = old_id;
    after.previous = scene.connection.active(CredentialKind::ClientSecret).map(|active| active.id.clone());
    let value = manner.chooses.then(|| Secret::new(ctx.rng.token()));
    if let Some(value) = &value {
        after.candidate = Some(ctx.vault.seal(Rotation::place(&one.id), value.expose().as_bytes(), &ctx.rng));
    }
    let next = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        // the old one ends with the new one's beginning: every replica has both by then
        if let (true, Some(value)) = (early, &value) {
            let known =
                client_secret::add_within(ctx, conn, &after.author(), &scene.connection.slug, value, None).await?;
            after.credential = Some(known.id);
        }
        save(conn, &after, now).await
    })
    .await?;
    *one = after;
    Ok(next)
}

async fn add(broker: &Broker, one: &mut Rotation, scene: &Scene) -> Result<Next, Hitch> {
    let ctx = &broker.ctx;
    let value = one.candidate(ctx)?;
    let manner = manner(&scene.driver.settings);
    // from the provider's change until its answer is stored nobody signs in: if we die, others go on at once
    let present = match manner.cuts && !manner.chooses {
        true => Some(store::present(&ctx.db, one).await?.ok_or(Hitch::Lost)?),
        false => None,
    };
    let added = driver::add(&mut scene.at(broker, one)?, value.as_ref()).await?;
    let now = ctx.now();
    one.new_id = added.id;
    one.expires_at = added.expires_at;
    if let Some(value) = added.value {
        one.candidate = Some(ctx.vault.seal(Rotation::place(&one.id), value.expose().as_bytes(), &ctx.rng));
    }
    enter(one, Step::Store, now, Duration::ZERO);
    let next = save(&mut *ctx.db.acquire().await?, one, now).await;
    drop(present);
    next
}

async fn promote(broker: &Broker, one: &mut Rotation, scene: &Scene) -> Result<Next, Hitch> {
    let ctx = &broker.ctx;
    let gone = || Hitch::never(Cause::TurnedBack, "the new secret is not among the connection's any more");
    let new = scene.new_secret(one).ok_or_else(gone)?;
    if new.state != CredentialState::Active {
        let ground = match one.proved_at {
            Some(_) => Ground::Rehearsed,
            None => {
                Ground::Override("the provider has replaced the secret before, and cannot be asked about it".into())
            }
        };
        client_secret::promote(ctx, &one.author(), &scene.connection.slug, new.id.as_str(), &ground).await?;
    }
    let now = ctx.now();
    enter(one, Step::Watch, now, Duration::hours(scene.driver.watch_hours.into()));
    save(&mut *ctx.db.acquire().await?, one, now).await
}

fn still_in_use(one: &Rotation, scene: &Scene) -> Result<(), Hitch> {
    match scene.new_secret(one).map(|known| known.state) {
        Some(CredentialState::Active) => Ok(()),
        _ => Err(Hitch::never(Cause::TurnedBack, "the new secret is not the one in use any more")),
    }
}

async fn remove(broker: &Broker, one: &mut Rotation, scene: &Scene) -> Result<Next, Hitch> {
    let ctx = &broker.ctx;
    still_in_use(one, scene)?;
    let removal = match one.old_id.clone() {
        None => Removal::Done,
        Some(_) if one.proved_at.is_none_or(|at| ctx.now() - at > FRESH) => {
            return match ask(broker, one, scene).await? {
                Ok(SecretTrial::Proven) => {
                    let now = ctx.now();
                    (one.proved_at, one.next_at, one.last_error) = (Some(now), now, None);
                    save(&mut *ctx.db.acquire().await?, one, now).await
                }
                Ok(trial) => Err(Hitch::later(scene.at(broker, one)?.without_secrets(&said_of(trial)))),
                Err(wait) => {
                    one.next_at = ctx.now() + wait;
                    rest(ctx, one).await
                }
            };
        }
        Some(old) => driver::remove(&mut scene.at(broker, one)?, &old).await?,
    };
    let now = ctx.now();
    match removal {
        Removal::Done => enter(one, Step::Done, now, Duration::ZERO),
        Removal::Half(pause) => enter(one, Step::Remove, now, pause),
    }
    save(&mut *ctx.db.acquire().await?, one, now).await
}

impl From<UpstreamSecretError> for Hitch {
    fn from(error: UpstreamSecretError) -> Self {
        let cause = match error {
            UpstreamSecretError::Database(error) => return Self::Database(error),
            UpstreamSecretError::Unknown(_) => return Self::Lost,
            UpstreamSecretError::NotOidc(_) => Cause::NoSecret,
            UpstreamSecretError::NextExists(_) => Cause::NextExists,
            UpstreamSecretError::Known => Cause::NotRotated,
            UpstreamSecretError::NotNext(..) | UpstreamSecretError::NoSuchSecret(_) => Cause::TurnedBack,
            _ => Cause::Refused,
        };
        Self::never(cause, error.to_string())
    }
}
