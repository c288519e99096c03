//! SQL of proofs that were shown.

use time::OffsetDateTime;

use super::Proof;
use crate::db::Conn;

/// False: it was shown before.
pub async fn remember(conn: &mut Conn, proof: &Proof) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO dpop_proofs_seen (fingerprint, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        proof.fingerprint.as_slice(),
        proof.until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Those that are too old by themselves.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM dpop_proofs_seen WHERE ctid IN (SELECT ctid FROM dpop_proofs_seen WHERE expires_at < $1 LIMIT 1000)",
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
