//! SQL of identity providers' certificates.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::{Certificate, CertificateState, Facts, Source};
use crate::db::Conn;
use crate::ids::{CertificateId, ConnectionId};

struct Row {
    id: String,
    connection_id: String,
    der: Vec<u8>,
    sha256: String,
    key_type: String,
    key_bits: i32,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    state: String,
    source: String,
    added_by: String,
    added_at: OffsetDateTime,
    first_seen_at: Option<OffsetDateTime>,
    last_seen_at: Option<OffsetDateTime>,
    retired_at: Option<OffsetDateTime>,
    retired_by: Option<String>,
}

/// Of every connection, by its id.
pub async fn all(conn: &mut Conn) -> Result<HashMap<String, Vec<Certificate>>, sqlx::Error> {
    let rows =
        sqlx::query_as!(Row, "SELECT * FROM connection_certificates ORDER BY added_at, id").fetch_all(conn).await?;
    let mut out: HashMap<String, Vec<Certificate>> = HashMap::new();
    for row in rows {
        let connection = row.connection_id.clone();
        out.entry(connection).or_default().extend(parse(row));
    }
    Ok(out)
}

/// Oldest first.
pub async fn of(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<Certificate>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM connection_certificates WHERE connection_id = $1 ORDER BY added_at, id",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter_map(parse).collect())
}

/// Changes of one connection's certificates take turns until the transaction ends. Logins do not wait for it.
pub async fn lock(conn: &mut Conn, connection: &ConnectionId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT 1 AS one FROM connections WHERE id = $1 FOR NO KEY UPDATE", connection.as_str())
        .fetch_optional(conn)
        .await
        .map(drop)
}

pub(super) async fn insert(
    conn: &mut Conn,
    connection: &ConnectionId,
    certificate: &Certificate,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO connection_certificates (id, connection_id, der, sha256, key_type, key_bits, not_before, not_after,
                                              state, source, added_by, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        certificate.id.as_str(),
        connection.as_str(),
        certificate.der,
        certificate.sha256,
        certificate.key_type,
        i32::try_from(certificate.key_bits).unwrap_or(i32::MAX),
        certificate.not_before,
        certificate.not_after,
        certificate.state.as_str(),
        certificate.source.as_str(),
        certificate.added_by,
        certificate.added_at
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The texts of certificates that stood in the settings of connections, by slug, taken out of there: they had no rows once.
pub async fn take_from_settings(conn: &mut Conn) -> Result<Vec<(String, Vec<String>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, slug, settings #> '{source,manual,certificates}' AS "certificates!" FROM connections
           WHERE protocol = 'saml' AND settings #> '{source,manual,certificates}' IS NOT NULL FOR NO KEY UPDATE"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    sqlx::query!(
        "UPDATE connections SET settings = settings #- '{source,manual,certificates}' WHERE id = ANY($1)",
        &ids
    )
    .execute(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slug, serde_json::from_value(row.certificates).unwrap_or_default())).collect())
}

/// The connections by a metadata document of which no certificate has a row, in whatever state: they were stored before
/// certificates had any.
pub async fn only_in_metadata(conn: &mut Conn) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT slug FROM connections c WHERE protocol = 'saml' AND settings #> '{source,metadata}' IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM connection_certificates WHERE connection_id = c.id)"
    )
    .fetch_all(conn)
    .await
}

/// Trusted again, on the word of `source`.
pub(super) async fn revive(
    conn: &mut Conn,
    id: &CertificateId,
    state: CertificateState,
    source: Source,
    by: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE connection_certificates SET state = $2, source = $3, added_by = $4, added_at = $5, retired_at = NULL, retired_by = NULL
         WHERE id = $1 AND state = 'retired'",
        id.as_str(),
        state.as_str(),
        source.as_str(),
        by,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// It is there on another word from now on.
pub(super) async fn adopt(conn: &mut Conn, id: &CertificateId, source: Source, by: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE connection_certificates SET source = $2, added_by = $3 WHERE id = $1 AND source <> $2",
        id.as_str(),
        source.as_str(),
        by
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Deletes the oldest of those that were retired by a list, up to `most`. What a person retired is remembered.
pub(super) async fn forget_old(conn: &mut Conn, connection: &ConnectionId, most: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM connection_certificates WHERE id IN (
             SELECT id FROM connection_certificates WHERE connection_id = $1 AND state = 'retired' AND retired_by <> 'manual'
             ORDER BY retired_at DESC, id DESC OFFSET $2)",
        connection.as_str(),
        most
    )
    .execute(conn)
    .await
    .map(drop)
}

/// False: it was not `next` any more.
pub(super) async fn activate(conn: &mut Conn, id: &CertificateId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE connection_certificates SET state = 'active' WHERE id = $1 AND state = 'next'",
        id.as_str()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn retire(
    conn: &mut Conn,
    id: &CertificateId,
    by: Source,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE connection_certificates SET state = 'retired', retired_at = COALESCE(retired_at, $2), retired_by = $3
         WHERE id = $1 AND (state <> 'retired' OR $3 = 'manual')",
        id.as_str(),
        now,
        by.as_str()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Wakes nobody: the state stays. Nothing is written when it was seen after `before`.
pub(super) async fn seen(
    conn: &mut Conn,
    id: &CertificateId,
    before: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE connection_certificates SET first_seen_at = COALESCE(first_seen_at, $3), last_seen_at = $3
         WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at <= $2)",
        id.as_str(),
        before,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A row that this version cannot read verifies nothing.
fn parse(row: Row) -> Option<Certificate> {
    let key_type = match row.key_type.as_str() {
        "rsa" => Some("rsa"),
        "ec" => Some("ec"),
        _ => None,
    };
    let known = (key_type, CertificateState::parse(&row.state), Source::parse(&row.source));
    let (Some(key_type), Some(state), Some(source)) = known else {
        tracing::error!(table = "connection_certificates", key = row.id, "row skipped: it does not parse");
        return None;
    };
    Some(Certificate {
        id: CertificateId::from_stored(row.id),
        facts: Facts {
            der: row.der,
            sha256: row.sha256,
            key_type,
            key_bits: row.key_bits.unsigned_abs(),
            not_before: row.not_before,
            not_after: row.not_after,
        },
        state,
        source,
        added_by: row.added_by,
        added_at: row.added_at,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
        retired: row.retired_at.zip(row.retired_by.as_deref().and_then(Source::parse)),
    })
}
