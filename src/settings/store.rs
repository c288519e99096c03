//! SQL of the settings: one row.

use time::OffsetDateTime;

use super::accent::Colour;
use super::logo::Logo;
use super::{Chosen, Settings};
use crate::db::Conn;

struct Row {
    version: i64,
    name: String,
    accent: Option<String>,
    logo: Option<Vec<u8>>,
    support_email: Option<String>,
    support_url: Option<String>,
    reminder_emails: Vec<String>,
    audit_retention_days: i32,
    trace_retention_days: i32,
}

impl From<Row> for Settings {
    fn from(row: Row) -> Self {
        Self {
            version: row.version,
            // checked when they were chosen; what this version cannot read is as if it were not there
            logo: row.logo.and_then(|bytes| Logo::parse(bytes).ok()),
            chosen: Chosen {
                name: row.name,
                accent: row.accent.as_deref().and_then(Colour::parse),
                support_email: row.support_email,
                support_url: row.support_url,
                reminder_emails: row.reminder_emails,
                audit_retention: row.audit_retention_days,
                trace_retention: row.trace_retention_days,
            },
        }
    }
}

pub async fn load(conn: &mut Conn) -> Result<Settings, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT version, name, accent, logo, support_email, support_url, reminder_emails, audit_retention_days,
                trace_retention_days
         FROM settings WHERE id = 1"
    );
    row.fetch_one(conn).await.map(Into::into)
}

/// [`load`], and nobody else changes them until the transaction ends.
pub async fn locked(conn: &mut Conn) -> Result<Settings, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT version, name, accent, logo, support_email, support_url, reminder_emails, audit_retention_days,
                trace_retention_days
         FROM settings WHERE id = 1 FOR UPDATE"
    );
    row.fetch_one(conn).await.map(Into::into)
}

/// The new version.
pub async fn update(conn: &mut Conn, chosen: &Chosen, now: OffsetDateTime) -> Result<i64, sqlx::Error> {
    let version = sqlx::query_scalar!(
        "UPDATE settings SET version = version + 1, name = $1, accent = $2, support_email = $3, support_url = $4,
                             audit_retention_days = $5, trace_retention_days = $6, updated_at = $7, reminder_emails = $8
         WHERE id = 1 RETURNING version",
        chosen.name,
        chosen.accent.map(|accent| accent.to_string()),
        chosen.support_email,
        chosen.support_url,
        chosen.audit_retention,
        chosen.trace_retention,
        now,
        &chosen.reminder_emails
    );
    version.fetch_one(conn).await
}

/// The new version.
pub async fn set_logo(conn: &mut Conn, logo: Option<&Logo>, now: OffsetDateTime) -> Result<i64, sqlx::Error> {
    let version = sqlx::query_scalar!(
        "UPDATE settings SET version = version + 1, logo = $1, logo_type = $2, updated_at = $3 WHERE id = 1 RETURNING version",
        logo.map(|logo| logo.bytes.as_ref()),
        logo.map(|logo| logo.format.media_type()),
        now
    );
    version.fetch_one(conn).await
}
