//! SQL of operator rules.

use time::OffsetDateTime;

use super::OperatorRule;
use crate::cel::Expression;
use crate::db::Conn;
use crate::ids::{ConnectionId, OperatorRuleId};
use crate::operator::store::known_role;

struct Row {
    id: String,
    connection_id: String,
    expression: String,
    role: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    /// `None`, and a line in the log, for what this version does not understand: it lets nobody in.
    fn read(self) -> Option<OperatorRule> {
        let when = Expression::parse(&self.expression);
        let when = when.inspect_err(|error| tracing::error!(rule = self.id, %error, "operator rule skipped")).ok()?;
        Some(OperatorRule {
            role: known_role("operator_rules", &self.id, &self.role)?,
            id: OperatorRuleId::from_stored(self.id),
            connection: ConnectionId::from_stored(self.connection_id),
            when,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Of one connection.
pub async fn of(conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<OperatorRule>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, expression, role, created_at, updated_at FROM operator_rules WHERE connection_id = $1",
        connection.as_str()
    );
    Ok(rows.fetch_all(conn).await?.into_iter().filter_map(Row::read).collect())
}

/// In the order in which they were made; those after `after`.
pub async fn page(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<OperatorRule>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, expression, role, created_at, updated_at FROM operator_rules
         WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    );
    Ok(rows.fetch_all(conn).await?.into_iter().filter_map(Row::read).collect())
}

pub async fn by_id(conn: &mut Conn, id: &OperatorRuleId) -> Result<Option<OperatorRule>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, expression, role, created_at, updated_at FROM operator_rules WHERE id = $1",
        id.as_str()
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::read))
}

pub async fn lock(conn: &mut Conn, id: &OperatorRuleId) -> Result<Option<OperatorRule>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, connection_id, expression, role, created_at, updated_at FROM operator_rules WHERE id = $1 FOR UPDATE",
        id.as_str()
    );
    Ok(row.fetch_optional(conn).await?.and_then(Row::read))
}

/// Makes it, or gives it another rule and role. The connection stays.
pub async fn put(conn: &mut Conn, rule: &OperatorRule) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operator_rules (id, connection_id, expression, role, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET expression = EXCLUDED.expression, role = EXCLUDED.role, updated_at = EXCLUDED.updated_at",
        rule.id.as_str(),
        rule.connection.as_str(),
        rule.when.source(),
        rule.role.as_str(),
        rule.created_at,
        rule.updated_at
    )
    .execute(conn)
    .await
    .map(drop)
}

pub async fn delete(conn: &mut Conn, id: &OperatorRuleId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM operator_rules WHERE id = $1", id.as_str()).execute(conn).await.map(drop)
}

/// The connections that have one.
pub async fn connections(conn: &mut Conn) -> Result<Vec<ConnectionId>, sqlx::Error> {
    let ids = sqlx::query_scalar!("SELECT DISTINCT connection_id FROM operator_rules");
    Ok(ids.fetch_all(conn).await?.into_iter().map(ConnectionId::from_stored).collect())
}
