//! SQL of login traces.

use time::OffsetDateTime;

use super::{Kind, Outcome, Part};
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::ids::TraceId;
use crate::vault::{Place, Sealed, Vault};

/// What one batch says of a login.
#[derive(Debug)]
pub struct LoginRow {
    id: String,
    kind: Kind,
    outcome: Option<Outcome>,
    reason: Option<String>,
    started_at: OffsetDateTime,
    client_id: Option<String>,
    connection: Option<String>,
    user_id: Option<String>,
    remote_addr: Option<String>,
    email_digest: Option<Vec<u8>>,
    person: Option<Sealed>,
}

#[derive(Debug)]
pub struct PartRow {
    pub trace_id: TraceId,
    pub login: TraceId,
    pub at: OffsetDateTime,
    pub has_claims: bool,
    pub sealed: Sealed,
}

/// A login as it stands.
#[derive(Debug)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub started_at: OffsetDateTime,
    pub client_id: Option<String>,
    pub connection: Option<String>,
    pub user_id: Option<String>,
    pub remote_addr: Option<String>,
    pub person: Option<Sealed>,
}

pub fn part_place(trace_id: &str) -> Place<'_> {
    Place { table: "login_trace_parts", column: "sealed", row: trace_id }
}

pub fn person_place(login: &str) -> Place<'_> {
    Place { table: "login_traces", column: "person", row: login }
}

pub fn email_digest(vault: &Vault, email: &str) -> [u8; 32] {
    vault.digest(&format!("login_traces.email {}", email.trim().to_lowercase()))
}

impl LoginRow {
    pub fn begun(part: &Part) -> Self {
        Self {
            id: part.login.to_string(),
            kind: part.kind,
            outcome: None,
            reason: None,
            started_at: part.at,
            client_id: None,
            connection: None,
            user_id: None,
            remote_addr: None,
            email_digest: None,
            person: None,
        }
    }

    pub fn take_in(&mut self, ctx: &Ctx, part: &Part) {
        if let Some((outcome, reason)) = &part.outcome
            && self.outcome != Some(Outcome::Success)
        {
            (self.outcome, self.reason) = (Some(*outcome), reason.clone());
        }
        let newer = |old: &mut Option<String>, new: Option<String>| *old = new.or_else(|| old.take());
        newer(&mut self.client_id, part.client_id.clone());
        newer(&mut self.connection, part.connection.clone());
        newer(&mut self.user_id, part.user_id.clone());
        newer(&mut self.remote_addr, part.remote_addr.map(|addr| addr.to_string()));
        if let Some(person) = &part.person {
            self.email_digest = person.email.as_deref().map(|email| email_digest(&ctx.vault, email).to_vec());
            let json = serde_json::to_vec(person).unwrap_or_default();
            self.person = Some(ctx.vault.seal(person_place(&self.id), &json, &ctx.rng));
        }
    }
}

/// What is not said anew stays. Who has got tokens has got them, whatever comes after: a reload is refused, and no news.
pub async fn upsert_logins(conn: &mut Conn, logins: &[LoginRow]) -> Result<(), sqlx::Error> {
    fn column<'a, T>(logins: &'a [LoginRow], f: impl Fn(&'a LoginRow) -> T) -> Vec<T> {
        logins.iter().map(f).collect()
    }
    sqlx::query!(
        r#"INSERT INTO login_traces AS t (id, kind, outcome, reason, started_at, client_id, connection, user_id, remote_addr,
                                          email_digest, person)
           SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                                $8::text[], $9::text[], $10::bytea[], $11::bytea[])
           ON CONFLICT ON CONSTRAINT login_traces_pkey DO UPDATE SET
               outcome = CASE WHEN t.outcome = 'success' OR excluded.outcome = 'open' THEN t.outcome ELSE excluded.outcome END,
               reason = CASE WHEN t.outcome = 'success' OR excluded.outcome = 'open' THEN t.reason ELSE excluded.reason END,
               client_id = coalesce(excluded.client_id, t.client_id),
               connection = coalesce(excluded.connection, t.connection),
               user_id = coalesce(excluded.user_id, t.user_id),
               remote_addr = coalesce(t.remote_addr, excluded.remote_addr),
               email_digest = CASE WHEN excluded.person IS NULL THEN t.email_digest ELSE excluded.email_digest END,
               person = coalesce(excluded.person, t.person)"#,
        &column(logins, |one| one.id.clone()),
        &column(logins, |one| one.kind.as_str().to_owned()),
        &column(logins, |one| one.outcome.unwrap_or(Outcome::Open).as_str().to_owned()),
        &column(logins, |one| one.reason.clone()) as &[Option<String>],
        &column(logins, |one| one.started_at),
        &column(logins, |one| one.client_id.clone()) as &[Option<String>],
        &column(logins, |one| one.connection.clone()) as &[Option<String>],
        &column(logins, |one| one.user_id.clone()) as &[Option<String>],
        &column(logins, |one| one.remote_addr.clone()) as &[Option<String>],
        &column(logins, |one| one.email_digest.clone()) as &[Option<Vec<u8>>],
        &column(logins, |one| one.person.as_ref().map(|sealed| sealed.as_bytes().to_vec())) as &[Option<Vec<u8>>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_parts(conn: &mut Conn, parts: &[PartRow]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO login_trace_parts (trace_id, login_id, at, has_claims, sealed)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::timestamptz[], $4::boolean[], $5::bytea[])
         ON CONFLICT ON CONSTRAINT login_trace_parts_pkey DO NOTHING",
        &parts.iter().map(|part| part.trace_id.to_string()).collect::<Vec<_>>(),
        &parts.iter().map(|part| part.login.to_string()).collect::<Vec<_>>(),
        &parts.iter().map(|part| part.at).collect::<Vec<_>>(),
        &parts.iter().map(|part| part.has_claims).collect::<Vec<_>>(),
        &parts.iter().map(|part| part.sealed.as_bytes().to_vec()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn by_trace_id(conn: &mut Conn, trace_id: &str) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, kind, outcome, reason, started_at, client_id, connection, user_id, remote_addr, person AS "person: Sealed"
           FROM login_traces
           WHERE id = coalesce((SELECT login_id FROM login_trace_parts WHERE trace_id = $1), $1)"#,
        trace_id
    )
    .fetch_optional(conn)
    .await
}

