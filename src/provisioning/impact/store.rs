//! SQL that counts what hangs on a connection or a client, in the tables of those it hangs on.

use time::OffsetDateTime;

use super::{Counted, Impact, LATELY, MOST_COUNTED};
use crate::client::ClientId;
use crate::connection::Slug;
use crate::db::Conn;

/// Of a busy connection, how many of its latest events are looked through for clients.
const LATEST_EVENTS: i64 = 50_000;

pub(super) async fn of_connection(conn: &mut Conn, slug: &Slug, now: OffsetDateTime) -> Result<Impact, sqlx::Error> {
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(DISTINCT user_id) FROM identities i JOIN connections c ON c.id = i.connection_id WHERE c.slug = $1) AS "users!",
                  (SELECT count(*) FROM sessions WHERE connection_slug = $1 AND revoked_at IS NULL AND expires_at > $2) AS "sessions!",
                  (SELECT count(*) FROM refresh_families
                   WHERE connection_slug = $1 AND revoked_at IS NULL AND expires_at > $2) AS "grants!""#,
        slug.as_str(),
        now
    )
    .fetch_one(&mut *conn)
    .await?;
    let users = sqlx::query_scalar!(
        r#"SELECT COALESCE(u.name, u.email, u.id) AS "name!"
           FROM (SELECT i.user_id, i.last_login_at FROM identities i JOIN connections c ON c.id = i.connection_id
                 WHERE c.slug = $1 ORDER BY i.last_login_at DESC NULLS LAST LIMIT 10) latest
           JOIN users u ON u.id = latest.user_id ORDER BY latest.last_login_at DESC NULLS LAST"#,
        slug.as_str()
    )
    .fetch_all(&mut *conn)
    .await?;
    let clients = sqlx::query_scalar!(
        r#"SELECT client_id AS "client_id!" FROM
             (SELECT client_id, at FROM audit_events WHERE connection = $1 AND at > $2 AND outcome = 'success'
              ORDER BY at DESC, id DESC LIMIT $3) latest
           WHERE client_id IS NOT NULL GROUP BY client_id ORDER BY max(at) DESC"#,
        slug.as_str(),
        now - LATELY,
        LATEST_EVENTS
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(Impact {
        users: Counted { count: counts.users, names: users },
        sessions: counts.sessions,
        grants: counts.grants,
        clients: first_few(clients),
        tokens: 0,
    })
}

pub(super) async fn of_client(conn: &mut Conn, client: &ClientId, now: OffsetDateTime) -> Result<Impact, sqlx::Error> {
    let counts = sqlx::query!(
        r#"WITH signed_in AS MATERIALIZED
             (SELECT DISTINCT s.id, s.user_id FROM session_clients sc JOIN sessions s ON s.id = sc.session_id
              WHERE sc.client_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2),
           granted AS MATERIALIZED
             (SELECT user_id FROM refresh_families WHERE client_id = $1 AND revoked_at IS NULL AND expires_at > $2)
           SELECT (SELECT count(*) FROM (SELECT user_id FROM signed_in UNION SELECT user_id FROM granted) people) AS "users!",
                  (SELECT count(*) FROM signed_in) AS "sessions!",
                  (SELECT count(*) FROM granted) AS "grants!",
                  (SELECT count(*) FROM (SELECT 1 FROM audit_events WHERE client_id = $1 AND at > $3 AND outcome = 'success'
                   AND action = 'token.issued' LIMIT $4) issued) AS "tokens!""#,
        client.as_str(),
        now,
        now - LATELY,
        MOST_COUNTED
    )
    .fetch_one(&mut *conn)
    .await?;
    let users = sqlx::query_scalar!(
        r#"SELECT COALESCE(u.name, u.email, u.id) AS "name!" FROM users u JOIN
             (SELECT s.user_id FROM session_clients sc JOIN sessions s ON s.id = sc.session_id
              WHERE sc.client_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2
              UNION SELECT user_id FROM refresh_families WHERE client_id = $1 AND revoked_at IS NULL AND expires_at > $2) people
           ON people.user_id = u.id ORDER BY u.last_login_at DESC NULLS LAST, u.id LIMIT 10"#,
        client.as_str(),
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(Impact {
        users: Counted { count: counts.users, names: users },
        sessions: counts.sessions,
        grants: counts.grants,
        clients: Counted::default(),
        tokens: counts.tokens,
    })
}

fn first_few(mut names: Vec<String>) -> Counted {
    let count = i64::try_from(names.len()).unwrap_or(i64::MAX);
    names.truncate(10);
    Counted { count, names }
}
