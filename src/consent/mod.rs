//! What a user allowed a third-party client, so that nobody is asked twice for the same thing.

pub mod store;

use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::UserId;
use crate::oauth::scope::Scope;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub scopes: Scope,
    pub audiences: Vec<String>,
}

impl Consent {
    pub fn covers(&self, scopes: &Scope, audiences: &[String]) -> bool {
        scopes.is_subset_of(&self.scopes) && audiences.iter().all(|a| self.audiences.contains(a))
    }
}

/// The client asks the person again next time. Whether there was anything to forget.
///
/// # Errors
/// the database's.
pub async fn forget(ctx: &Ctx, author: &Author, user: &UserId, client_id: &str) -> Result<bool, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let forgotten = store::delete(conn, user, client_id).await?;
        if forgotten {
            audit::record(ctx, conn, author.did("consent.forgotten").about(user).client(client_id)).await?;
        }
        Ok(forgotten)
    })
    .await
}
