//! Making keys, promoting them and putting them to rest. Key generation takes 0.2 s for RSA and therefore happens on
//! other threads and before any transaction opens; an advisory lock lets replicas that start together agree.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde_json::json;
use time::OffsetDateTime;

use super::consumer::{self, Consumer, Gate};
use super::{RETIREMENT, SigningKey, State, place, schedule, store};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{Conn, in_tx};
use crate::jose::{Alg, KeyPair, PublicJwk};
use crate::vault::Sealed;

#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    #[error("cannot change the signing keys: {0}")]
    Database(#[from] sqlx::Error),
    #[error(
        "the next {alg} key is published since {published_at}; consumers may hold a JWKS without it until {ready_at}. \
         Rotate after that, or now (--now, or a reason in override) if the active key must go and refused tokens are the smaller harm"
    )]
    TooYoung { alg: Alg, published_at: OffsetDateTime, ready_at: OffsetDateTime },
    #[error(
        "{} of {} who read the JWKS in the last 7 days lack the next {alg} key: {}. They have it, or ask for it, by {until} at \
         the latest. Rotate after that, or now (--now, or a reason in override) if the active key must go and refused tokens \
         are the smaller harm", gate.waiting.len(), gate.of, gate.names(5)
    )]
    Lacking { alg: Alg, gate: Gate, until: OffsetDateTime },
    #[error("there is no next {0} key to promote; restart avouch, which makes one")]
    NoNextKey(Alg),
    #[error("the key generation thread died; see the log above")]
    Generation,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Signs from now on.
    pub active: String,
    /// Signed until now.
    pub retiring: Option<String>,
    /// Published from now on.
    pub next: String,
}

/// A key pair fresh from the oven, already sealed for storage.
pub(super) struct NewKey {
    pub(super) jwk: PublicJwk,
    pub(super) sealed: Sealed,
}

/// Sees to it that every algorithm has an active and a next key, and says how many keys it made: 8 at the first start,
/// 0 at most others. A next key is promoted where the active one was revoked.
///
/// # Errors
/// [`RotationError::Database`].
pub async fn ensure(ctx: &Ctx) -> Result<usize, RotationError> {
    let known = store::list(&mut *ctx.db.acquire().await?).await?;
    let lacking = Alg::ALL.into_iter().filter(|alg| Pair::of(&known, *alg).is_lacking());
    // two each: whatever another replica does meanwhile, no more can be needed
    let mut fresh = generate(ctx, lacking.flat_map(|alg| [alg, alg])).await?;
    if fresh.is_empty() {
        return Ok(0);
    }
    let now = ctx.now();
    in_tx(&ctx.db, async |conn| {
        store::lock(conn).await?;
        let known = store::list(conn).await?;
        let mut made = 0;
        for (alg, keys) in &mut fresh {
            made += fill(conn, Pair::of(&known, *alg), keys, now).await?;
        }
        Ok(made)
    })
    .await
}

async fn fill(
    conn: &mut Conn,
    pair: Pair<'_>,
    fresh: &mut Vec<NewKey>,
    now: OffsetDateTime,
) -> Result<usize, sqlx::Error> {
    let before = fresh.len();
    let mut insert = async |activated_at| match fresh.pop() {
        Some(key) => store::insert(conn, &key.jwk, &key.sealed, now, activated_at).await,
        None => Ok(()),
    };
    match (pair.active, pair.next) {
        (Some(_), Some(_)) => {}
        (Some(_), None) => insert(None).await?,
        (None, None) => {
            insert(Some(now)).await?;
            insert(None).await?;
        }
        (None, Some(next)) => {
            insert(None).await?;
            store::activate_next(conn, &next.kid, now).await?;
        }
    }
    Ok(before - fresh.len())
}

/// Promotes the next key of `alg`, lets the active one retire and publishes a new next one.
///
/// # Errors
/// [`RotationError::TooYoung`] and [`RotationError::Lacking`] while consumers may not have the next key yet, unless there is a
/// reason to rotate regardless.
pub async fn rotate(ctx: &Ctx, author: &Author, alg: Alg, regardless: Option<&str>) -> Result<Rotated, RotationError> {
    let cause = regardless.map_or(Cause::ByHand, Cause::Regardless);
    // by hand there is never a rotation that is not due
    promote(ctx, author, alg, cause).await?.ok_or(RotationError::NoNextKey(alg))
}

