//! SQL of rotations. Whoever changes one shows the fencing token of its lease; nothing is written by an older one.

use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};

use super::{Cause, Outcome, Rotation, Step};
use crate::connection::Slug;
use crate::connection::secret_driver::SecretDriver;
use crate::db::Conn;
use crate::ids::{ConnectionId, CredentialId, RotationId};
use crate::vault::Sealed;

/// Longer than any request to a provider takes; renewed before each one.
pub const LEASE: Duration = Duration::seconds(40);
const SHOWN: i64 = 10;

struct Row {
    id: String,
    connection_id: String,
    driver: String,
    step: String,
    marker: String,
    lifetime_days: i32,
    old_id: Option<String>,
    new_id: Option<String>,
    candidate: Option<Vec<u8>>,
    expires_at: Option<OffsetDateTime>,
    credential_id: Option<String>,
    previous_id: Option<String>,
    attempts: i32,
    step_at: OffsetDateTime,
    proofs: i32,
    proofs_since: Option<OffsetDateTime>,
    proved_at: Option<OffsetDateTime>,
    next_at: OffsetDateTime,
    last_error: Option<String>,
    stop_asked_by: Option<String>,
    asked_by: String,
    started_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
    outcome: Option<String>,
    cause: Option<String>,
    fence: i64,
}

/// A row that this version cannot read is another version's to go on with.
fn parse(row: Row) -> Option<Rotation> {
    let Some(step) = Step::parse(&row.step) else {
        tracing::error!(table = "secret_rotations", key = row.id, step = row.step, "row skipped: unknown step");
        return None;
    };
    Some(Rotation {
        id: RotationId::from_stored(row.id),
        connection: ConnectionId::from_stored(row.connection_id),
        driver: row.driver,
        step,
        marker: row.marker,
        lifetime_days: row.lifetime_days,
        old_id: row.old_id,
        new_id: row.new_id,
        candidate: row.candidate.map(Sealed::from_stored),
        expires_at: row.expires_at,
        credential: row.credential_id.map(CredentialId::from_stored),
        previous: row.previous_id.map(CredentialId::from_stored),
        attempts: row.attempts,
        step_at: row.step_at,
        proofs: row.proofs,
        proofs_since: row.proofs_since,
        proved_at: row.proved_at,
        next_at: row.next_at,
        last_error: row.last_error,
        stop_asked_by: row.stop_asked_by,
        asked_by: row.asked_by,
        started_at: row.started_at,
        finished_at: row.finished_at,
        outcome: row.outcome.as_deref().and_then(Outcome::parse),
        cause: row.cause.as_deref().and_then(Cause::parse),
        fence: row.fence,
    })
}

/// False: one is under way.
pub(super) async fn insert(
    conn: &mut Conn,
    id: &RotationId,
    driver: &SecretDriver,
    asked_by: &str,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO secret_rotations (id, connection_id, driver, step, marker, lifetime_days, step_at, next_at, asked_by, started_at)
         VALUES ($1, $2, $3, 'plan', $4, $5, $6, $6, $7, $6)
         ON CONFLICT (connection_id) WHERE finished_at IS NULL DO NOTHING",
        id.as_str(),
        driver.connection.as_str(),
        driver.settings.kind().as_str(),
        format!("avouch-{id}"),
        driver.lifetime_days,
        now,
        asked_by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn by_id(conn: &mut Conn, id: &RotationId) -> Result<Option<Rotation>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, driver, step, marker, lifetime_days, old_id, new_id, candidate, expires_at, credential_id, previous_id,
                attempts, step_at, proofs, proofs_since, proved_at, next_at, last_error, stop_asked_by, asked_by, started_at,
                finished_at, outcome, cause, fence
         FROM secret_rotations WHERE id = $1",
        id.as_str()
    );
    Ok(row.fetch_optional(conn).await?.and_then(parse))
}

