//! SQL of signing keys. Each transition's WHERE names the state it leaves: `false` means someone else was faster.

use time::OffsetDateTime;

use super::{SigningKey, State};
use crate::db::Conn;
use crate::jose::{Alg, PublicJwk};
use crate::vault::Sealed;

/// Held to the end of the transaction: one replica at a time decides which keys there are.
pub async fn lock(conn: &mut Conn) -> Result<(), sqlx::Error> {
    // any number will do as long as nobody else uses it: "avouch" in ASCII
    sqlx::query!("SELECT pg_advisory_xact_lock(x'61766f756368'::bigint)").execute(conn).await?;
    Ok(())
}

pub async fn list(conn: &mut Conn) -> Result<Vec<SigningKey>, sqlx::Error> {
    sqlx::query!(
        "SELECT kid, number, alg, state, published_at, activated_at, retiring_at, ended_at
         FROM signing_keys ORDER BY alg, published_at, kid"
    )
    .try_map(|row| {
        Ok(SigningKey {
            alg: known(Alg::parse(&row.alg), "alg", &row.alg)?,
            state: known(State::parse(&row.state), "state", &row.state)?,
            kid: row.kid,
            number: row.number,
            published_at: row.published_at,
            activated_at: row.activated_at,
            retiring_at: row.retiring_at,
            ended_at: row.ended_at,
        })
    })
    .fetch_all(conn)
    .await
}

/// The private keys of one state, for the [`super::KeySet`].
pub struct SealedKey {
    pub kid: String,
    pub number: i64,
    pub alg: Alg,
    pub state: State,
    pub sealed: Sealed,
}

/// All keys that are published, in a stable order: active first, then next, then the retiring ones.
pub async fn published(conn: &mut Conn) -> Result<Vec<SealedKey>, sqlx::Error> {
    sqlx::query!(
        "SELECT kid, number, alg, state, sealed FROM signing_keys WHERE state IN ('next', 'active', 'retiring')
         ORDER BY array_position(ARRAY['active', 'next', 'retiring'], state),
                  array_position(ARRAY['RS256', 'PS256', 'ES256', 'EdDSA'], alg), published_at DESC, kid"
    )
    .try_map(|row| {
        Ok(SealedKey {
            alg: known(Alg::parse(&row.alg), "alg", &row.alg)?,
            state: known(State::parse(&row.state), "state", &row.state)?,
            kid: row.kid,
            number: row.number,
            sealed: Sealed::from_stored(row.sealed),
        })
    })
    .fetch_all(conn)
    .await
}

/// `activated_at` makes it an active key, `None` a next one.
pub async fn insert(
    conn: &mut Conn,
    jwk: &PublicJwk,
    sealed: &Sealed,
    now: OffsetDateTime,
    activated_at: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    let state = if activated_at.is_some() { State::Active } else { State::Next };
    sqlx::query!(
        "INSERT INTO signing_keys (kid, alg, state, sealed, public_jwk, published_at, activated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        jwk.kid,
        jwk.alg.as_str(),
        state.as_str(),
        sealed.as_bytes(),
        sqlx::types::Json(jwk) as _,
        now,
        activated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn activate_next(conn: &mut Conn, kid: &str, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE signing_keys SET state = 'active', activated_at = $2 WHERE kid = $1 AND state = 'next'",
        kid,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn retire_active(conn: &mut Conn, kid: &str, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE signing_keys SET state = 'retiring', retiring_at = $2 WHERE kid = $1 AND state = 'active'",
        kid,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whatever published state it was in.
pub async fn revoke(conn: &mut Conn, kid: &str, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE signing_keys SET state = 'revoked', ended_at = $2 WHERE kid = $1 AND state IN ('next', 'active', 'retiring')",
        kid,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every key that has been retiring since `before` or longer, and says how many.
pub async fn end_retiring(conn: &mut Conn, before: OffsetDateTime, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE signing_keys SET state = 'retired', ended_at = $2 WHERE state = 'retiring' AND retiring_at <= $1",
        before,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The table's CHECK constraints and this crate know the same words, unless the database is newer than the program.
fn known<T>(value: Option<T>, column: &str, text: &str) -> Result<T, sqlx::Error> {
    value.ok_or_else(|| sqlx::Error::Decode(format!("signing_keys.{column} is {text:?}, which is unknown here").into()))
}
