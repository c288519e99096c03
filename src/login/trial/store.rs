//! SQL of invitations to test a connection: each is used once.

use time::OffsetDateTime;

use super::Trial;
use crate::db::Conn;
use crate::ids::{ConnectionId, TraceId};

pub struct NewInvitation<'a> {
    pub handle_hash: [u8; 32],
    pub connection: &'a ConnectionId,
    pub trial: &'a Trial,
    pub trace_id: &'a TraceId,
    pub expires_at: OffsetDateTime,
}

pub async fn invite(conn: &mut Conn, new: NewInvitation<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO trial_invitations (handle_hash, connection_id, client_id, invited_by, trace_id, expires_at, credential_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &new.handle_hash[..],
        new.connection.as_str(),
        new.trial.client,
        new.trial.by,
        new.trace_id.as_str(),
        new.expires_at,
        new.trial.credential
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses it up. `None`: there is none, it was used, or it is another connection's.
pub async fn accept(
    conn: &mut Conn,
    handle_hash: &[u8; 32],
    connection: &ConnectionId,
    now: OffsetDateTime,
) -> Result<Option<(Trial, TraceId)>, sqlx::Error> {
    let row = sqlx::query!(
        "UPDATE trial_invitations SET used_at = $3
         WHERE handle_hash = $1 AND connection_id = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING client_id, invited_by, trace_id, credential_id",
        &handle_hash[..],
        connection.as_str(),
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let trial = Trial { by: row.invited_by, client: row.client_id, credential: row.credential_id };
        (trial, TraceId::from_stored(row.trace_id))
    }))
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM trial_invitations
         WHERE handle_hash IN (SELECT handle_hash FROM trial_invitations WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
