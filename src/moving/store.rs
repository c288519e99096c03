//! SQL of moves: plans, who stands where, and what is asked for.

use time::OffsetDateTime;

use super::{Counts, Group, Move, Pair, Person};
use crate::db::Conn;
use crate::ids::{ConnectionId, MoveId};

pub(super) async fn insert(
    conn: &mut Conn,
    id: &MoveId,
    from: &ConnectionId,
    to: &ConnectionId,
    actor: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO moves (id, from_connection, to_connection, created_at, asked_by) VALUES ($1, $2, $3, $4, $5)",
        id.as_str(),
        from.as_str(),
        to.as_str(),
        now,
        actor
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn insert_people(
    conn: &mut Conn,
    id: &MoveId,
    from: &ConnectionId,
    pairs: &[Pair],
) -> Result<(), sqlx::Error> {
    fn column<T>(pairs: &[Pair], f: impl Fn(&Pair) -> T) -> Vec<T> {
        pairs.iter().map(f).collect()
    }
    sqlx::query!(
        "INSERT INTO move_people (move_id, line, old_issuer, old_subject, new_issuer, new_subject, place, target, user_id)
         SELECT $1, line, old_issuer, old_subject, new_issuer, new_subject, 'old', 'old', i.user_id
         FROM UNNEST($3::int[], $4::text[], $5::text[], $6::text[], $7::text[]) AS row (line, old_issuer, old_subject, new_issuer, new_subject)
         LEFT JOIN identities i ON i.connection_id = $2 AND i.issuer = old_issuer AND i.subject = old_subject",
        id.as_str(),
        from.as_str(),
        &column(pairs, |pair| pair.line),
        &column(pairs, |pair| pair.old.issuer.clone()),
        &column(pairs, |pair| pair.old.subject.clone()),
        &column(pairs, |pair| pair.new.issuer.clone()),
        &column(pairs, |pair| pair.new.subject.clone())
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The move, locked until the transaction ends; without its counts.
pub(super) async fn lock(conn: &mut Conn, id: &MoveId) -> Result<Option<Move>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT f.slug AS from_slug, t.slug AS to_slug, m.created_at, m.completed_at
         FROM moves m JOIN connections f ON f.id = m.from_connection JOIN connections t ON t.id = m.to_connection
         WHERE m.id = $1 FOR UPDATE OF m",
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Move {
        id: id.clone(),
        from: row.from_slug,
        to: row.to_slug,
        created_at: row.created_at,
        completed_at: row.completed_at,
        counts: Counts::default(),
    }))
}

/// All of them with what they count, the newest first; or the one.
pub async fn list(conn: &mut Conn, only: Option<&MoveId>) -> Result<Vec<Move>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT m.id, f.slug AS from_slug, t.slug AS to_slug, m.created_at, m.completed_at,
                  s.ready AS "ready!", s.already AS "already!", s.unknown AS "unknown!", s.conflict AS "conflict!",
                  s.moved AS "moved!", s.completed AS "completed!", s.came AS "came!", s.due AS "due!", s.problems AS "problems!"
           FROM moves m JOIN connections f ON f.id = m.from_connection JOIN connections t ON t.id = m.to_connection
           CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE standing = 'ready') AS ready, count(*) FILTER (WHERE standing = 'already') AS already,
                      count(*) FILTER (WHERE standing = 'unknown') AS unknown, count(*) FILTER (WHERE standing = 'conflict') AS conflict,
                      count(*) FILTER (WHERE standing = 'moved') AS moved, count(*) FILTER (WHERE standing = 'completed') AS completed,
                      count(*) FILTER (WHERE standing IN ('moved', 'completed') AND came) AS came,
                      count(*) FILTER (WHERE place <> target) AS due, count(*) FILTER (WHERE problem IS NOT NULL) AS problems
               FROM move_standing WHERE move_id = m.id) s
           WHERE $1::text IS NULL OR m.id = $1 ORDER BY m.id DESC LIMIT 100"#,
        only.map(MoveId::as_str)
    )
    .fetch_all(conn)
    .await?;
    let moves = rows.into_iter().map(|row| Move {
        id: MoveId::from_stored(row.id),
        from: row.from_slug,
        to: row.to_slug,
        created_at: row.created_at,
        completed_at: row.completed_at,
        counts: Counts {
            ready: row.ready,
            already: row.already,
            unknown: row.unknown,
            conflict: row.conflict,
            moved: row.moved,
            completed: row.completed,
            came: row.came,
            due: row.due,
            problems: row.problems,
        },
    });
    Ok(moves.collect())
}

/// By line, after this one. `standing`: only those who stand so.
pub async fn people(
    conn: &mut Conn,
    id: &MoveId,
    standing: Option<&str>,
    after: i32,
    limit: i64,
) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        r#"SELECT s.line AS "line!", s.old_subject AS "old_subject!", s.new_subject AS "new_subject!", s.user_id AS sub,
                  u.email AS "email?", u.name AS "name?", s.standing AS "standing!", s.problem,
                  CASE WHEN s.standing = 'conflict' THEN s.new_user END AS other_sub
           FROM move_standing s LEFT JOIN users u ON u.id = s.user_id
           WHERE s.move_id = $1 AND ($2::text IS NULL OR s.standing = $2) AND s.line > $3 ORDER BY s.line LIMIT $4"#,
        id.as_str(),
        standing,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Lets those of the group who shall be at `before` be at `after`. How many.
pub(super) async fn aim(
    conn: &mut Conn,
    id: &MoveId,
    before: &str,
    after: &str,
    group: &Group,
) -> Result<u64, sqlx::Error> {
    let aimed = sqlx::query!(
        "UPDATE move_people SET target = $3, problem = NULL
         WHERE move_id = $1 AND line IN (
             SELECT p.line FROM move_standing p LEFT JOIN users u ON u.id = p.user_id
             WHERE p.move_id = $1 AND p.target = $2 AND (p.place <> 'old' OR p.standing IN ('ready', 'already'))
               AND ($4::text IS NULL OR split_part(lower(u.email), '@', 2) = lower($4))
               AND ($5::text[] IS NULL OR p.user_id = ANY($5))
             ORDER BY p.problem IS NOT NULL, p.line LIMIT $6)",
        id.as_str(),
        before,
        after,
        group.domain,
        group.subs.as_deref(),
        group.first
    )
    .execute(conn)
    .await?;
    Ok(aimed.rows_affected())
}

pub(super) async fn asked_by(conn: &mut Conn, id: &MoveId, actor: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE moves SET asked_by = $2 WHERE id = $1", id.as_str(), actor).execute(conn).await.map(drop)
}

pub(super) async fn completed(conn: &mut Conn, id: &MoveId, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE moves SET completed_at = $2 WHERE id = $1", id.as_str(), now).execute(conn).await.map(drop)
}

pub(super) async fn is_due(conn: &mut Conn, id: &MoveId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM move_people WHERE move_id = $1 AND place <> target) AS "due!""#,
        id.as_str()
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn has_moved(conn: &mut Conn, id: &MoveId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM move_people WHERE move_id = $1 AND place = 'both') AS "moved!""#,
        id.as_str()
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn delete(conn: &mut Conn, id: &MoveId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM moves WHERE id = $1", id.as_str()).execute(conn).await.map(drop)
}