/// Rotates every algorithm whose key has signed for as long as the schedule says, as far as consumers have the next one,
/// and names them. Replicas may do it at the same time: under the lock the slower one finds that nothing is due.
///
/// # Errors
/// as [`rotate`], but for what only means "not yet".
pub async fn keep_schedule(ctx: &Ctx) -> Result<Vec<Alg>, RotationError> {
    let mut conn = ctx.db.acquire().await?;
    let (known, schedule) = (store::list(&mut conn).await?, schedule::store::load(&mut conn).await?);
    drop(conn);
    let mut done = Vec::new();
    for alg in Alg::ALL {
        if !is_due(&schedule, alg, &Pair::of(&known, alg), ctx.now()) {
            continue;
        }
        match promote(ctx, &Author::system(), alg, Cause::Schedule).await {
            Ok(Some(_)) => done.push(alg),
            Ok(None) | Err(RotationError::TooYoung { .. } | RotationError::Lacking { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn is_due(schedule: &schedule::Schedule, alg: Alg, pair: &Pair<'_>, now: OffsetDateTime) -> bool {
    match (pair.active, pair.next) {
        (Some(active), Some(next)) => schedule.of(alg).due_at(active, next).is_some_and(|due| due <= now),
        _ => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause<'a> {
    ByHand,
    Regardless(&'a str),
    Schedule,
}

/// `None`: the schedule does not want it, or another replica has done it.
async fn promote(ctx: &Ctx, author: &Author, alg: Alg, cause: Cause<'_>) -> Result<Option<Rotated>, RotationError> {
    let fresh = generate(ctx, [alg]).await?.remove(&alg).and_then(|mut keys| keys.pop());
    let fresh = fresh.ok_or(RotationError::Generation)?;
    let now = ctx.now();
    in_tx(&ctx.db, async |conn| {
        store::lock(conn).await?;
        let known = store::list(conn).await?;
        let pair = Pair::of(&known, alg);
        if cause == Cause::Schedule && !is_due(&schedule::store::load(conn).await?, alg, &pair, now) {
            return Ok(None);
        }
        let Pair { active, next } = pair;
        let next = next.ok_or(RotationError::NoNextKey(alg))?;
        let gate = Gate::of(next, &consumer::list(conn).await?, now);
        let mut detail = json!({ "alg": alg.as_str(), "active": next.kid, "next": fresh.jwk.kid });
        detail["forced"] = matches!(cause, Cause::Regardless(_)).into();
        match cause {
            Cause::Regardless(reason) => {
                detail["reason"] = reason.into();
                detail["lacking"] = told(&gate).into();
            }
            Cause::ByHand | Cause::Schedule => is_ready(alg, next, gate, now)?,
        }
        if let Some(active) = active {
            store::retire_active(conn, &active.kid, now).await?;
        }
        store::activate_next(conn, &next.kid, now).await?;
        store::insert(conn, &fresh.jwk, &fresh.sealed, now, None).await?;
        detail["scheduled"] = (cause == Cause::Schedule).into();
        audit::record(ctx, conn, author.did("signing_key.rotated").detail(detail)).await?;
        let retiring = active.map(|key| key.kid.clone());
        Ok(Some(Rotated { active: next.kid.clone(), retiring, next: fresh.jwk.kid }))
    })
    .await
}

fn is_ready(alg: Alg, next: &SigningKey, gate: Gate, now: OffsetDateTime) -> Result<(), RotationError> {
    let (published_at, ready_at) = (next.published_at, next.ready_at());
    match gate.at_the_latest() {
        _ if now < ready_at => Err(RotationError::TooYoung { alg, published_at, ready_at }),
        Some(until) => Err(RotationError::Lacking { alg, gate, until }),
        None => Ok(()),
    }
}

/// For the audit log, which must not grow with those who read the JWKS.
fn told(gate: &Gate) -> Vec<String> {
    gate.waiting.iter().take(50).map(|(consumer, _): &(Consumer, _)| consumer.to_string()).collect()
}

/// Takes keys out of the JWKS when nothing they signed can be valid any more, and says how many.
///
/// # Errors
/// the database's.
pub async fn retire_expired(ctx: &Ctx) -> Result<u64, sqlx::Error> {
    let now = ctx.now();
    store::end_retiring(&mut *ctx.db.acquire().await?, now - RETIREMENT, now).await
}

/// The two keys that an algorithm should have.
pub(super) struct Pair<'a> {
    pub(super) active: Option<&'a SigningKey>,
    pub(super) next: Option<&'a SigningKey>,
}

impl<'a> Pair<'a> {
    pub(super) fn of(known: &'a [SigningKey], alg: Alg) -> Self {
        let find = |state| known.iter().find(|key| key.alg == alg && key.state == state);
        Self { active: find(State::Active), next: find(State::Next) }
    }

    fn is_lacking(&self) -> bool {
        self.active.is_none() || self.next.is_none()
    }
}

pub(super) async fn generate(
    ctx: &Ctx,
    algs: impl IntoIterator<Item = Alg>,
) -> Result<BTreeMap<Alg, Vec<NewKey>>, RotationError> {
    let threads = algs.into_iter().map(|alg| tokio::task::spawn_blocking(move || (alg, KeyPair::generate(alg))));
    let pairs = try_join_all(threads).await.map_err(|_| RotationError::Generation)?;
    let mut keys: BTreeMap<Alg, Vec<NewKey>> = BTreeMap::new();
    for (alg, (pair, pkcs8)) in pairs {
        let jwk = pair.public_jwk();
        let sealed = ctx.vault.seal(place(&jwk.kid), pkcs8.expose(), &ctx.rng);
        keys.entry(alg).or_default().push(NewKey { jwk, sealed });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ShiftedClock;
    use crate::db::Pool;
    use crate::rng::Rng;
    use crate::signing_key::{KeySet, MIN_PUBLICATION};
    use crate::urls::Urls;
    use crate::vault::{Keyring, Vault};
    use time::Duration;

    fn context(db: Pool) -> (Ctx, Arc<ShiftedClock>) {
        let clock = Arc::new(ShiftedClock::default());
        let rng = Rng::default();
        let keyring = Keyring::parse(&Keyring::generate(&rng)).unwrap();
        let ctx = Ctx {
            mailer: None,
            db,
            clock: clock.clone(),
            vault: Arc::new(Vault::new(keyring, &rng.bytes())),
            rng,
            http: crate::outbound::Client::new(crate::outbound::Policy::default()).unwrap(),
            urls: Arc::new(Urls::new("http://localhost:8080").unwrap()),
        };
        (ctx, clock)
    }

    async fn load(ctx: &Ctx) -> KeySet {
        KeySet::load(&mut ctx.db.acquire().await.unwrap(), &ctx.vault).await.unwrap()
    }

    fn kids(set: &KeySet) -> Vec<String> {
        let jwks: serde_json::Value = serde_json::from_slice(&set.jwks().body).unwrap();
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().into()).collect()
    }

    #[sqlx::test]
    async fn replicas_that_start_together_agree_on_the_keys(db: Pool) {
        let (ctx, _) = context(db);
        let (one, other) = tokio::join!(ensure(&ctx), ensure(&ctx));
        assert_eq!(one.unwrap() + other.unwrap(), 8);
        assert_eq!(ensure(&ctx).await.unwrap(), 0);
        assert_eq!(kids(&load(&ctx).await).len(), 8);
    }

    #[sqlx::test]
    async fn a_key_is_published_before_it_signs_and_after_it_signed(db: Pool) {
        let (ctx, clock) = context(db);
        ensure(&ctx).await.unwrap();
        let before = load(&ctx).await;
        let old_token = before.sign(Alg::ES256, "JWT", &serde_json::json!({})).unwrap();

        let too_young = rotate(&ctx, &Author::system(), Alg::ES256, None).await.unwrap_err();
        assert!(matches!(too_young, RotationError::TooYoung { alg: Alg::ES256, .. }), "{too_young}");
        clock.advance(MIN_PUBLICATION + Duration::SECOND);
        let rotated = rotate(&ctx, &Author::system(), Alg::ES256, None).await.unwrap();
        assert!(kids(&before).contains(&rotated.active) && !kids(&before).contains(&rotated.next));

        let after = load(&ctx).await;
        assert_eq!(kids(&after).len(), 9);
        assert!(after.verify(&old_token).is_ok());
        let new_token = after.sign(Alg::ES256, "JWT", &serde_json::json!({})).unwrap();
        assert!(before.verify(&new_token).is_ok(), "whoever cached the JWKS knows the key already");

        assert_eq!(retire_expired(&ctx).await.unwrap(), 0);
        clock.advance(RETIREMENT + Duration::SECOND);
        assert_eq!(retire_expired(&ctx).await.unwrap(), 1);
        assert!(load(&ctx).await.verify(&old_token).is_err());
    }

    #[sqlx::test]
    async fn an_emergency_does_not_wait(db: Pool) {
        let (ctx, _) = context(db);
        ensure(&ctx).await.unwrap();
        rotate(&ctx, &Author::system(), Alg::RS256, Some("leaked")).await.unwrap();
        assert!(rotate(&ctx, &Author::system(), Alg::RS256, None).await.is_err());
        assert_eq!(ensure(&ctx).await.unwrap(), 0);
    }

    #[sqlx::test]
    async fn a_key_slipped_into_the_table_is_not_published(db: Pool) {
        let (ctx, _) = context(db.clone());
        let (stranger, _) = context(db);
        let key = generate(&stranger, [Alg::ES256]).await.unwrap().remove(&Alg::ES256).unwrap().pop().unwrap();
        let mut conn = ctx.db.acquire().await.unwrap();
        store::insert(&mut conn, &key.jwk, &key.sealed, ctx.now(), None).await.unwrap();
        assert!(KeySet::load(&mut conn, &ctx.vault).await.is_err());
    }
}
