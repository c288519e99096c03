//! What an operator does to a person: the ways to end what they are signed in to, the block that keeps them out, the
//! erasure of all that is known of them; and taking an identity away, which the person may do as well. Each operation is one transaction with its audit event in it.

pub mod browser;
pub mod store;
pub mod unlink;

use serde_json::json;
use time::OffsetDateTime;

use super::{EndReason, EndedEverywhere, end, everywhere};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{SessionId, UserId};
use crate::trace;
use crate::user::{self, UserStatus};

/// A session that goes on, as an operator looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    pub id: SessionId,
    pub connection_slug: String,
    pub created_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    /// As the browser called itself at the sign-in.
    pub user_agent: Option<String>,
    pub remote_addr: Option<String>,
    /// Which clients got tokens in it.
    pub clients: Vec<String>,
}

/// What ends with a person's sessions, or with the person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub sessions: i64,
    pub refresh_families: i64,
    /// Clients with tokens of the person.
    pub clients: i64,
    pub identities: i64,
    pub consents: i64,
}

/// Ends every session and refresh token. `None`: there is no such user.
///
/// # Errors
/// the database's.
pub async fn sign_out(ctx: &Ctx, author: &Author, sub: &UserId) -> Result<Option<EndedEverywhere>, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if user::record::store::lock(conn, sub).await?.is_none() {
            return Ok(None);
        }
        let ended = everywhere(conn, sub, ctx.now()).await?;
        audit::record(ctx, conn, author.did("logout.everywhere").about(sub).detail(ended.detail())).await?;
        Ok(Some(ended))
    })
    .await
}

/// The same, and the person cannot come back. `None`: there is no such user.
///
/// # Errors
/// the database's.
pub async fn block(ctx: &Ctx, author: &Author, sub: &UserId) -> Result<Option<EndedEverywhere>, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(before) = user::record::store::lock(conn, sub).await? else { return Ok(None) };
        let now = ctx.now();
        user::store::set_status(conn, sub, UserStatus::Blocked, now).await?;
        let ended = everywhere(conn, sub, now).await?;
        let mut detail = ended.detail();
        detail["changes"] = status_change(before, UserStatus::Blocked);
        audit::record(ctx, conn, author.did("user.blocked").about(sub).detail(detail)).await?;
        Ok(Some(ended))
    })
    .await
}

/// Lets a blocked person sign in again. Whether there is such a user.
///
/// # Errors
/// the database's.
pub async fn unblock(ctx: &Ctx, author: &Author, sub: &UserId) -> Result<bool, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(before) = user::record::store::lock(conn, sub).await? else { return Ok(false) };
        user::store::set_status(conn, sub, UserStatus::Active, ctx.now()).await?;
        let detail = json!({ "changes": status_change(before, UserStatus::Active) });
        audit::record(ctx, conn, author.did("user.unblocked").about(sub).detail(detail)).await?;
        Ok(true)
    })
    .await
}

fn status_change(before: UserStatus, after: UserStatus) -> serde_json::Value {
    if before == after { json!({}) } else { json!({ "status": [before.as_str(), after.as_str()] }) }
}

/// Ends one session of this person. Whether it was theirs and went on until now.
///
/// # Errors
/// the database's.
pub async fn end_session(ctx: &Ctx, author: &Author, sub: &UserId, id: &SessionId) -> Result<bool, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if store::owner(conn, id).await?.as_ref() != Some(sub) {
            return Ok(false);
        }
        let Some(ended) = end(conn, id, EndReason::SignedOutByOperator, ctx.now()).await? else { return Ok(false) };
        let event = author.did("session.ended").about(sub).connection(&ended.connection_slug);
        audit::record(ctx, conn, event.detail(json!({ "session": id.as_str() }))).await?;
        Ok(true)
    })
    .await
}

/// Forgets a person: identities, sessions, refresh tokens, consents, traces of their logins and the profile. The audit log keeps the `sub`, which
/// says nothing by itself, and whoever comes again by the same identity is somebody new. `None`: there is no such user.
///
/// # Errors
/// the database's.
pub async fn erase(ctx: &Ctx, author: &Author, sub: &UserId) -> Result<Option<EndedEverywhere>, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        if user::record::store::lock(conn, sub).await?.is_none() {
            return Ok(None);
        }
        // applications are told first, as of any end
        let ended = everywhere(conn, sub, ctx.now()).await?;
        user::record::store::delete(conn, sub).await?;
        trace::store::forget(conn, sub.as_str()).await?;
        audit::record(ctx, conn, author.did("user.deleted").about(sub).detail(ended.detail())).await?;
        Ok(Some(ended))
    })
    .await
}
