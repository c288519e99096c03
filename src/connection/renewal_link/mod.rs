//! A renewal link: by it somebody without an account gives one connection a new secret or certificate, once. Owns who may
//! make one, how long it works, how often it may be tried and what ends it. What is given by it is not looked at here.

pub mod store;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{Connection, Protocol, Slug};
use crate::audit::{self, Author, Event};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ConnectionId, RenewalLinkId};
use crate::secret::{self, Kind, Secret};

/// Days, where nobody says how many.
pub const DAYS: u16 = 7;
pub const MOST_DAYS: u16 = 30;
/// Attempts that the provider refused; after the last one the link is withdrawn.
pub const MOST_TRIES: i32 = 5;
/// Links of one connection that work at the same time.
const MOST_OPEN: usize = 10;
/// An attempt that took longer died with its process: the next one may begin.
const ATTEMPT: Duration = Duration::seconds(90);
/// For how long an ended one is still listed.
const LISTED: Duration = Duration::days(90);

#[derive(Clone, Debug)]
pub struct RenewalLink {
    pub id: RenewalLinkId,
    pub connection: ConnectionId,
    /// A secret that the provider took is in use at once; otherwise an operator promotes it.
    pub takes_over: bool,
    pub created_by: String,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub tries: i32,
    pub ended: Option<(OffsetDateTime, Ended)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Used,
    Withdrawn,
    TooManyTries,
}

impl Ended {
    pub const ALL: [Self; 3] = [Self::Used, Self::Withdrawn, Self::TooManyTries];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Withdrawn => "withdrawn",
            Self::TooManyTries => "too_many_tries",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ended| ended.as_str() == text)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RenewalLinkError {
    #[error("cannot change the renewal links: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the connection {0} has no such renewal link, or it has ended")]
    NoSuchLink(Slug),
    #[error("a renewal link works for 1 to {MOST_DAYS} days")]
    Days,
    #[error("the connection {0} is switched off; its renewal links would not work")]
    Disabled(Slug),
    #[error("the connection {0} proves itself with keys of ours; there is no secret that anybody could give")]
    NoSecret(Slug),
    #[error("the connection {0} has {MOST_OPEN} renewal links already; withdraw one that nobody needs")]
    TooMany(Slug),
}

/// An attempt that nobody else can make at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Attempt(pub(super) i32);

/// Whether an attempt may begin.
#[derive(Debug)]
pub enum Turn {
    Yours(Attempt),
    /// Somebody's is under way.
    Busy,
    Over,
}

impl RenewalLink {
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.ended.is_none() && now < self.expires_at && self.tries < MOST_TRIES
    }

    /// `open`, `expired`, or how it ended.
    pub fn state(&self, now: OffsetDateTime) -> &'static str {
        match self.ended {
            Some((_, ended)) => ended.as_str(),
            None if self.expires_at <= now => "expired",
            None => "open",
        }
    }

    /// Whoever has the link, for the audit log.
    pub fn actor(&self) -> String {
        format!("renewal_link:{}", self.id)
    }
}

/// A new link, and its token, which is shown this once.
///
/// # Errors
/// [`RenewalLinkError`]; then there is none.
pub async fn create(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    days: u16,
    takes_over: bool,
) -> Result<(RenewalLink, Secret<String>), RenewalLinkError> {
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(RenewalLinkError::Days);
    }
    let (now, token) = (ctx.now(), secret::mint(Kind::RenewalLink, &ctx.rng));
    let link = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = locked(conn, slug).await?;
        if !connection.may_login() {
            return Err(RenewalLinkError::Disabled(slug.clone()));
        }
        if matches!(&connection.protocol, Protocol::Oidc(settings) if !settings.client_authentication.by_secret()) {
            return Err(RenewalLinkError::NoSecret(slug.clone()));
        }
        let known = store::of(conn, &connection.id).await?;
        if known.iter().filter(|link| link.is_open(now)).count() >= MOST_OPEN {
            return Err(RenewalLinkError::TooMany(slug.clone()));
        }
        let link = RenewalLink {
            id: RenewalLinkId::new(now, &ctx.rng),
            connection: connection.id,
            takes_over,
            created_by: author.actor.clone(),
            created_at: now,
            expires_at: now + Duration::days(days.into()),
            tries: 0,
            ended: None,
        };
        store::insert(conn, &link, secret::fingerprint(token.expose())).await?;
        let detail = json!({
            "renewal_link": link.id,
            "takes_over": takes_over,
            "expires_at": link.expires_at.format(&Rfc3339).unwrap_or_default(),
        });
        audit::record(ctx, conn, author.did("renewal_link.created").connection(slug).detail(detail)).await?;
        Ok(link)
    })
    .await?;
    Ok((link, token))
}

/// Those that work, and those that ended lately; the newest first.
///
/// # Errors
/// [`RenewalLinkError::Unknown`] and the database's.
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<Vec<RenewalLink>, RenewalLinkError> {
    let connection = super::store::by_slug(conn, slug).await?;
    let connection = connection.ok_or_else(|| RenewalLinkError::Unknown(slug.clone()))?;
    Ok(store::of(conn, &connection.id).await?)
}

