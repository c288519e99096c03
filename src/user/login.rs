//! What a verified sign-in does to users: find the person behind the identity, or make one.

use super::{Identity, IdentityKey, User, UserStatus, store};
use crate::connection::Profile;
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::{ConnectionId, IdentityId, UserId};

/// Finds or makes the user, and writes the profile as the upstream has it today. The status is the caller's to judge.
///
/// # Errors
/// the database's; a violation of `identities_key` means that another login won and this one may be repeated.
pub async fn resolve(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &ConnectionId,
    key: &IdentityKey,
    profile: &Profile,
) -> Result<Identity, sqlx::Error> {
    let now = ctx.now();
    if let Some(mut identity) = store::lock_identity(conn, connection, key).await? {
        if identity.user.is_active() {
            store::record_login(conn, &identity.user.id, &identity.id, profile, now).await?;
            identity.user.profile = profile.clone();
        }
        return Ok(identity);
    }
    let user = User { id: UserId::new(now, &ctx.rng), status: UserStatus::Active, profile: profile.clone() };
    let id = IdentityId::new(now, &ctx.rng);
    store::insert(conn, &user, now).await?;
    store::insert_identity(conn, &id, &user.id, connection, key, now).await?;
    store::record_login(conn, &user.id, &id, profile, now).await?;
    Ok(Identity { id, user })
}