/// The newest first.
pub(super) async fn latest(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<Rotation>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, driver, step, marker, lifetime_days, old_id, new_id, candidate, expires_at, credential_id, previous_id,
                attempts, step_at, proofs, proofs_since, proved_at, next_at, last_error, stop_asked_by, asked_by, started_at,
                finished_at, outcome, cause, fence
         FROM secret_rotations WHERE connection_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2",
        connection.as_str(),
        SHOWN
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// Connections whose secret is to be rotated now, by the schedule.
pub(super) async fn due(conn: &mut Conn, now: OffsetDateTime) -> Result<Vec<Slug>, sqlx::Error> {
    let slugs = sqlx::query_scalar!(
        "SELECT c.slug FROM secret_drivers d JOIN connections c ON c.id = d.connection_id
         WHERE d.enabled AND c.enabled AND d.next_rotation_at <= $1
           AND NOT EXISTS (SELECT 1 FROM secret_rotations r WHERE r.connection_id = d.connection_id
                           AND (r.finished_at IS NULL OR r.finished_at > $2))
         ORDER BY d.next_rotation_at LIMIT 20",
        now,
        now - super::PAUSE
    )
    .fetch_all(conn)
    .await?;
    Ok(slugs.into_iter().filter_map(|slug| Slug::parse(&slug).ok()).collect())
}

/// Takes rotations whose time has come, with a new fencing token each: those that nobody has a lease of, and those of
/// somebody who was [`present`] and is gone. A connection that is switched off rests.
pub(super) async fn take(conn: &mut Conn, now: OffsetDateTime, limit: i64) -> Result<Vec<Rotation>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "UPDATE secret_rotations SET fence = fence + 1, leased_until = $2, present = FALSE WHERE id IN
            (SELECT r.id FROM secret_rotations r JOIN connections c ON c.id = r.connection_id
             WHERE r.finished_at IS NULL AND (r.next_at <= $1 OR r.stop_asked_by IS NOT NULL) AND (r.leased_until IS NULL OR r.leased_until <= $1
                 OR (r.present AND pg_try_advisory_xact_lock(hashtextextended(r.id, 0))))
               AND (c.enabled OR r.stop_asked_by IS NOT NULL)
             ORDER BY r.next_at LIMIT $3 FOR UPDATE OF r SKIP LOCKED)
         RETURNING id, connection_id, driver, step, marker, lifetime_days, old_id, new_id, candidate, expires_at, credential_id, previous_id,
                attempts, step_at, proofs, proofs_since, proved_at, next_at, last_error, stop_asked_by, asked_by, started_at,
                finished_at, outcome, cause, fence",
        now,
        now + LEASE,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// Writes everything that a step decides, and keeps or gives back the lease. False: somebody else has it.
pub(super) async fn save(
    conn: &mut Conn,
    one: &Rotation,
    leased_until: Option<OffsetDateTime>,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE secret_rotations SET step = $3, lifetime_days = $4, old_id = $5, new_id = $6, candidate = $7, expires_at = $8,
                credential_id = $9, previous_id = $10, attempts = $11, step_at = $12, proofs = $13, proofs_since = $14,
                proved_at = $15, next_at = $16, last_error = $17, finished_at = $18, outcome = $19, cause = $20, leased_until = $21,
                present = FALSE
         WHERE id = $1 AND fence = $2 AND finished_at IS NULL",
        one.id.as_str(),
        one.fence,
        one.step.as_str(),
        one.lifetime_days,
        one.old_id,
        one.new_id,
        one.candidate.as_ref().map(Sealed::as_bytes),
        one.expires_at,
        one.credential.as_ref().map(CredentialId::as_str),
        one.previous.as_ref().map(CredentialId::as_str),
        one.attempts,
        one.step_at,
        one.proofs,
        one.proofs_since,
        one.proved_at,
        one.next_at,
        one.last_error,
        one.finished_at,
        one.outcome.map(Outcome::as_str),
        one.cause.map(Cause::as_str),
        leased_until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A connection of its own that shows, while it is open, that somebody is at it: the database closes it the moment that our
/// process is killed, and others need not wait for the lease to end. `None`: somebody else has the lease.
pub(super) async fn present(db: &PgPool, one: &Rotation) -> Result<Option<PgConnection>, sqlx::Error> {
    let mut conn = db.acquire().await?.detach();
    // somebody who looks whether we are gone holds it for a moment
    sqlx::query!("SELECT set_config('lock_timeout', '5s', FALSE)").fetch_one(&mut conn).await?;
    sqlx::query!("SELECT pg_advisory_lock(hashtextextended($1, 0))", one.id.as_str()).fetch_one(&mut conn).await?;
    let done = sqlx::query!(
        "UPDATE secret_rotations SET present = TRUE WHERE id = $1 AND fence = $2 AND finished_at IS NULL",
        one.id.as_str(),
        one.fence
    );
    Ok((done.execute(&mut conn).await?.rows_affected() == 1).then_some(conn))
}

/// Whether the connection's secret is being replaced by one that only the provider knows. `Some(true)`: its value will
/// be known in a moment; `Some(false)`: it is known, or has to wait.
pub(super) async fn replacing(
    conn: &mut Conn,
    connection: &ConnectionId,
    driver: &str,
    now: OffsetDateTime,
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT step IN ('add', 'store') AND (next_at <= $3 OR leased_until > $3) AS "soon!"
             FROM secret_rotations WHERE connection_id = $1 AND driver = $2 AND finished_at IS NULL"#,
        connection.as_str(),
        driver,
        now
    )
    .fetch_optional(conn)
    .await
}

/// Keeps the lease for one more request. False: somebody else has it, or it is to stop.
pub(super) async fn hold(conn: &mut Conn, one: &Rotation, until: OffsetDateTime) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE secret_rotations SET leased_until = $3 WHERE id = $1 AND fence = $2 AND finished_at IS NULL",
        one.id.as_str(),
        one.fence,
        until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn ask_to_stop(
    conn: &mut Conn,
    connection: &ConnectionId,
    by: &str,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE secret_rotations SET stop_asked_by = $2, next_at = $3 WHERE connection_id = $1 AND finished_at IS NULL",
        connection.as_str(),
        by,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What the rotations of a connection made at its provider.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub marker: String,
    pub new_id: Option<String>,
    pub credential: Option<CredentialId>,
}

pub(super) async fn made(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<Made>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT marker, new_id, credential_id FROM secret_rotations WHERE connection_id = $1",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    let made = rows.into_iter().map(|row| Made {
        marker: row.marker,
        new_id: row.new_id,
        credential: row.credential_id.map(CredentialId::from_stored),
    });
    Ok(made.collect())
}

/// `None`: it was deleted.
pub(super) async fn slug(conn: &mut Conn, connection: &ConnectionId) -> Result<Option<Slug>, sqlx::Error> {
    let slug = sqlx::query_scalar!("SELECT slug FROM connections WHERE id = $1", connection.as_str());
    Ok(slug.fetch_optional(conn).await?.and_then(|slug| Slug::parse(&slug).ok()))
}
