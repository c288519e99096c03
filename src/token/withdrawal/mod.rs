//! What a person lets applications do while they are away: grants of refresh tokens, and taking back those of one
//! application. Access tokens that are out already end by themselves.

pub mod store;

use serde_json::json;
use time::OffsetDateTime;

use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{FamilyId, UserId};

/// A family of refresh tokens that is good still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub id: FamilyId,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub created_at: OffsetDateTime,
    /// When its newest token was made.
    pub last_used_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// Takes back what one client holds of this person. How many families there were.
///
/// # Errors
/// the database's.
pub async fn withdraw(ctx: &Ctx, author: &Author, user: &UserId, client_id: &str) -> Result<u64, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let ended = store::revoke(conn, user, client_id, ctx.now()).await?;
        if ended > 0 {
            let event = author.did("tokens.withdrawn").about(user).client(client_id);
            audit::record(ctx, conn, event.detail(json!({ "refresh_families": ended }))).await?;
        }
        Ok(ended)
    })
    .await
}
