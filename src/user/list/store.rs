//! SQL of lists of people.

use time::OffsetDateTime;

use super::{Filter, Listed, Search, query};
use crate::db::{self, Conn, Pool};
use crate::ids::{ConnectionId, UserId};
use crate::user::UserStatus;

struct ListedRow {
    id: String,
    status: String,
    email: Option<String>,
    name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    managed_by: Option<String>,
    created_at: OffsetDateTime,
    last_login_at: Option<OffsetDateTime>,
    connections: Vec<String>,
}

impl From<ListedRow> for Listed {
    fn from(row: ListedRow) -> Self {
        Self {
            id: UserId::from_stored(row.id),
            status: UserStatus::parse(&row.status).unwrap_or(UserStatus::Blocked),
            email: row.email,
            name: row.name,
            given_name: row.given_name,
            family_name: row.family_name,
            managed_by: row.managed_by,
            created_at: row.created_at,
            last_login_at: row.last_login_at,
            connections: row.connections,
        }
    }
}

/// Up to `limit` people after this one, newest first.
///
/// # Errors
/// the database's.
pub async fn page(pool: &Pool, filter: &Filter, after: Option<&str>, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
    db::in_snapshot(pool, async |conn: &mut Conn| {
        // what is asked for decides which index is right, so no plan fits all questions
        sqlx::query!("SET LOCAL plan_cache_mode = force_custom_plan").execute(&mut *conn).await?;
        let (ids, words) = match &filter.search {
            None => (None, None),
            Some(Search::Subs(ids)) => (Some(ids.iter().map(ToString::to_string).collect()), None),
            Some(Search::Text { subject, words }) => match of_subject(conn, subject).await? {
                ids if !ids.is_empty() => (Some(ids), None),
                // nothing but punctuation is nobody's name
                ids if words.is_empty() => (Some(ids), None),
                _ => (None, Some(query(words))),
            },
        };
        let asked = Asked { filter, ids: ids.as_deref(), words: words.as_deref(), after, limit };
        let rows = match &filter.connection {
            None => asked.anywhere(conn).await?,
            Some(connection) => asked.at(conn, connection).await?,
        };
        Ok(rows.into_iter().map(Listed::from).collect())
    })
    .await
}

async fn of_subject(conn: &mut Conn, subject: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT DISTINCT user_id FROM identities WHERE subject = $1 LIMIT 1000", subject)
        .fetch_all(conn)
        .await
}

struct Asked<'a> {
    filter: &'a Filter,
    ids: Option<&'a [String]>,
    words: Option<&'a str>,
    after: Option<&'a str>,
    limit: i64,
}

impl Asked<'_> {
    async fn anywhere(&self, conn: &mut Conn) -> Result<Vec<ListedRow>, sqlx::Error> {
        sqlx::query_as!(
            ListedRow,
            r#"SELECT u.id, u.status, u.email, u.name, u.given_name, u.family_name, u.managed_by, u.created_at, u.last_login_at,
                      ARRAY(SELECT DISTINCT c.slug FROM identities i JOIN connections c ON c.id = i.connection_id
                            WHERE i.user_id = u.id ORDER BY c.slug) AS "connections!"
               FROM users u
               WHERE ($1::text IS NULL OR u.id < $1) AND ($2::text[] IS NULL OR u.id = ANY($2))
                 AND ($3::text IS NULL OR u.words @@ $3::text::tsquery) AND ($4::text IS NULL OR u.status = $4)
                 AND (NOT $5::bool OR u.never_signed_in)
               ORDER BY u.id DESC LIMIT $6"#,
            self.after,
            self.ids,
            self.words,
            self.filter.status.map(UserStatus::as_str),
            self.filter.never_signed_in,
            self.limit
        )
        .fetch_all(conn)
        .await
    }

    /// A statement of its own, because the planner begins with a subquery's rows only where nothing is OR'ed to it.
    async fn at(&self, conn: &mut Conn, connection: &ConnectionId) -> Result<Vec<ListedRow>, sqlx::Error> {
        sqlx::query_as!(
            ListedRow,
            r#"SELECT u.id, u.status, u.email, u.name, u.given_name, u.family_name, u.managed_by, u.created_at, u.last_login_at,
                      ARRAY(SELECT DISTINCT c.slug FROM identities i JOIN connections c ON c.id = i.connection_id
                            WHERE i.user_id = u.id ORDER BY c.slug) AS "connections!"
               FROM users u
               WHERE u.id IN (SELECT i.user_id FROM identities i
                              WHERE i.connection_id = $7 AND ($1::text IS NULL OR i.user_id < $1))
                 AND ($1::text IS NULL OR u.id < $1) AND ($2::text[] IS NULL OR u.id = ANY($2))
                 AND ($3::text IS NULL OR u.words @@ $3::text::tsquery) AND ($4::text IS NULL OR u.status = $4)
                 AND (NOT $5::bool OR u.never_signed_in)
               ORDER BY u.id DESC LIMIT $6"#,
            self.after,
            self.ids,
            self.words,
            self.filter.status.map(UserStatus::as_str),
            self.filter.never_signed_in,
            self.limit,
            connection.as_str()
        )
        .fetch_all(conn)
        .await
    }
}
