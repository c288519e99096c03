//! Certificates that a provider's refused answers were really signed with: shown beside those that are trusted, so that
//! a change at the provider is seen for what it is. Nothing is trusted because it stands here: whoever can begin a sign-in
//! can send an answer that is signed with a certificate of their own.

mod store;

use time::OffsetDateTime;

use super::Slug;
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::ConnectionId;

/// Of one connection: the newest ones.
const MOST: i64 = 3;

/// Larger ones are nobody's signing certificate.
const LARGEST: usize = 8 << 10;

/// A certificate under which the signature of a refused answer held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    pub der: Vec<u8>,
    /// Lower-case hex of the DER's SHA-256.
    pub sha256: String,
    /// As its maker wrote it: anybody's words.
    pub subject: String,
    pub not_before: OffsetDateTime,
    pub not_after: OffsetDateTime,
}

/// One that was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    pub signer: Signer,
    pub first_seen_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub times: i64,
}

/// An answer was refused that is signed with it.
///
/// # Errors
/// the database's.
pub async fn note(ctx: &Ctx, connection: &ConnectionId, signer: &Signer) -> Result<(), sqlx::Error> {
    if signer.der.len() > LARGEST {
        return Ok(());
    }
    let mut conn = ctx.db.acquire().await?;
    store::seen(&mut conn, connection, signer, ctx.now()).await?;
    store::forget_old(&mut conn, connection, MOST).await
}

/// Those that are not trusted by now either; the last one seen first.
///
/// # Errors
/// the database's.
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<Vec<Seen>, sqlx::Error> {
    store::of(conn, slug).await
}
