//! SQL for what operators are told of: over the audit log, and of the reminders that were written.

use time::{Duration, OffsetDateTime};

use crate::broker::expiry::Expiry;
use crate::db::Conn;

/// "avouch alert" as a number that nothing else locks.
const LOCK: i64 = 0x6176_6f5f_616c_7274;
const KEPT: Duration = Duration::days(400);

/// False: another replica is at it. Until the end of the transaction.
pub async fn lock(conn: &mut Conn) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "locked!""#, LOCK).fetch_one(conn).await
}

/// Somebody was reminded of it, and it is not over.
pub struct Reminded {
    pub kind: String,
    pub owner: String,
    pub id: String,
    pub ends_at: OffsetDateTime,
}

impl Reminded {
    pub fn is_of(&self, one: &Expiry) -> bool {
        (&*self.kind, &self.owner, &self.id) == (one.kind.as_str(), &one.owner, &one.id)
            && self.ends_at == whole_second(one.at)
    }
}

/// The database keeps microseconds; a second is enough, and is what the log has.
fn whole_second(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

pub async fn open(conn: &mut Conn) -> Result<Vec<Reminded>, sqlx::Error> {
    sqlx::query_as!(Reminded, "SELECT kind, owner, id, ends_at FROM expiry_reminders WHERE closed_at IS NULL")
        .fetch_all(conn)
        .await
}

pub async fn close(conn: &mut Conn, told: &Reminded, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE expiry_reminders SET closed_at = $5 WHERE kind = $1 AND owner = $2 AND id = $3 AND ends_at = $4",
        told.kind,
        told.owner,
        told.id,
        told.ends_at,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// False: somebody was told of this mark, or of a nearer one. What is told of again is open again.
pub async fn remind(conn: &mut Conn, one: &Expiry, days: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO expiry_reminders AS r (kind, owner, id, ends_at, days) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, owner, id, ends_at) DO UPDATE SET days = excluded.days, closed_at = NULL WHERE r.days > excluded.days",
        one.kind.as_str(),
        one.owner,
        one.id,
        whole_second(one.at),
        days
    );
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// What was over long ago.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM expiry_reminders WHERE (kind, owner, id, ends_at) IN
         (SELECT kind, owner, id, ends_at FROM expiry_reminders WHERE closed_at < $1 AND ends_at < $1 LIMIT 1000)",
        now - KEPT
    );
    Ok(done.execute(conn).await?.rows_affected())
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
