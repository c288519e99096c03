//! Taking an identity away from a person, by themselves or by an operator. What came in by it ends with it.

use serde_json::json;

use super::store;
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{IdentityId, SessionId, UserId};
use crate::session::{EndReason, end_many};
use crate::user::record;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlinked {
    Done,
    /// The person has no such identity.
    Unknown,
    /// Nothing would be left to sign in by.
    Last,
    /// The resource file that names the person by it.
    OfFile(String),
    /// The session of whoever asks began by it.
    InUse,
    /// That session is over.
    SessionOver,
}

/// `by_themselves`: the session in which the person asks for it.
///
/// # Errors
/// the database's.
pub async fn unlink(
    ctx: &Ctx,
    author: &Author,
    sub: &UserId,
    identity: &str,
    by_themselves: Option<&SessionId>,
) -> Result<Unlinked, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        // two of them at once must not leave nothing
        if record::store::lock(conn, sub).await?.is_none() {
            return Ok(Unlinked::Unknown);
        }
        let asking = match by_themselves {
            None => None,
            Some(session) => match crate::session::store::by_id(conn, session).await? {
                Some(session) if session.user_id == *sub => Some(session),
                _ => return Ok(Unlinked::SessionOver),
            },
        };
        let Some(person) = record::store::of(conn, sub).await? else { return Ok(Unlinked::Unknown) };
        let known = record::store::identities(conn, sub).await?;
        let Some(one) = known.iter().find(|known| known.id.as_str() == identity) else { return Ok(Unlinked::Unknown) };
        if let Some(file) = person.file().filter(|_| record::is_of_file(&person, &known, &one.id)) {
            return Ok(Unlinked::OfFile(file.into()));
        }
        if asking.is_some_and(|session| session.identity_id == one.id) {
            return Ok(Unlinked::InUse);
        }
        if known.len() < 2 {
            return Ok(Unlinked::Last);
        }
        let ended = end(ctx, conn, sub, &one.id).await?;
        let mut detail = ended;
        detail["identity"] = one.id.as_str().into();
        detail["issuer"] = one.issuer.as_str().into();
        let event = author.did("identity.unlinked").about(sub).connection(&one.connection_slug);
        audit::record(ctx, conn, event.detail(detail)).await?;
        Ok(Unlinked::Done)
    })
    .await
}

async fn end(
    ctx: &Ctx,
    conn: &mut Conn,
    sub: &UserId,
    identity: &IdentityId,
) -> Result<serde_json::Value, sqlx::Error> {
    let now = ctx.now();
    let sessions = store::ids_by_identity(conn, identity).await?;
    let sessions = end_many(conn, &sessions, EndReason::Unlinked, now).await?;
    let families = store::revoke_refresh_families(conn, identity, EndReason::Unlinked.as_str(), now).await?;
    store::leave_desk(conn, sub, identity).await?;
    store::delete_identity(conn, identity).await?;
    Ok(json!({ "sessions": sessions.len(), "refresh_families": families }))
}
