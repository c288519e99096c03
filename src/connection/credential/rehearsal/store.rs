//! SQL of rehearsals: the last one of each method is kept.

use std::collections::HashMap;

use super::{Method, Rehearsal, Verdict};
use crate::db::Conn;
use crate::ids::{ConnectionId, CredentialId};

pub async fn keep(conn: &mut Conn, credential: &CredentialId, rehearsal: &Rehearsal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO credential_rehearsals (credential_id, method, verdict, evidence, rehearsed_at, rehearsed_by)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (credential_id, method) DO UPDATE SET verdict = EXCLUDED.verdict, evidence = EXCLUDED.evidence,
             rehearsed_at = EXCLUDED.rehearsed_at, rehearsed_by = EXCLUDED.rehearsed_by",
        credential.as_str(),
        rehearsal.method.as_str(),
        rehearsal.verdict.as_str(),
        rehearsal.evidence,
        rehearsal.at,
        rehearsal.by
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The latest of each credential of a connection, by the credential's id.
pub async fn latest(conn: &mut Conn, connection: &ConnectionId) -> Result<HashMap<String, Rehearsal>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (r.credential_id) r.credential_id, r.method, r.verdict, r.evidence, r.rehearsed_at, r.rehearsed_by
         FROM credential_rehearsals r JOIN connection_credentials c ON c.id = r.credential_id
         WHERE c.connection_id = $1 ORDER BY r.credential_id, r.rehearsed_at DESC",
        connection.as_str()
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let rehearsal = Rehearsal {
            verdict: Verdict::parse(&row.verdict)?,
            method: Method::parse(&row.method)?,
            at: row.rehearsed_at,
            by: row.rehearsed_by,
            evidence: row.evidence,
        };
        Some((row.credential_id, rehearsal))
    });
    Ok(known.collect())
}
