//! SQL of device authorizations. A transition is an UPDATE whose WHERE names the old state; no row means that somebody
//! else won, or that it is too late.

use time::OffsetDateTime;

use super::{DeviceAuthorization, State};
use crate::db::Conn;
use crate::ids::{DeviceAuthorizationId, SessionId};
use crate::oauth::scope::Scope;
use crate::vault::{Place, Sealed};

pub fn user_code_place(id: &DeviceAuthorizationId) -> Place<'_> {
    Place { table: "device_authorizations", column: "user_code", row: id.as_str() }
}

pub async fn insert(
    conn: &mut Conn,
    new: &DeviceAuthorization,
    device_code_hash: &[u8; 32],
    user_code_digest: &[u8; 32],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO device_authorizations (id, state, client_id, device_code_hash, user_code_digest, user_code, scopes,
                                            audiences, requested_from, created_at, expires_at)
         VALUES ($1, 'pending', $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.id.as_str(),
        new.client_id,
        &device_code_hash[..],
        &user_code_digest[..],
        new.user_code.as_bytes(),
        new.scopes.as_slice(),
        &new.audiences,
        new.requested_from,
        new.created_at,
        new.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    id: String,
    state: String,
    client_id: String,
    user_code: Vec<u8>,
    scopes: Vec<String>,
    audiences: Vec<String>,
    requested_from: Option<String>,
    session_id: Option<String>,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<Row> for DeviceAuthorization {
    fn from(row: Row) -> Self {
        Self {
            id: DeviceAuthorizationId::from_stored(row.id),
            state: match (row.state.as_str(), row.session_id) {
                ("pending", _) => State::Pending,
                ("approved", Some(session)) => State::Approved { session: SessionId::from_stored(session) },
                ("redeemed", _) => State::Redeemed,
                _ => State::Denied,
            },
            client_id: row.client_id,
            user_code: Sealed::from_stored(row.user_code),
            scopes: Scope::from_tokens(row.scopes),
            audiences: row.audiences,
            requested_from: row.requested_from,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// All that a poll costs while nobody has decided.
pub async fn by_device_code(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<DeviceAuthorization>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, state, client_id, user_code, scopes, audiences, requested_from, session_id, created_at, expires_at
         FROM device_authorizations WHERE device_code_hash = $1",
        &hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

pub async fn by_user_code(conn: &mut Conn, digest: &[u8; 32]) -> Result<Option<DeviceAuthorization>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, state, client_id, user_code, scopes, audiences, requested_from, session_id, created_at, expires_at
         FROM device_authorizations WHERE user_code_digest = $1",
        &digest[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

pub async fn by_id(conn: &mut Conn, id: &DeviceAuthorizationId) -> Result<Option<DeviceAuthorization>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, state, client_id, user_code, scopes, audiences, requested_from, session_id, created_at, expires_at
         FROM device_authorizations WHERE id = $1",
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// Pending -> approved by the person of this session.
pub async fn approve(
    conn: &mut Conn,
    id: &DeviceAuthorizationId,
    session: &SessionId,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE device_authorizations SET state = 'approved', session_id = $2
         WHERE id = $1 AND state = 'pending' AND expires_at > $3",
        id.as_str(),
        session.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Pending -> denied.
pub async fn deny(conn: &mut Conn, id: &DeviceAuthorizationId, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE device_authorizations SET state = 'denied' WHERE id = $1 AND state = 'pending' AND expires_at > $2",
        id.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Approved -> redeemed. False: another poll redeemed it first, or its time is over.
pub async fn redeem(conn: &mut Conn, id: &DeviceAuthorizationId, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE device_authorizations SET state = 'redeemed' WHERE id = $1 AND state = 'approved' AND expires_at > $2",
        id.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many were deleted; each call deletes some.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    // remembered for a while, so that a late device and a late person are told that it is over
    let cut = now - time::Duration::hours(2);
    let done = sqlx::query!(
        "DELETE FROM device_authorizations WHERE id IN
             (SELECT id FROM device_authorizations WHERE expires_at < $1 LIMIT 1000)",
        cut
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientId;
    use crate::db::Pool;
    use crate::rng::Rng;
    use time::Duration;

    #[sqlx::test]
    async fn what_ended_is_deleted_after_a_while_and_a_decision_comes_once(db: Pool) -> Result<(), sqlx::Error> {
        let mut conn = db.acquire().await?;
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let client = ClientId::parse("cli").expect("a client id");
        sqlx::query(
            "INSERT INTO clients VALUES ($1, 'cli', 'native', true, '{}', '{}', '{device_code}', '{}', NULL, NULL, true, true,
                                         '{}', 'RS256', NULL, $2, $2, '{}')",
        )
        .bind(client.as_str())
        .bind(now)
        .execute(&mut *conn)
        .await?;
        let device = DeviceAuthorization {
            id: DeviceAuthorizationId::new(now, &Rng::default()),
            state: State::Pending,
            client_id: client.to_string(),
            user_code: Sealed::from_stored(vec![1]),
            scopes: Scope::parse("openid"),
            audiences: vec![],
            requested_from: None,
            created_at: now,
            expires_at: now + Duration::minutes(10),
        };
        insert(&mut conn, &device, &[1; 32], &[2; 32]).await?;
        assert!(!deny(&mut conn, &device.id, device.expires_at).await?, "too late");
        assert!(deny(&mut conn, &device.id, now).await?);
        assert!(!deny(&mut conn, &device.id, now).await?, "once");
        assert!(!redeem(&mut conn, &device.id, now).await?, "nobody approved it");
        assert_eq!(delete_ended(&mut conn, now + Duration::hours(2)).await?, 0);
        assert_eq!(delete_ended(&mut conn, now + Duration::hours(3)).await?, 1);
        assert!(by_id(&mut conn, &device.id).await?.is_none());
        Ok(())
    }
}
