//! SQL of the drivers of connections.

use time::OffsetDateTime;

use super::{SecretDriver, Settings};
use crate::db::Conn;
use crate::ids::ConnectionId;
use crate::vault::Sealed;

/// A row that this version cannot read rotates nothing.
pub async fn of(conn: &mut Conn, connection: &ConnectionId) -> Result<Option<SecretDriver>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT version, settings, sealed, credential_expires_at, interval_days, lifetime_days, watch_hours, enabled, next_rotation_at
         FROM secret_drivers WHERE connection_id = $1",
        connection.as_str()
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let settings: Settings = match serde_json::from_value(row.settings) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(table = "secret_drivers", key = %connection, %error, "row skipped: unknown settings");
            return Ok(None);
        }
    };
    Ok(Some(SecretDriver {
        connection: connection.clone(),
        version: row.version,
        settings,
        sealed: row.sealed.map(Sealed::from_stored),
        credential_expires_at: row.credential_expires_at,
        interval_days: row.interval_days,
        lifetime_days: row.lifetime_days,
        watch_hours: row.watch_hours,
        enabled: row.enabled,
        next_rotation_at: row.next_rotation_at,
    }))
}

pub(super) async fn put(conn: &mut Conn, driver: &SecretDriver, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO secret_drivers (connection_id, version, settings, sealed, credential_expires_at, interval_days, lifetime_days,
                                     watch_hours, enabled, next_rotation_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         ON CONFLICT (connection_id) DO UPDATE
            SET version = $2, settings = $3, sealed = $4, credential_expires_at = $5, interval_days = $6, lifetime_days = $7,
                watch_hours = $8, enabled = $9, next_rotation_at = $10, updated_at = $11",
        driver.connection.as_str(),
        driver.version,
        serde_json::to_value(&driver.settings).expect("settings are plain structs"),
        driver.sealed.as_ref().map(Sealed::as_bytes),
        driver.credential_expires_at,
        driver.interval_days,
        driver.lifetime_days,
        driver.watch_hours,
        driver.enabled,
        driver.next_rotation_at,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn delete(conn: &mut Conn, connection: &ConnectionId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM secret_drivers WHERE connection_id = $1", connection.as_str())
        .execute(conn)
        .await
        .map(drop)
}

pub(super) async fn is_running(conn: &mut Conn, connection: &ConnectionId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM secret_rotations WHERE connection_id = $1 AND finished_at IS NULL) AS "running!""#,
        connection.as_str()
    )
    .fetch_one(conn)
    .await
}

/// The provider gave another credential in exchange.
pub async fn replace_credential(
    conn: &mut Conn,
    connection: &ConnectionId,
    sealed: &Sealed,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE secret_drivers SET sealed = $2 WHERE connection_id = $1",
        connection.as_str(),
        sealed.as_bytes()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// `None`: not before somebody asks for it.
pub async fn schedule(
    conn: &mut Conn,
    connection: &ConnectionId,
    at: Option<OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE secret_drivers SET next_rotation_at = $2 WHERE connection_id = $1", connection.as_str(), at)
        .execute(conn)
        .await
        .map(drop)
}

/// The end of a driver's own credential.
#[derive(Clone, Debug)]
pub struct Ending {
    pub slug: String,
    pub name: String,
    pub at: OffsetDateTime,
}

/// Of those that are switched on, as their connections are.
pub async fn ending(conn: &mut Conn) -> Result<Vec<Ending>, sqlx::Error> {
    sqlx::query_as!(
        Ending,
        r#"SELECT c.slug, c.display_name AS name, d.credential_expires_at AS "at!" FROM secret_drivers d
           JOIN connections c ON c.id = d.connection_id
           WHERE d.enabled AND c.enabled AND d.credential_expires_at IS NOT NULL ORDER BY c.slug"#
    )
    .fetch_all(conn)
    .await
}
