//! SQL of second factors.

use time::OffsetDateTime;

use crate::db::Conn;
use crate::ids::OperatorId;
use crate::vault::Sealed;

/// False: there is one already, or no such operator with a password.
pub async fn enrol(
    conn: &mut Conn,
    operator: &OperatorId,
    sealed: &Sealed,
    step: i64,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE operators SET totp = $2, totp_step = $3, updated_at = $4 WHERE id = $1 AND totp IS NULL AND user_id IS NULL",
        operator.as_str(),
        sealed.as_bytes(),
        step,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn secret(conn: &mut Conn, operator: &OperatorId) -> Result<Option<Sealed>, sqlx::Error> {
    let stored = sqlx::query_scalar!("SELECT totp FROM operators WHERE id = $1", operator.as_str());
    Ok(stored.fetch_optional(conn).await?.flatten().map(Sealed::from_stored))
}

/// False: a code of this step, or of a later one, counted before.
pub async fn use_step(conn: &mut Conn, operator: &OperatorId, step: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE operators SET totp_step = $2 WHERE id = $1 AND (totp_step IS NULL OR totp_step < $2)",
        operator.as_str(),
        step
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn use_recovery_code(conn: &mut Conn, operator: &OperatorId, digest: &[u8]) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM operator_recovery_codes WHERE operator_id = $1 AND digest = $2",
        operator.as_str(),
        digest
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn set_recovery_codes(
    conn: &mut Conn,
    operator: &OperatorId,
    digests: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM operator_recovery_codes WHERE operator_id = $1", operator.as_str())
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "INSERT INTO operator_recovery_codes (operator_id, digest) SELECT $1, unnest($2::bytea[])",
        operator.as_str(),
        digests
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How many are left.
pub async fn recovery_codes(conn: &mut Conn, operator: &OperatorId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM operator_recovery_codes WHERE operator_id = $1"#,
        operator.as_str()
    )
    .fetch_one(conn)
    .await
}

/// With the recovery codes. False: there was none.
pub async fn remove(conn: &mut Conn, operator: &OperatorId, now: OffsetDateTime) -> Result<bool, sqlx::Error> {
    sqlx::query!("DELETE FROM operator_recovery_codes WHERE operator_id = $1", operator.as_str())
        .execute(&mut *conn)
        .await?;
    let done = sqlx::query!(
        "UPDATE operators SET totp = NULL, totp_step = NULL, updated_at = $2 WHERE id = $1 AND totp IS NOT NULL",
        operator.as_str(),
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
