//! SQL of upstream grants.

use time::OffsetDateTime;

use super::{Failure, Grant, Owner};
use crate::db::Conn;
use crate::ids::SessionId;
use crate::vault::Sealed;

/// At the sign-in, which is the first time that the provider vouched. Without `sealed` there is nothing to ask with.
pub async fn insert(
    conn: &mut Conn,
    owner: Owner<'_>,
    sealed: Option<&Sealed>,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO upstream_grants (session_id, connection_id, identity_id, sealed, checked_at, failure)
         VALUES ($1, $2, $3, $4, $5, $6)",
        owner.session.as_str(),
        owner.connection.as_str(),
        owner.identity.as_str(),
        sealed.map(Sealed::as_bytes),
        now,
        sealed.is_none().then_some(Failure::Missing.as_str())
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn of(conn: &mut Conn, session: &SessionId) -> Result<Option<Grant>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT sealed, checked_at, busy_until, failure FROM upstream_grants WHERE session_id = $1",
        session.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Grant {
        sealed: row.sealed.map(Sealed::from_stored),
        checked_at: row.checked_at,
        busy_until: row.busy_until,
        failure: row.failure.as_deref().and_then(Failure::parse),
    }))
}

/// Takes the turn to ask, if nobody has it and nobody asked since `seen` was read.
pub async fn take_turn(
    conn: &mut Conn,
    session: &SessionId,
    seen: &Grant,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE upstream_grants SET busy_until = $4, failure = NULL
         WHERE session_id = $1 AND checked_at = $2 AND sealed IS NOT NULL AND (busy_until IS NULL OR busy_until <= $3)",
        session.as_str(),
        seen.checked_at,
        now,
        until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The provider gave another refresh token in place of the one it was shown.
pub async fn replace(conn: &mut Conn, session: &SessionId, sealed: &Sealed) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_grants SET sealed = $2 WHERE session_id = $1 AND sealed IS NOT NULL",
        session.as_str(),
        sealed.as_bytes()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The provider vouched, and the turn is over.
pub async fn checked(
    conn: &mut Conn,
    session: &SessionId,
    sealed: &Sealed,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_grants SET sealed = $2, checked_at = $3, busy_until = NULL, failure = NULL
         WHERE session_id = $1 AND sealed IS NOT NULL",
        session.as_str(),
        sealed.as_bytes(),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The turn came to nothing. With `again` it may be taken again from then on; without, there is nothing to ask with any
/// more.
pub async fn failed(
    conn: &mut Conn,
    session: &SessionId,
    failure: Failure,
    again: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE upstream_grants SET failure = $2, busy_until = $3, sealed = CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE sealed END
         WHERE session_id = $1",
        session.as_str(),
        failure.as_str(),
        again
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those whose session is over and whose refresh families are, too.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM upstream_grants WHERE session_id IN (
             SELECT g.session_id FROM upstream_grants g
             WHERE NOT EXISTS (SELECT 1 FROM sessions s
                               WHERE s.id = g.session_id AND s.revoked_at IS NULL AND s.expires_at > $1)
               AND NOT EXISTS (SELECT 1 FROM refresh_families f
                               WHERE f.session_id = g.session_id AND f.revoked_at IS NULL AND f.expires_at > $1)
             LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
