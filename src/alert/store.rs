//! SQL over the audit log for what operators are told of. The log itself says what was said already.

use time::OffsetDateTime;

use crate::db::Conn;

/// "avouch alert" as a number that nothing else locks.
const LOCK: i64 = 0x6176_6f5f_616c_7274;

/// False: another replica is at it. Until the end of the transaction.
pub async fn lock(conn: &mut Conn) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "locked!""#, LOCK).fetch_one(conn).await
}

/// A reminder that was written.
pub struct Reminded {
    pub connection: String,
    pub id: String,
    /// Unix seconds.
    pub ends: i64,
    pub days: i64,
}

pub async fn reminded(conn: &mut Conn) -> Result<Vec<Reminded>, sqlx::Error> {
    sqlx::query_as!(
        Reminded,
        r#"SELECT DISTINCT connection AS "connection!", detail->>'id' AS "id!", (detail->>'ends')::bigint AS "ends!",
                  (detail->>'days')::bigint AS "days!"
           FROM audit_events WHERE action = 'credential.expiring' AND connection IS NOT NULL"#
    )
    .fetch_all(conn)
    .await
}

/// Connections of which at least `enough` sign-ins were refused since, and how many.
pub async fn refused_since(
    conn: &mut Conn,
    since: OffsetDateTime,
    enough: i64,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT connection AS "connection!", count(*) AS "refused!" FROM audit_events
           WHERE outcome IN ('refused', 'failed') AND at >= $1 AND action = 'login' AND connection IS NOT NULL
           GROUP BY connection HAVING count(*) >= $2"#,
        since,
        enough
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.connection, row.refused)).collect())
}

pub async fn refused_between(
    conn: &mut Conn,
    connection: &str,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "refused!" FROM audit_events
           WHERE connection = $1 AND outcome IN ('refused', 'failed') AND action = 'login' AND at >= $2 AND at < $3"#,
        connection,
        from,
        until
    )
    .fetch_one(conn)
    .await
}

pub async fn said_rising_since(conn: &mut Conn, connection: &str, since: OffsetDateTime) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM audit_events
                          WHERE action = 'logins.refused_rising' AND connection = $1 AND at >= $2) AS "said!""#,
        connection,
        since
    )
    .fetch_one(conn)
    .await
}