/// It leads nowhere from now on.
///
/// # Errors
/// [`RenewalLinkError::NoSuchLink`] and the database's.
pub async fn withdraw(ctx: &Ctx, author: &Author, slug: &Slug, id: &str) -> Result<(), RenewalLinkError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = locked(conn, slug).await?;
        if !store::end(conn, &connection.id, id, Ended::Withdrawn, ctx.now()).await? {
            return Err(RenewalLinkError::NoSuchLink(slug.clone()));
        }
        let event = author.did("renewal_link.withdrawn").connection(slug).detail(json!({ "renewal_link": id }));
        Ok(audit::record(ctx, conn, event).await?)
    })
    .await
}

/// The link that this token opens, and its connection. Nothing where it ended, or the connection is switched off.
///
/// # Errors
/// the database's.
pub async fn open(ctx: &Ctx, token: &str) -> Result<Option<(RenewalLink, Connection)>, sqlx::Error> {
    if !secret::is_well_formed(Kind::RenewalLink, token) {
        return Ok(None);
    }
    let mut conn = ctx.db.acquire().await?;
    let Some((link, slug)) = store::by_token(&mut conn, secret::fingerprint(token)).await? else { return Ok(None) };
    let connection = super::store::by_slug(&mut conn, &slug).await?;
    Ok(connection.filter(|one| one.may_login() && link.is_open(ctx.now())).map(|one| (link, one)))
}

/// Begins an attempt, which counts from now on.
///
/// # Errors
/// the database's.
pub async fn attempt(ctx: &Ctx, link: &RenewalLink) -> Result<Turn, sqlx::Error> {
    let now = ctx.now();
    let mut conn = ctx.db.acquire().await?;
    if let Some(tries) = store::begin(&mut conn, &link.id, now, now + ATTEMPT).await? {
        return Ok(Turn::Yours(Attempt(tries)));
    }
    let known = store::of(&mut conn, &link.connection).await?;
    let stands = known.iter().any(|one| one.id == link.id && one.is_open(now));
    Ok(if stands { Turn::Busy } else { Turn::Over })
}

/// The attempt came to nothing, and it was not the fault of what was given: it does not count.
///
/// # Errors
/// the database's.
pub async fn forgive(ctx: &Ctx, link: &RenewalLink, attempt: Attempt) -> Result<(), sqlx::Error> {
    store::forgive(&mut *ctx.db.acquire().await?, &link.id, attempt.0).await
}

/// What was given was refused. How many attempts are left; at none the link is withdrawn.
///
/// # Errors
/// the database's.
pub async fn refused(
    ctx: &Ctx,
    author: &Author,
    (link, connection): (&RenewalLink, &Connection),
    attempt: Attempt,
    (reason, said): (&str, &str),
) -> Result<i32, sqlx::Error> {
    let left = MOST_TRIES - attempt.0;
    let event = |action, reason: &str, detail: Value| {
        let event =
            Event::refused(action, reason, &author.actor).connection(&connection.slug).from_addr(author.remote_addr);
        let event = event.detail(detail);
        match &author.trace_id {
            Some(trace_id) => event.trace(trace_id),
            None => event,
        }
    };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::pause(conn, &link.id, attempt.0).await?;
        let detail = json!({ "renewal_link": link.id, "detail": said, "tries_left": left });
        audit::record(ctx, conn, event("renewal_link.refused", reason, detail)).await?;
        if left <= 0 && store::end(conn, &connection.id, link.id.as_str(), Ended::TooManyTries, ctx.now()).await? {
            let detail = json!({ "renewal_link": link.id, "tries": attempt.0 });
            audit::record(ctx, conn, event("renewal_link.withdrawn", "too_many_tries", detail)).await?;
        }
        Ok(left.max(0))
    })
    .await
}

/// Uses the link up, in the caller's transaction. False: it ended meanwhile, or its connection was switched off; then
/// nothing that was given may be taken.
///
/// # Errors
/// the database's.
pub async fn use_up(
    ctx: &Ctx,
    conn: &mut Conn,
    link: &RenewalLink,
    slug: &Slug,
    attempt: Attempt,
) -> Result<bool, sqlx::Error> {
    // in the order in which everybody takes these locks
    let connection = super::store::lock_by_slug(conn, slug).await?;
    if !connection.is_some_and(|one| one.id == link.connection && one.may_login()) {
        return Ok(false);
    }
    store::use_up(conn, &link.id, attempt.0, ctx.now()).await
}

/// Removes those that ended long ago.
///
/// # Errors
/// the database's.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    store::delete_ended(conn, now - LISTED).await
}

async fn locked(conn: &mut Conn, slug: &Slug) -> Result<Connection, RenewalLinkError> {
    let connection = super::store::lock_by_slug(conn, slug).await?;
    connection.ok_or_else(|| RenewalLinkError::Unknown(slug.clone()))
}
