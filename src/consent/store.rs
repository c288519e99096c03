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

/// All that a person allowed, by client.
pub async fn of_user(conn: &mut Conn, user: &UserId) -> Result<Vec<(String, Consent, OffsetDateTime)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT client_id, scopes, audiences, granted_at FROM consents WHERE user_id = $1 ORDER BY client_id LIMIT 200",
        user.as_str()
    )
    .fetch_all(conn)
    .await?;
    let consents = rows.into_iter().map(|row| {
        let consent = Consent { scopes: Scope::from_tokens(row.scopes), audiences: row.audiences };
        (row.client_id, consent, row.granted_at)
    });
    Ok(consents.collect())
}

pub(super) async fn delete(conn: &mut Conn, user: &UserId, client_id: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM consents WHERE user_id = $1 AND client_id = $2", user.as_str(), client_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
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
