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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Pool;
    use crate::ids::{ConnectionId, IdentityId};

    #[sqlx::test]
    async fn a_grant_lives_as_long_as_session_or_family_and_one_at_a_time_has_the_turn(db: Pool) {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
        let mut conn = db.acquire().await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO connections (id, slug, display_name, protocol, enabled, listed, settings, email_domains, mapping, created_at, updated_at)
             VALUES ('c', 'c', 'c', 'oidc', true, true, '{}', '{}', '{}', now(), now());
             INSERT INTO users (id, status, email_verified, groups, created_at, updated_at) VALUES ('u', 'active', false, '{}', now(), now());
             INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at) VALUES ('i', 'u', 'c', 'i', 's', now())",
        )
        .execute(&mut *conn)
        .await
        .unwrap();
        let session = SessionId::from_stored("s".into());
        let (connection, identity) = (ConnectionId::from_stored("c".into()), IdentityId::from_stored("i".into()));
        let owner = Owner { session: &session, connection: &connection, identity: &identity };
        let sealed = Sealed::from_stored(vec![1, 1, b'k']);
        insert(&mut conn, owner, Some(&sealed), now).await.unwrap();
        let seen = of(&mut conn, &session).await.unwrap().unwrap();
        let minute = time::Duration::minutes(1);
        assert!(take_turn(&mut conn, &session, &seen, now, now + minute).await.unwrap());
        assert!(!take_turn(&mut conn, &session, &seen, now, now + minute).await.unwrap(), "somebody has it");
        assert!(take_turn(&mut conn, &session, &seen, now + minute, now + 2 * minute).await.unwrap(), "it lapsed");
        checked(&mut conn, &session, &sealed, now + minute).await.unwrap();
        assert!(
            !take_turn(&mut conn, &session, &seen, now + minute, now + 2 * minute).await.unwrap(),
            "it was asked since"
        );

        sqlx::query(
            "INSERT INTO sessions (id, token_hash, user_id, identity_id, connection_slug, auth_time, amr, created_at, last_seen_at, expires_at)
             VALUES ('s', 'x', 'u', 'i', 'c', $1, '{}', $1, $1, $2)",
        )
        .bind(now)
        .bind(now + minute)
        .execute(&mut *conn)
        .await
        .unwrap();
        assert_eq!(delete_ended(&mut conn, now).await.unwrap(), 0);
        assert_eq!(
            delete_ended(&mut conn, now + minute).await.unwrap(),
            1,
            "its session is over and there is no family"
        );
    }
}
