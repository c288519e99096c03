//! SQL of those who read the JWKS.

use time::OffsetDateTime;

use super::Consumer;
use crate::db::Conn;

/// Programs of one address, and rows altogether, that are kept; more come only when somebody invents them.
const OF_ONE_ADDRESS: i64 = 16;
const ALTOGETHER: i64 = 10_000;

/// Who came last is first.
pub async fn list(conn: &mut Conn) -> Result<Vec<Consumer>, sqlx::Error> {
    sqlx::query_as!(
        Consumer,
        "SELECT address, product, first_at, last_at, fetches, saw FROM jwks_consumers ORDER BY last_at DESC, address, product"
    )
    .fetch_all(conn)
    .await
}

/// Adds what was gathered. Nothing goes back: another replica may have seen a later fetch. In the order of the key.
pub async fn add(conn: &mut Conn, seen: &[Consumer]) -> Result<(), sqlx::Error> {
    let column = |field: fn(&Consumer) -> String| seen.iter().map(field).collect::<Vec<_>>();
    let moment = |field: fn(&Consumer) -> OffsetDateTime| seen.iter().map(field).collect::<Vec<_>>();
    let number = |field: fn(&Consumer) -> i64| seen.iter().map(field).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO jwks_consumers AS known (address, product, first_at, last_at, fetches, saw)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[])
         ON CONFLICT ON CONSTRAINT jwks_consumers_pkey DO UPDATE SET
             first_at = LEAST(known.first_at, excluded.first_at),
             last_at = GREATEST(known.last_at, excluded.last_at),
             fetches = known.fetches + excluded.fetches,
             saw = GREATEST(known.saw, excluded.saw)",
        &column(|one| one.address.clone()),
        &column(|one| one.product.clone()),
        &moment(|one| one.first_at),
        &moment(|one| one.last_at),
        &number(|one| one.fetches),
        &number(|one| one.saw)
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Those who have not come since, and those beyond the most that are kept.
pub async fn delete_ended(conn: &mut Conn, before: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM jwks_consumers WHERE (address, product) IN (
             SELECT address, product FROM (
                 SELECT address, product, last_at, row_number() OVER (ORDER BY last_at DESC) AS place,
                        row_number() OVER (PARTITION BY address ORDER BY last_at DESC) AS of_address
                 FROM jwks_consumers) every
             WHERE last_at <= $1 OR place > $2 OR of_address > $3)",
        before,
        ALTOGETHER,
        OF_ONE_ADDRESS
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
