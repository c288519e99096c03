//! Revocation (RFC 7009). A refresh token takes its whole family with it; an access token is remembered as revoked until
//! its end. A token that is unknown or another client's is answered like one that was revoked.

use time::OffsetDateTime;

use super::presented::{PresentedToken, Shown};
use super::store;
use crate::broker::Broker;
use crate::client::Client;
use crate::db;
use crate::secret::{Kind, fingerprint, is_well_formed};

/// Whether something was revoked, for audit; the client is not told.
///
/// # Errors
/// the database's.
pub async fn revoke(broker: &Broker, client: &Client, token: &str) -> Result<bool, sqlx::Error> {
    let now = broker.ctx.now();
    if is_well_formed(Kind::RefreshToken, token) {
        return db::in_tx(&broker.ctx.db, async |conn| {
            let stored = store::lock_by_hash(conn, &fingerprint(token)).await?;
            let own = stored.filter(|s| s.family.client_id == client.client_id.as_str() && !s.revoked);
            let Some(stored) = own else { return Ok(false) };
            store::revoke_family(conn, &stored.family.id, "revoked_by_client", now).await?;
            Ok(true)
        })
        .await;
    }
    let Ok(token) = PresentedToken::read(broker, token, Shown::ByThirdParty) else { return Ok(false) };
    if token.client_id != client.client_id.as_str() {
        return Ok(false);
    }
    let ends = OffsetDateTime::from_unix_timestamp(token.exp).unwrap_or(now);
    let mut conn = broker.ctx.db.acquire().await?;
    store::revoke_access_token(&mut conn, &token.jti, ends).await?;
    Ok(true)
}
