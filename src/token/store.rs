//! SQL of refresh tokens and of the few access tokens that were revoked before their end.

use time::OffsetDateTime;

use super::refresh::{Family, NewRefreshToken, Stored};
use crate::client::UserClaim;
use crate::db::Conn;
use crate::ids::{FamilyId, IdentityId, RefreshTokenId, SessionId, UserId};
use crate::oauth::jkt::Jkt;
use crate::oauth::scope::Scope;
use crate::user::store::UserRow;
use crate::vault::Sealed;

pub async fn insert_family(conn: &mut Conn, family: &Family, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    let claims: Vec<&str> = family.id_token_claims.iter().map(|claim| claim.as_str()).collect();
    sqlx::query!(
        "INSERT INTO refresh_families (id, client_id, user_id, identity_id, session_id, connection_slug, scopes, audiences,
                                       auth_time, acr, amr, created_at, expires_at, dpop_jkt,
                                       id_token_claims)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        family.id.as_str(),
        family.client_id,
        family.user_id.as_str(),
        family.identity_id.as_str(),
        family.session_id.as_str(),
        family.connection_slug,
        family.scopes.as_slice(),
        &family.audiences,
        family.auth_time,
        family.acr,
        &family.amr,
        now,
        family.expires_at,
        family.key.as_ref().map(Jkt::as_str),
        &claims as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_token(
    conn: &mut Conn,
    family: &FamilyId,
    token: &NewRefreshToken,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (id, family_id, token_hash, state, created_at, expires_at) VALUES ($1, $2, $3, 'active', $4, $5)",
        token.id.as_str(),
        family.as_str(),
        &token.hash[..],
        now,
        token.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct StoredRow {
    id: String,
    expires_at: OffsetDateTime,
    rotated_at: Option<OffsetDateTime>,
    successor: Option<Vec<u8>>,
    family_id: String,
    client_id: String,
    user_id: String,
    identity_id: String,
    session_id: String,
    connection_slug: String,
    scopes: Vec<String>,
    audiences: Vec<String>,
    id_token_claims: Vec<String>,
    auth_time: OffsetDateTime,
    acr: Option<String>,
    amr: Vec<String>,
    dpop_jkt: Option<String>,
    family_expires_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
    status: String,
    email: Option<String>,
    email_verified: bool,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    preferred_username: Option<String>,
    groups: Vec<String>,
    attributes: serde_json::Value,
    vouched_at: Option<OffsetDateTime>,
}

impl From<StoredRow> for Stored {
    fn from(row: StoredRow) -> Self {
        let user = UserRow {
            id: row.user_id.clone(),
            status: row.status,
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            given_name: row.given_name,
            family_name: row.family_name,
            preferred_username: row.preferred_username,
            groups: row.groups,
            attributes: row.attributes,
        };
        Self {
            user: user.into(),
            vouched_at: row.vouched_at,
            id: RefreshTokenId::from_stored(row.id),
            family: Family {
                id: FamilyId::from_stored(row.family_id),
                client_id: row.client_id,
                user_id: UserId::from_stored(row.user_id),
                identity_id: IdentityId::from_stored(row.identity_id),
                session_id: SessionId::from_stored(row.session_id),
                connection_slug: row.connection_slug,
                scopes: Scope::from_tokens(row.scopes),
                audiences: row.audiences,
                id_token_claims: row.id_token_claims.iter().filter_map(|claim| UserClaim::parse(claim)).collect(),
                auth_time: row.auth_time,
                acr: row.acr,
                amr: row.amr,
                key: row.dpop_jkt.map(Jkt::from_thumbprint),
                expires_at: row.family_expires_at,
            },
            revoked: row.revoked_at.is_some(),
            expires_at: row.expires_at,
            rotated: row.rotated_at.zip(row.successor.map(Sealed::from_stored)),
        }
    }
}

/// The token and its family, both locked: two refreshes of one family come one after the other. The family's lock comes
/// first, and whoever waited for it sees what was done meanwhile, because a locked row is read anew.
pub async fn lock_by_hash(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<Stored>, sqlx::Error> {
    let row = sqlx::query_as!(
        StoredRow,
        "SELECT t.id, t.expires_at, t.rotated_at, t.successor, f.id AS family_id, f.client_id, f.user_id, f.identity_id,
                f.session_id, f.connection_slug, f.scopes, f.audiences, f.id_token_claims, f.auth_time, f.acr, f.amr,
                f.dpop_jkt, f.expires_at AS family_expires_at, f.revoked_at, u.status, u.email, u.email_verified, u.name,
                u.given_name, u.family_name, u.preferred_username, u.groups, u.attributes,
                (SELECT checked_at FROM upstream_grants g WHERE g.session_id = f.session_id AND g.failure IS NULL) AS vouched_at
         FROM refresh_families f JOIN refresh_tokens t ON t.family_id = f.id JOIN users u ON u.id = f.user_id
         WHERE t.token_hash = $1 FOR UPDATE OF f, t",
        &hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Stored::from))
}

/// The token, its family and its person as they are at this moment.
pub async fn by_hash(conn: &mut Conn, hash: &[u8; 32]) -> Result<Option<Stored>, sqlx::Error> {
    let row = sqlx::query_as!(
        StoredRow,
        "SELECT t.id, t.expires_at, t.rotated_at, t.successor, f.id AS family_id, f.client_id, f.user_id, f.identity_id,
                f.session_id, f.connection_slug, f.scopes, f.audiences, f.id_token_claims, f.auth_time, f.acr, f.amr,
                f.dpop_jkt, f.expires_at AS family_expires_at, f.revoked_at, u.status, u.email, u.email_verified, u.name,
                u.given_name, u.family_name, u.preferred_username, u.groups, u.attributes,
                (SELECT checked_at FROM upstream_grants g WHERE g.session_id = f.session_id AND g.failure IS NULL) AS vouched_at
         FROM refresh_families f JOIN refresh_tokens t ON t.family_id = f.id JOIN users u ON u.id = f.user_id
         WHERE t.token_hash = $1",
        &hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Stored::from))
}

/// Active -> rotated, with `next` in its place. False: somebody else rotated it.
pub async fn rotate(
    conn: &mut Conn,
    id: &RefreshTokenId,
    next: &NewRefreshToken,
    successor: &Sealed,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "WITH rotated AS (
             UPDATE refresh_tokens SET state = 'rotated', rotated_at = $2, successor = $3
             WHERE id = $1 AND state = 'active' RETURNING family_id)
         INSERT INTO refresh_tokens (id, family_id, token_hash, state, created_at, expires_at)
         SELECT $4, family_id, $5, 'active', $2, $6 FROM rotated",
        id.as_str(),
        now,
        successor.as_bytes(),
        next.id.as_str(),
        &next.hash[..],
        next.expires_at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// [`rotate`] for whoever holds no lock: false also when the family was revoked meanwhile. Locks the family first, as
/// [`lock_by_hash`] does.
pub async fn rotate_of_live_family(
    conn: &mut Conn,
    stored: &Stored,
    next: &NewRefreshToken,
    successor: &Sealed,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "WITH live AS MATERIALIZED (
             SELECT id FROM refresh_families WHERE id = $7 AND revoked_at IS NULL FOR UPDATE),
         rotated AS (
             UPDATE refresh_tokens SET state = 'rotated', rotated_at = $2, successor = $3
             WHERE id = $1 AND state = 'active' AND family_id = (SELECT id FROM live) RETURNING family_id)
         INSERT INTO refresh_tokens (id, family_id, token_hash, state, created_at, expires_at)
         SELECT $4, family_id, $5, 'active', $2, $6 FROM rotated",
        stored.id.as_str(),
        now,
        successor.as_bytes(),
        next.id.as_str(),
        &next.hash[..],
        next.expires_at,
        stored.family.id.as_str()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the token with this fingerprint was not used yet.
pub async fn is_unused(conn: &mut Conn, hash: &[u8; 32]) -> Result<bool, sqlx::Error> {
    let active = sqlx::query_scalar!("SELECT state = 'active' FROM refresh_tokens WHERE token_hash = $1", &hash[..])
        .fetch_optional(conn)
        .await?;
    Ok(active.flatten().unwrap_or(false))
}

pub async fn revoke_family(
    conn: &mut Conn,
    id: &FamilyId,
    reason: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE refresh_families SET revoked_at = $2, revoked_reason = $3 WHERE id = $1 AND revoked_at IS NULL",
        id.as_str(),
        now,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All that a sign-in led to, whichever the application.
pub async fn revoke_families_of_session(
    conn: &mut Conn,
    session: &SessionId,
    reason: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE refresh_families SET revoked_at = $2, revoked_reason = $3 WHERE session_id = $1 AND revoked_at IS NULL",
        session.as_str(),
        now,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn revoke_access_token(conn: &mut Conn, jti: &str, expires_at: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO revoked_access_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT ON CONSTRAINT revoked_access_tokens_pkey DO NOTHING",
        jti,
        expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn is_revoked(conn: &mut Conn, jti: &str) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!("SELECT 1 AS one FROM revoked_access_tokens WHERE jti = $1", jti)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let families = sqlx::query!(
        "DELETE FROM refresh_families WHERE id IN (SELECT id FROM refresh_families WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(&mut *conn)
    .await?;
    let tokens = sqlx::query!(
        "DELETE FROM revoked_access_tokens WHERE jti IN (SELECT jti FROM revoked_access_tokens WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(families.rows_affected() + tokens.rows_affected())
}
