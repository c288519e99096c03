//! SQL of consents.

use time::OffsetDateTime;

use super::Consent;
use crate::client::ClientId;
use crate::db::Conn;
use crate::ids::UserId;
use crate::oauth::scope::Scope;

pub async fn find(conn: &mut Conn, user: &UserId, client: &ClientId) -> Result<Option<Consent>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT scopes, audiences FROM consents WHERE user_id = $1 AND client_id = $2",
        user.as_str(),
        client.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Consent { scopes: Scope::from_tokens(row.scopes), audiences: row.audiences }))
}

/// Adds to what was allowed before.
pub async fn grant(
    conn: &mut Conn,
    user: &UserId,
    client: &ClientId,
    consent: &Consent,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO consents (user_id, client_id, scopes, audiences, granted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT consents_pkey DO UPDATE SET
             scopes = ARRAY(SELECT DISTINCT unnest(consents.scopes || excluded.scopes)),
             audiences = ARRAY(SELECT DISTINCT unnest(consents.audiences || excluded.audiences)),
             granted_at = excluded.granted_at",
        user.as_str(),
        client.as_str(),
        consent.scopes.as_slice(),
        &consent.audiences,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
