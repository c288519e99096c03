//! SQL of imports: whole tables in one statement.

use time::OffsetDateTime;

use super::Ready;
use crate::db::Conn;
use crate::ids::{IdentityId, UserId};

/// Who each row is known as, in their order.
pub(super) async fn known(conn: &mut Conn, rows: &[Ready]) -> Result<Vec<Option<UserId>>, sqlx::Error> {
    let connections: Vec<String> = rows.iter().map(|row| row.connection.to_string()).collect();
    let issuers: Vec<String> = rows.iter().map(|row| row.key.issuer.clone()).collect();
    let subjects: Vec<String> = rows.iter().map(|row| row.key.subject.clone()).collect();
    let found = sqlx::query_scalar!(
        r#"SELECT i.user_id AS "user_id?"
           FROM UNNEST($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS row (connection_id, issuer, subject, at)
           LEFT JOIN identities i USING (connection_id, issuer, subject) ORDER BY at"#,
        &connections,
        &issuers,
        &subjects
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(|id| id.map(UserId::from_stored)).collect())
}

/// # Errors
/// violates `identities_key` when one of them was made meanwhile.
pub(super) async fn insert(
    conn: &mut Conn,
    fresh: &[(UserId, IdentityId, &Ready)],
    managed_by: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    fn column<T>(fresh: &[(UserId, IdentityId, &Ready)], f: impl Fn(&Ready) -> T) -> Vec<T> {
        fresh.iter().map(|(.., row)| f(row)).collect()
    }
    let users: Vec<String> = fresh.iter().map(|(id, ..)| id.to_string()).collect();
    let identities: Vec<String> = fresh.iter().map(|(_, id, _)| id.to_string()).collect();
    sqlx::query!(
        "INSERT INTO users (id, status, email, email_verified, name, groups, managed_by, created_at, updated_at)
         SELECT id, 'active', email, false, name, '{}', $4, $5, $5
         FROM UNNEST($1::text[], $2::text[], $3::text[]) AS row (id, email, name)",
        &users,
        &column(fresh, |row| row.email.clone()) as &[Option<String>],
        &column(fresh, |row| row.name.clone()) as &[Option<String>],
        managed_by,
        now
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at)
         SELECT id, user_id, connection_id, issuer, subject, $6
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS row (id, user_id, connection_id, issuer, subject)",
        &identities,
        &users,
        &column(fresh, |row| row.connection.to_string()),
        &column(fresh, |row| row.key.issuer.clone()),
        &column(fresh, |row| row.key.subject.clone()),
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
