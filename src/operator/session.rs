//! An operator's session at the admin pages. It ends with the day's work, and when the operator is removed.

use time::{Duration, OffsetDateTime};

use super::{Operator, store};
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::OperatorSessionId;
use crate::secret::{self, Kind, Secret};

/// From the sign-in.
pub const ABSOLUTE: Duration = Duration::hours(12);
/// From the last page.
const IDLE: Duration = Duration::hours(1);
/// `last_seen_at` is written at most this often.
const SEEN: Duration = Duration::minutes(1);

#[derive(Clone, Debug)]
pub struct OperatorSession {
    pub id: OperatorSessionId,
    /// As stored now: a role that was taken away meanwhile is gone at the next page.
    pub operator: Operator,
    pub(super) last_seen_at: OffsetDateTime,
}

/// A new session, always with a new secret, which is nowhere else.
///
/// # Errors
/// the database's.
pub async fn open(ctx: &Ctx, conn: &mut Conn, operator: &Operator) -> Result<Secret<String>, sqlx::Error> {
    let value = secret::mint(Kind::OperatorSession, &ctx.rng);
    let now = ctx.now();
    let id = OperatorSessionId::new(now, &ctx.rng);
    store::insert_session(conn, &id, secret::fingerprint(value.expose()), operator, now, now + ABSOLUTE).await?;
    Ok(value)
}

/// The session of that secret, while it lasts; notes that it was used.
///
/// # Errors
/// the database's.
pub async fn authenticate(ctx: &Ctx, value: &Secret<String>) -> Result<Option<OperatorSession>, sqlx::Error> {
    let now = ctx.now();
    let mut conn = ctx.db.acquire().await?;
    let found = store::session(&mut conn, secret::fingerprint(value.expose()), now, now - IDLE).await?;
    if let Some(session) = &found
        && now - session.last_seen_at >= SEEN
    {
        store::session_seen(&mut conn, &session.id, now).await?;
    }
    Ok(found)
}

/// # Errors
/// the database's.
pub async fn close(conn: &mut Conn, session: &OperatorSession) -> Result<(), sqlx::Error> {
    store::delete_session(conn, &session.id).await
}
