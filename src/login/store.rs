//! SQL of login attempts: one row a trip, its `state` used once. And of SAML assertions, used once as well.

use time::OffsetDateTime;

use super::account;
use super::trial::Trial;
use crate::db::Conn;
use crate::ids::{AuthorizationId, ConnectionId, LoginAttemptId, SessionId, TraceId};
use crate::vault::{Place, Sealed};

pub struct NewAttempt<'a> {
    pub id: &'a LoginAttemptId,
    pub state_hash: [u8; 32],
    pub browser_hash: [u8; 32],
    /// `None`: the provider began it.
    pub authorization: Option<&'a AuthorizationId>,
    /// Of the login that it is a part of.
    pub trace_id: &'a TraceId,
    pub trial: Option<&'a Trial>,
    /// It leads to the operator's desk, and there to this path, which may be empty.
    pub desk_then: Option<&'a str>,
    /// It began at the account page.
    pub account: Option<&'a account::Trip>,
    pub connection: &'a ConnectionId,
    pub issuer: &'a str,
    pub nonce: &'a str,
    pub pkce_verifier: &'a Sealed,
    pub max_age: Option<u32>,
    pub expires_at: OffsetDateTime,
}

/// A trip as it was remembered.
#[derive(Debug)]
pub struct Attempt {
    pub id: LoginAttemptId,
    pub browser_hash: Vec<u8>,
    pub authorization_id: Option<String>,
    pub connection_id: ConnectionId,
    pub issuer: String,
    pub nonce: String,
    pub pkce_verifier: Sealed,
    pub max_age: Option<u32>,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub completed: bool,
    pub trace_id: Option<TraceId>,
    /// An operator's test: it signs nobody in.
    pub trial: Option<Trial>,
    /// It leads to the operator's desk, and there to this path.
    pub desk_then: Option<String>,
    /// It began at the account page.
    pub account: Option<account::Trip>,
}

pub fn verifier_place(id: &LoginAttemptId) -> Place<'_> {
    Place { table: "login_attempts", column: "pkce_verifier", row: id.as_str() }
}

pub async fn insert(conn: &mut Conn, new: NewAttempt<'_>, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO login_attempts (id, state_hash, browser_hash, authorization_id, connection_id, issuer, nonce,
                                     pkce_verifier, max_age, created_at, expires_at, trace_id, trial_by, trial_client, desk_then,
                                     trial_credential, account, account_session)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        new.id.as_str(),
        &new.state_hash[..],
        &new.browser_hash[..],
        new.authorization.map(AuthorizationId::as_str),
        new.connection.as_str(),
        new.issuer,
        new.nonce,
        new.pkce_verifier.as_bytes(),
        new.max_age.map(i64::from),
        now,
        new.expires_at,
        new.trace_id.as_str(),
        new.trial.map(|trial| trial.by.as_str()),
        new.trial.and_then(|trial| trial.client.as_deref()),
        new.desk_then,
        new.trial.and_then(|trial| trial.credential.as_deref()),
        new.account.map(account::Trip::word),
        new.account.and_then(account::Trip::session).map(SessionId::as_str)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn by_state(conn: &mut Conn, state_hash: &[u8; 32]) -> Result<Option<Attempt>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT id, browser_hash, authorization_id, connection_id, issuer, nonce, pkce_verifier, max_age, created_at, expires_at,
                completed_at, trace_id, trial_by, trial_client, trial_credential, desk_then, account, account_session
         FROM login_attempts WHERE state_hash = $1",
        &state_hash[..]
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let account = match row.account {
        // a CHECK constraint keeps other words out; an unknown one must not become a sign-in
        Some(word) => Some(account::Trip::parse(&word, row.account_session).ok_or(sqlx::Error::RowNotFound)?),
        None => None,
    };
    Ok(Some(Attempt {
        account,
        id: LoginAttemptId::from_stored(row.id),
        browser_hash: row.browser_hash,
        authorization_id: row.authorization_id,
        connection_id: ConnectionId::from_stored(row.connection_id),
        issuer: row.issuer,
        nonce: row.nonce,
        pkce_verifier: Sealed::from_stored(row.pkce_verifier),
        max_age: row.max_age.and_then(|n| u32::try_from(n).ok()),
        created_at: row.created_at,
        expires_at: row.expires_at,
        completed: row.completed_at.is_some(),
        trace_id: row.trace_id.map(TraceId::from_stored),
        trial: row.trial_by.map(|by| Trial { by, client: row.trial_client, credential: row.trial_credential }),
        desk_then: row.desk_then,
    }))
}

/// Uses the trip up. False: another answer with the same `state` was quicker.
pub async fn complete(conn: &mut Conn, id: &LoginAttemptId, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE login_attempts SET completed_at = $2 WHERE id = $1 AND completed_at IS NULL",
        id.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How often somebody came back from a provider for this request.
pub async fn completed_of(conn: &mut Conn, authorization: &AuthorizationId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM login_attempts WHERE authorization_id = $1 AND completed_at IS NOT NULL"#,
        authorization.as_str()
    )
    .fetch_one(conn)
    .await
}

/// How many trips without an application's request this browser began by this connection since then.
pub async fn count_unsolicited(
    conn: &mut Conn,
    browser_hash: &[u8; 32],
    connection: &ConnectionId,
    since: OffsetDateTime,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM login_attempts
           WHERE authorization_id IS NULL AND trial_by IS NULL AND desk_then IS NULL AND account IS NULL
                 AND browser_hash = $1 AND connection_id = $2 AND created_at > $3"#,
        &browser_hash[..],
        connection.as_str(),
        since
    )
    .fetch_one(conn)
    .await
}

/// Remembers an assertion that signs somebody in, or begins a sign-in. False: it did before.
pub async fn remember_assertion(
    conn: &mut Conn,
    connection: &ConnectionId,
    assertion: &str,
    until: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO saml_assertions_seen (connection_id, assertion_id, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        connection.as_str(),
        assertion,
        until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Those that do not hold any more by themselves.
pub async fn delete_ended_assertions(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM saml_assertions_seen WHERE ctid IN
             (SELECT ctid FROM saml_assertions_seen WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    // a used one is remembered for a while, so that a replay is called one
    let cut = now - time::Duration::hours(1);
    let done = sqlx::query!(
        "DELETE FROM login_attempts WHERE id IN (SELECT id FROM login_attempts WHERE expires_at < $1 LIMIT 1000)",
        cut
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
