//! SQL of the dates of connections' keys.

use time::OffsetDateTime;

use super::KnownKey;
use crate::connection::credential::handover;
use crate::connection::{CredentialState, KeyUse};
use crate::db::Conn;
use crate::ids::{ConnectionId, CredentialId};

/// Those that are published, the newest first.
pub(super) async fn known(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<KnownKey>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.id, k.state, k.created_by, k.created_at, k.expires_at, k.public_jwk AS "jwk!", k.certificate AS "certificate!",
                  k.active_since, k.uses, k.last_used_at, k.refused_at, k.key_use, l.promote_at AS "promote_at?", l.retire_at AS "retire_at?"
           FROM connection_credentials k LEFT JOIN connection_key_lives l ON l.credential_id = k.id
           WHERE k.connection_id = $1 AND k.kind = 'private_key' AND k.state IN ('next', 'active', 'retiring')
           ORDER BY k.created_at DESC, k.id DESC"#,
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    let keys = rows.into_iter().filter_map(|row| {
        Some(KnownKey {
            state: CredentialState::parse(&row.state)?,
            id: CredentialId::from_stored(row.id),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            promote_at: row.promote_at,
            active_since: row.active_since,
            uses: row.uses,
            last_used_at: row.last_used_at,
            refused_at: row.refused_at,
            key_use: row.key_use.as_deref().and_then(KeyUse::parse),
            retire_at: row.retire_at,
            jwk: row.jwk,
            certificate: row.certificate,
        })
    });
    Ok(keys.collect())
}

/// Null: when somebody says so.
pub(super) async fn promote_at(
    conn: &mut Conn,
    key: &CredentialId,
    at: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO connection_key_lives (credential_id, promote_at) VALUES ($1, $2)
         ON CONFLICT (credential_id) DO UPDATE SET promote_at = EXCLUDED.promote_at",
        key.as_str(),
        at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// It signs from now on, and no date waits for it.
pub(in crate::connection) async fn activated(
    conn: &mut Conn,
    key: &CredentialId,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    handover::store::took_over(conn, key, now).await?;
    sqlx::query!(
        "UPDATE connection_key_lives SET promote_at = NULL, retire_at = NULL WHERE credential_id = $1",
        key.as_str()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Another has taken over.
pub(in crate::connection) async fn retires(
    conn: &mut Conn,
    key: &CredentialId,
    at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO connection_key_lives (credential_id, retire_at) VALUES ($1, $2)
         ON CONFLICT (credential_id) DO UPDATE SET retire_at = EXCLUDED.retire_at, promote_at = NULL",
        key.as_str(),
        at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The connections with a key for which something is to be done now, by slug. A first look: who acts looks again, under
/// the connection's lock.
pub(super) async fn due(conn: &mut Conn, now: OffsetDateTime) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT c.slug FROM connections c
         JOIN connection_credentials k ON k.connection_id = c.id AND k.kind = 'private_key'
         LEFT JOIN connection_key_lives l ON l.credential_id = k.id
         WHERE (k.state = 'next' AND l.promote_at <= $1) OR (k.state = 'retiring' AND l.retire_at <= $1)
            OR (k.state = 'active' AND c.protocol = 'oidc' AND c.settings ->> 'client_authentication' = 'private_key_jwt'
                AND c.settings #>> '{key_rotation,delivery}' = 'jwks_uri'
                AND (c.settings #>> '{key_rotation,days}')::int > 0
                AND COALESCE(k.active_since, k.created_at)
                    + make_interval(days => (c.settings #>> '{key_rotation,days}')::int)
                    - make_interval(hours => (c.settings #>> '{key_rotation,publish_ahead_hours}')::int) <= $1
                AND NOT EXISTS (SELECT 1 FROM connection_credentials n
                                WHERE n.connection_id = c.id AND n.kind = 'private_key' AND n.state = 'next'))
         ORDER BY c.slug",
        now
    )
    .fetch_all(conn)
    .await
}