/// In the order in which they happened.
pub async fn parts(conn: &mut Conn, login: &str) -> Result<Vec<(TraceId, Sealed)>, sqlx::Error> {
    sqlx::query!(
        r#"SELECT trace_id, sealed AS "sealed: Sealed" FROM login_trace_parts WHERE login_id = $1 ORDER BY at, trace_id"#,
        login
    )
    .map(|row| (TraceId::from_stored(row.trace_id), row.sealed))
    .fetch_all(conn)
    .await
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    pub outcome: Option<&'a str>,
    pub connection: Option<&'a str>,
    pub email: Option<&'a [u8; 32]>,
    /// The id of a login: older ones.
    pub before: Option<&'a str>,
}

/// The newest first.
pub async fn list(conn: &mut Conn, filter: Filter<'_>, limit: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, kind, outcome, reason, started_at, client_id, connection, user_id, remote_addr, person AS "person: Sealed"
           FROM login_traces
           WHERE ($1::text IS NULL OR outcome = $1)
             AND ($2::text IS NULL OR connection = $2)
             AND ($3::bytea IS NULL OR email_digest = $3)
             AND ($4::text IS NULL OR (started_at, id) < (SELECT started_at, id FROM login_traces WHERE id = $4))
           ORDER BY started_at DESC, id DESC LIMIT $5"#,
        filter.outcome,
        filter.connection,
        filter.email.map(|digest| &digest[..]),
        filter.before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The last logins by this connection whose claims were verified, with the part that holds these.
pub async fn with_claims(
    conn: &mut Conn,
    connection: &str,
    limit: i64,
) -> Result<Vec<(Row, TraceId, Sealed)>, sqlx::Error> {
    sqlx::query!(
        r#"SELECT t.id, kind, outcome, reason, started_at, client_id, connection, user_id, remote_addr,
                  person AS "person: Sealed", trace_id, sealed AS "sealed: Sealed"
           FROM login_traces t JOIN login_trace_parts p ON p.login_id = t.id AND p.has_claims
           WHERE connection = $1 ORDER BY started_at DESC, t.id DESC, p.at DESC LIMIT $2"#,
        connection,
        limit
    )
    .map(|row| {
        let login = Row {
            id: row.id,
            kind: row.kind,
            outcome: row.outcome,
            reason: row.reason,
            started_at: row.started_at,
            client_id: row.client_id,
            connection: row.connection,
            user_id: row.user_id,
            remote_addr: row.remote_addr,
            person: row.person,
        };
        (login, TraceId::from_stored(row.trace_id), row.sealed)
    })
    .fetch_all(conn)
    .await
}

/// Those that began before `cut`.
pub async fn delete_ended(conn: &mut Conn, cut: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM login_traces WHERE id IN (SELECT id FROM login_traces WHERE started_at < $1 LIMIT 1000)",
        cut
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// All that is told of a person's logins.
pub async fn forget(conn: &mut Conn, user_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM login_traces WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}
