//! Users created ahead: somebody gets the stable `sub` before the first login, so that permissions can be written down
//! for a person who has never been here. The first login finds the identity and fills in the profile.

use super::{IdentityKey, store};
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::{ConnectionId, IdentityId, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedAhead {
    pub email: Option<String>,
    pub name: Option<String>,
    pub connection: ConnectionId,
    pub key: IdentityKey,
    /// The resource file, or who did it.
    pub managed_by: String,
}

/// What [`create`] found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    New(UserId),
    /// Somebody is known by that identity already; nothing was changed.
    Known(UserId),
}

impl Created {
    pub fn sub(&self) -> &UserId {
        match self {
            Self::New(id) | Self::Known(id) => id,
        }
    }
}

/// # Errors
/// the database's.
pub async fn create(ctx: &Ctx, conn: &mut Conn, ahead: &CreatedAhead) -> Result<Created, sqlx::Error> {
    if let Some(id) = store::sub_of_identity(conn, &ahead.connection, &ahead.key.issuer, &ahead.key.subject).await? {
        return Ok(Created::Known(id));
    }
    let now = ctx.now();
    let id = UserId::new(now, &ctx.rng);
    store::create_ahead(conn, &id, &IdentityId::new(now, &ctx.rng), ahead, now).await?;
    Ok(Created::New(id))
}
