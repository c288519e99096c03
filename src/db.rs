//! The database: pool, one connection type, transactions, and what its errors mean. Knows no noun.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};

use crate::oauth::error::{ErrorCode, OAuthError};

pub type Conn = sqlx::PgConnection;
pub type Pool = PgPool;

pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// A connection that lay idle for longer is asked whether it still answers before it is used; one that answered a moment
/// ago is not, as that would be one round trip more for every transaction.
const QUIET: Duration = Duration::from_millis(200);

/// A pool that gives up quickly: a caller who waits for a database that is gone should get its 503 soon.
pub fn pool(options: PgConnectOptions) -> Pool {
    let options = options
        .application_name("avouch")
        .options([("statement_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s")]);
    PgPoolOptions::new()
        .max_connections(10)
        .test_before_acquire(false)
        .before_acquire(|conn, meta| Box::pin(async move { Ok(meta.idle_for < QUIET || conn.ping().await.is_ok()) }))
        .acquire_timeout(Duration::from_secs(3))
        .idle_timeout(Duration::from_secs(600))
        .connect_lazy_with(options)
}

/// What the database takes for the time, which all replicas have in common.
///
/// # Errors
/// the database's.
pub async fn clock(conn: &mut Conn) -> Result<time::OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await
}

/// Runs `work` in one transaction and commits when it answers `Ok`. Never await the network inside it. A refusal that
/// must be remembered travels as `Ok(Refused(..))`, because an `Err` rolls back.
///
/// # Errors
/// `work`'s own, and the database's.
pub async fn in_tx<T, E: From<sqlx::Error>>(
    pool: &Pool,
    work: impl AsyncFnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    let value = work(&mut tx).await?;
    tx.commit().await?;
    Ok(value)
}

/// Runs `work` in a read-only transaction that sees one moment, however many statements it takes.
///
/// # Errors
/// `work`'s own, and the database's.
pub async fn in_snapshot<T, E: From<sqlx::Error>>(
    pool: &Pool,
    work: impl AsyncFnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let value = work(&mut tx).await?;
    tx.commit().await?;
    Ok(value)
}

/// Lets each statement of this transaction take so long, for what reads very much: the pool's limit is for requests that
/// somebody waits for. What is done between the statements may take as long.
///
/// # Errors
/// the database's.
pub async fn allow(conn: &mut Conn, each: Duration) -> Result<(), sqlx::Error> {
    let limit = each.as_millis().to_string();
    let local =
        "SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $1, true)";
    sqlx::query(local).bind(limit).execute(conn).await.map(drop)
}

/// Whether the error is a violation of the named constraint.
pub fn on_constraint(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().is_some_and(|e| e.constraint() == Some(constraint))
}

/// Whether the database could not be asked at all, so that the right answer is 503 and "try again".
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        // class 57: operator intervention (shutdown, cancelled statement), 53: out of resources, 08: connection
        sqlx::Error::Database(e) => {
            e.code().is_some_and(|c| ["57", "53", "08"].iter().any(|class| c.starts_with(class)))
        }
        _ => false,
    }
}

/// What a database error means to a client: we cannot decide (503), or we are broken (500). It is logged here, once.
pub fn database_error(error: &sqlx::Error) -> OAuthError {
    tracing::error!(%error, "the database failed");
    if is_unavailable(error) {
        OAuthError::new(ErrorCode::TemporarilyUnavailable, "the database cannot be reached; try again in a few seconds")
    } else {
        OAuthError::new(ErrorCode::ServerError, "something broke on our side; the operator finds it by the trace id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[sqlx::test]
    async fn a_long_read_is_allowed_in_its_own_transaction_only(_: PgPoolOptions, options: PgConnectOptions) {
        let pool = pool(options);
        let limit = async |conn: &mut Conn| sqlx::query_scalar("SHOW statement_timeout").fetch_one(conn).await;
        let inside: String = in_snapshot(&pool, async |conn| {
            allow(conn, Duration::from_secs(120)).await?;
            limit(conn).await
        })
        .await
        .unwrap();
        let after: String = limit(&mut *pool.acquire().await.unwrap()).await.unwrap();
        assert_eq!((inside.as_str(), after.as_str()), ("2min", "5s"));
    }
}
