//! Withdrawing a key at once, because it may be in other hands. What it signed is refused from then on by us, and by everybody
//! else as soon as they read the JWKS anew.

use serde_json::json;

use super::rotation::{Pair, generate};
use super::{RotationError, State, store};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::in_tx;

#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    #[error("there is no signing key {0}; `avouch keys list` shows them")]
    Unknown(String),
    #[error("the key is {} already: nothing that it signed is believed any more", .0.as_str())]
    Over(State),
    #[error(transparent)]
    Rotation(#[from] RotationError),
}

impl From<sqlx::Error> for RevocationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Rotation(error.into())
    }
}

/// Takes a key out of the JWKS. There is a next one at all times ([`super::ensure`]): in place of an active one the next one signs at once, and there is a new next one; `reason` is
/// for the audit log.
///
/// # Errors
/// [`RevocationError::Unknown`], [`RevocationError::Over`], and the database's.
pub async fn revoke(ctx: &Ctx, author: &Author, kid: &str, reason: Option<&str>) -> Result<(), RevocationError> {
    let known = store::list(&mut *ctx.db.acquire().await?).await?;
    let alg = known.iter().find(|key| key.kid == kid).map(|key| key.alg);
    let alg = alg.ok_or_else(|| RevocationError::Unknown(kid.into()))?;
    let fresh = generate(ctx, [alg]).await?.remove(&alg).and_then(|mut keys| keys.pop());
    let fresh = fresh.ok_or(RotationError::Generation)?;
    let now = ctx.now();
    in_tx(&ctx.db, async |conn| {
        store::lock(conn).await?;
        let known = store::list(conn).await?;
        let key = known.iter().find(|key| key.kid == kid).ok_or_else(|| RevocationError::Unknown(kid.into()))?;
        if !store::revoke(conn, kid, now).await? {
            return Err(RevocationError::Over(key.state));
        }
        let successor = match key.state {
            State::Active => Pair::of(&known, alg).next.map(|next| next.kid.clone()),
            State::Next | State::Retiring | State::Retired | State::Revoked => None,
        };
        if let Some(successor) = &successor {
            store::activate_next(conn, successor, now).await?;
        }
        if matches!(key.state, State::Active | State::Next) {
            store::insert(conn, &fresh.jwk, &fresh.sealed, now, None).await?;
        }
        let mut detail = json!({ "alg": alg.as_str(), "kid": kid, "changes": { "state": [key.state, "revoked"] } });
        if let Some(successor) = successor {
            detail["active"] = successor.into();
        }
        if let Some(reason) = reason {
            detail["reason"] = reason.into();
        }
        audit::record(ctx, conn, author.did("signing_key.revoked").detail(detail)).await?;
        Ok(())
    })
    .await
}
