//! An operator's session at the admin pages. It ends with the day's work, and when the operator is removed, switched off, or
//! not let in any more by the connection that they came through.

pub mod store;

use std::net::IpAddr;

use time::{Duration, OffsetDateTime};

use super::Operator;
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::OperatorSessionId;
use crate::secret::{self, Kind, Secret};

/// From the sign-in.
pub const ABSOLUTE: Duration = Duration::hours(12);
/// For the code, after the password.
const FOR_CODE: Duration = Duration::minutes(5);
/// From the last page.
const IDLE: Duration = Duration::hours(1);
/// `last_seen_at` is written at most this often.
const SEEN: Duration = Duration::minutes(1);

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right, a code is missing.
    Code,
    Seated,
}

impl Stage {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Seated => "seated",
        }
    }
}

/// What is in front of us, for people to recognise their sessions by.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// As it calls itself.
    pub user_agent: Option<String>,
    pub addr: Option<IpAddr>,
}

#[derive(Clone, Debug)]
pub struct OperatorSession {
    pub id: OperatorSessionId,
    /// As stored now: a role that was taken away meanwhile is gone at the next page.
    pub operator: Operator,
    last_seen_at: OffsetDateTime,
}

/// One of an operator's sessions, for the list of them.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: OperatorSessionId,
    pub created_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub user_agent: Option<String>,
    pub remote_addr: Option<String>,
}

/// A new session, always with a new secret, which is nowhere else.
///
/// # Errors
/// the database's.
pub async fn open(
    ctx: &Ctx,
    conn: &mut Conn,
    operator: &Operator,
    stage: Stage,
    browser: &Browser,
) -> Result<Secret<String>, sqlx::Error> {
    let value = secret::mint(Kind::OperatorSession, &ctx.rng);
    let now = ctx.now();
    let new = store::NewSession {
        id: &OperatorSessionId::new(now, &ctx.rng),
        token_hash: secret::fingerprint(value.expose()),
        operator: &operator.id,
        stage,
        expires_at: now + if stage == Stage::Seated { ABSOLUTE } else { FOR_CODE },
        browser,
    };
    store::insert(conn, &new, now).await?;
    Ok(value)
}

/// The session of that secret, while it lasts; notes that it was used.
///
/// # Errors
/// the database's.
pub async fn authenticate(
    ctx: &Ctx,
    value: &Secret<String>,
    stage: Stage,
) -> Result<Option<OperatorSession>, sqlx::Error> {
    let now = ctx.now();
    let mut conn = ctx.db.acquire().await?;
    let found = store::by_token(&mut conn, secret::fingerprint(value.expose()), stage, now, now - IDLE).await?;
    if let Some(session) = &found
        && now - session.last_seen_at >= SEEN
    {
        store::seen(&mut conn, &session.id, now).await?;
    }
    Ok(found)
}

/// Those of the operator that last, newest first.
///
/// # Errors
/// the database's.
pub async fn list(ctx: &Ctx, session: &OperatorSession) -> Result<Vec<Listed>, sqlx::Error> {
    let now = ctx.now();
    store::list(&mut *ctx.db.acquire().await?, &session.operator.id, now, now - IDLE).await
}

/// # Errors
/// the database's.
pub async fn close(conn: &mut Conn, session: &OperatorSession) -> Result<(), sqlx::Error> {
    store::delete(conn, &session.id).await
}
