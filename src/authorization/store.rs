//! SQL of authorizations. A transition is an UPDATE whose WHERE names the old state; no row means that somebody else won.

use time::OffsetDateTime;

use super::{Authorization, AuthorizeRequest, State};
use crate::client::ClientId;
use crate::db::Conn;
use crate::ids::{AuthorizationId, FamilyId, SessionId, TokenId, TraceId};
use crate::oauth::scope::Scope;

pub async fn insert(conn: &mut Conn, new: &Authorization) -> Result<(), sqlx::Error> {
    let (state, session) = match &new.state {
        State::Identified { session } => ("identified", Some(session.as_str())),
        _ => ("pending", None),
    };
    sqlx::query!(
        "INSERT INTO authorizations (id, state, client_id, request, browser_hash, trace_id, session_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id.as_str(),
        state,
        new.client_id.as_str(),
        sqlx::types::Json(&new.request) as _,
        &new.browser_hash[..],
        new.trace_id.as_str(),
        session,
        new.created_at,
        new.expires_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An authorization that has not ended yet, when it was begun by this browser.
pub async fn find(
    conn: &mut Conn,
    id: &str,
    browser_hash: &[u8; 32],
    now: OffsetDateTime,
) -> Result<Option<Authorization>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, state, client_id, request AS "request: sqlx::types::Json<AuthorizeRequest>", browser_hash, trace_id,
                  session_id, created_at, expires_at
           FROM authorizations WHERE id = $1 AND browser_hash = $2 AND expires_at > $3"#,
        id,
        &browser_hash[..],
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.and_then(|row| {
        Some(Authorization {
            id: AuthorizationId::from_stored(row.id),
            state: match (row.state.as_str(), row.session_id) {
                ("pending", _) => State::Pending,
                ("identified", Some(session)) => State::Identified { session: SessionId::from_stored(session) },
                ("granted", _) => State::Granted,
                ("redeemed", _) => State::Redeemed,
                _ => State::Denied,
            },
            client_id: ClientId::parse(&row.client_id).ok()?,
            request: row.request.0,
            browser_hash: row.browser_hash.try_into().ok()?,
            trace_id: TraceId::from_stored(row.trace_id),
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }))
}

/// Pending or identified -> identified with the session that just began.
pub async fn identify(conn: &mut Conn, id: &AuthorizationId, session: &SessionId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE authorizations SET state = 'identified', session_id = $2 WHERE id = $1 AND state IN ('pending', 'identified')",
        id.as_str(),
        session.as_str()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Identified -> granted.
pub async fn grant(
    conn: &mut Conn,
    id: &AuthorizationId,
    session: &SessionId,
    code_hash: &[u8; 32],
    code_expires_at: OffsetDateTime,
    scopes: &Scope,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE authorizations SET state = 'granted', code_hash = $3, code_expires_at = $4, granted_scopes = $5
         WHERE id = $1 AND session_id = $2 AND state = 'identified'",
        id.as_str(),
        session.as_str(),
        &code_hash[..],
        code_expires_at,
        scopes.as_slice()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Pending or identified -> denied.
pub async fn deny(conn: &mut Conn, id: &AuthorizationId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE authorizations SET state = 'denied' WHERE id = $1 AND state IN ('pending', 'identified')",
        id.as_str()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a code stands for, with the session it came from.
#[derive(Debug)]
pub struct Code {
    pub id: AuthorizationId,
    pub client_id: String,
    pub request: AuthorizeRequest,
    pub scopes: Scope,
    pub expires_at: OffsetDateTime,
    pub session_id: SessionId,
    /// Of the request that it answers.
    pub trace_id: TraceId,
    pub redeemed: Option<Redemption>,
}

/// An earlier redemption of the same code.
#[derive(Debug)]
pub struct Redemption {
    pub at: OffsetDateTime,
    pub access_jti: Option<String>,
    pub family: Option<FamilyId>,
}

pub async fn by_code(conn: &mut Conn, code_hash: &[u8; 32]) -> Result<Option<Code>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, client_id, request AS "request: sqlx::types::Json<AuthorizeRequest>", granted_scopes AS "granted_scopes!",
                  code_expires_at AS "code_expires_at!", session_id AS "session_id!", trace_id, redeemed_at, access_jti, family_id
           FROM authorizations WHERE code_hash = $1"#,
        &code_hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Code {
        id: AuthorizationId::from_stored(row.id),
        client_id: row.client_id,
        request: row.request.0,
        scopes: Scope::from_tokens(row.granted_scopes),
        expires_at: row.code_expires_at,
        session_id: SessionId::from_stored(row.session_id),
        trace_id: TraceId::from_stored(row.trace_id),
        redeemed: row.redeemed_at.map(|at| Redemption {
            at,
            access_jti: row.access_jti,
            family: row.family_id.map(FamilyId::from_stored),
        }),
    }))
}

/// Granted -> redeemed. False: another request redeemed it first.
pub async fn redeem(
    conn: &mut Conn,
    id: &AuthorizationId,
    access_jti: &TokenId,
    family: Option<&FamilyId>,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE authorizations SET state = 'redeemed', redeemed_at = $2, access_jti = $3, family_id = $4
         WHERE id = $1 AND state = 'granted'",
        id.as_str(),
        now,
        access_jti.as_str(),
        family.map(FamilyId::as_str)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    // a redeemed code is remembered for a day, so that its reuse is noticed
    let cut = now - time::Duration::days(1);
    let done = sqlx::query!(
        "DELETE FROM authorizations WHERE id IN (SELECT id FROM authorizations WHERE expires_at < $1 LIMIT 1000)",
        cut
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
