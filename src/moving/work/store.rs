//! SQL of the work. Sessions, refresh families and upstream grants are others' rows; what hangs on an identity is handed over
//! here, in the transaction that takes the identity away.

use time::OffsetDateTime;

use crate::db::Conn;
use crate::ids::{ConnectionId, MoveId};

/// "move", in hex.
const LOCK: i64 = 0x6d6f_7665;

/// A move of which something is due.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub id: MoveId,
    pub to: ConnectionId,
    pub from_slug: String,
    pub to_slug: String,
    pub asked_by: String,
}

/// Somebody who is not where they shall be.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub line: i32,
    pub new_issuer: String,
    pub new_subject: String,
    pub place: String,
    pub target: String,
    pub made: Option<String>,
    pub old_identity: Option<String>,
    pub new_identity: Option<String>,
    pub user: Option<String>,
    pub new_user: Option<String>,
    pub managed_by: Option<String>,
}

/// Where somebody is now.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub line: i32,
    pub place: String,
    pub target: String,
    pub problem: Option<&'static str>,
    pub user: Option<String>,
    pub made: Option<String>,
}

impl Outcome {
    pub fn at(one: &Due, place: &str) -> Self {
        let made = one.made.clone().filter(|_| place != "old");
        Self { line: one.line, place: place.into(), target: place.into(), problem: None, user: one.user.clone(), made }
    }

    /// They stay, and nobody tries again until an operator asks.
    pub fn stuck(one: &Due, problem: &'static str) -> Self {
        Self { problem: Some(problem), ..Self::at(one, &one.place) }
    }
}

pub(super) async fn next(conn: &mut Conn) -> Result<Option<Work>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT m.id, m.to_connection, m.asked_by, f.slug AS from_slug, t.slug AS to_slug
         FROM moves m JOIN connections f ON f.id = m.from_connection JOIN connections t ON t.id = m.to_connection
         WHERE m.id = (SELECT move_id FROM move_people WHERE place <> target ORDER BY move_id LIMIT 1)"
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Work {
        id: MoveId::from_stored(row.id),
        to: ConnectionId::from_stored(row.to_connection),
        from_slug: row.from_slug,
        to_slug: row.to_slug,
        asked_by: row.asked_by,
    }))
}

/// Whether no other replica moves people, until the transaction ends.
pub(super) async fn alone(conn: &mut Conn) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "locked!""#, LOCK).fetch_one(conn).await
}

/// The next of them by line, locked with their identities: a sign-in that is under way is over before.
pub(super) async fn take(conn: &mut Conn, id: &MoveId, limit: i64) -> Result<Vec<Due>, sqlx::Error> {
    let lines = sqlx::query_scalar!(
        "SELECT line FROM move_people WHERE move_id = $1 AND place <> target ORDER BY line LIMIT $2 FOR UPDATE",
        id.as_str(),
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "SELECT i.id FROM identities i
         WHERE i.id IN (SELECT unnest(ARRAY[old_identity, new_identity]) FROM move_standing WHERE move_id = $1 AND line = ANY($2))
         ORDER BY i.id FOR UPDATE",
        id.as_str(),
        &lines
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query_as!(
        Due,
        r#"SELECT s.line AS "line!", s.new_issuer AS "new_issuer!", s.new_subject AS "new_subject!", s.place AS "place!",
                  s.target AS "target!", s.made_identity AS made, s.old_identity AS "old_identity?", s.new_identity AS "new_identity?",
                  s.user_id AS "user?", s.new_user AS "new_user?", u.managed_by AS "managed_by?"
           FROM move_standing s LEFT JOIN users u ON u.id = s.user_id
           WHERE s.move_id = $1 AND s.line = ANY($2) ORDER BY s.line"#,
        id.as_str(),
        &lines
    )
    .fetch_all(conn)
    .await
}

/// Makes the new identities. Those that were made: others have come into being meanwhile.
pub(super) async fn link(
    conn: &mut Conn,
    work: &Work,
    links: &[(&Due, String)],
    now: OffsetDateTime,
) -> Result<Vec<String>, sqlx::Error> {
    let ids: Vec<String> = links.iter().map(|(_, id)| id.clone()).collect();
    let users: Vec<Option<String>> = links.iter().map(|(one, _)| one.user.clone()).collect();
    let issuers: Vec<String> = links.iter().map(|(one, _)| one.new_issuer.clone()).collect();
    let subjects: Vec<String> = links.iter().map(|(one, _)| one.new_subject.clone()).collect();
    sqlx::query_scalar!(
        "INSERT INTO identities (id, user_id, connection_id, issuer, subject, created_at)
         SELECT id, user_id, $1, issuer, subject, $2
         FROM UNNEST($3::text[], $4::text[], $5::text[], $6::text[]) AS row (id, user_id, issuer, subject)
         ON CONFLICT ON CONSTRAINT identities_key DO NOTHING RETURNING id",
        work.to.as_str(),
        now,
        &ids,
        &users as &[Option<String>],
        &issuers,
        &subjects
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn sessions_of(conn: &mut Conn, identities: &[String]) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT id FROM sessions WHERE identity_id = ANY($1)", identities).fetch_all(conn).await
}

/// With the sessions and refresh families that came from them.
pub(super) async fn remove(conn: &mut Conn, identities: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM identities WHERE id = ANY($1)", identities).execute(conn).await.map(drop)
}

/// What came from the old identity hangs on the new one from now on. It still says by which connection the person came.
pub(super) async fn carry_over(conn: &mut Conn, pairs: &[(String, String)]) -> Result<(), sqlx::Error> {
    let (old, new): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
    sqlx::query!(
        "UPDATE sessions SET identity_id = row.after FROM UNNEST($1::text[], $2::text[]) AS row (before, after) WHERE identity_id = row.before",
        &old,
        &new
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE refresh_families SET identity_id = row.after FROM UNNEST($1::text[], $2::text[]) AS row (before, after) WHERE identity_id = row.before",
        &old,
        &new
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE upstream_grants SET identity_id = row.after FROM UNNEST($1::text[], $2::text[]) AS row (before, after) WHERE identity_id = row.before",
        &old,
        &new
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn write(conn: &mut Conn, id: &MoveId, outcomes: &[Outcome]) -> Result<(), sqlx::Error> {
    fn column<T>(outcomes: &[Outcome], f: impl Fn(&Outcome) -> T) -> Vec<T> {
        outcomes.iter().map(f).collect()
    }
    sqlx::query!(
        "UPDATE move_people p SET place = row.place, target = row.target, problem = row.problem,
                                  user_id = coalesce(row.user_id, p.user_id), made_identity = row.made
         FROM UNNEST($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS row (line, place, target, problem, user_id, made)
         WHERE p.move_id = $1 AND p.line = row.line",
        id.as_str(),
        &column(outcomes, |one| one.line),
        &column(outcomes, |one| one.place.clone()),
        &column(outcomes, |one| one.target.clone()),
        &column(outcomes, |one| one.problem.map(str::to_owned)) as &[Option<String>],
        &column(outcomes, |one| one.user.clone()) as &[Option<String>],
        &column(outcomes, |one| one.made.clone()) as &[Option<String>]
    )
    .execute(conn)
    .await
    .map(drop)
}
