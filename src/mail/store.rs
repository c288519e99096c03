//! SQL of what is owed by e-mail.

use time::OffsetDateTime;

use super::{Bundle, KEPT, LastMail, Mail, TOGETHER};
use crate::db::Conn;
use crate::ids::AuditEventId;

/// What is due to those `limit` addresses that waited longest, until `lease_ends`. Tried before: after the new ones.
pub async fn take(
    conn: &mut Conn,
    limit: usize,
    lease_ends: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Vec<Bundle>, sqlx::Error> {
    let rows = sqlx::query!(
        "UPDATE mails SET attempts = attempts + 1, next_attempt_at = $1
         WHERE (recipient, event_id) IN (SELECT recipient, event_id FROM mails
                                         WHERE state = 'owed' AND next_attempt_at <= $2 AND recipient IN (
                                             SELECT recipient FROM mails
                                             WHERE state = 'owed' AND next_attempt_at <= $2
                                             GROUP BY recipient ORDER BY min(attempts), min(next_attempt_at) LIMIT $4)
                                         ORDER BY attempts, next_attempt_at, event_id LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING recipient, event_id, attempts",
        lease_ends,
        now,
        TOGETHER,
        i64::try_from(limit).unwrap_or(i64::MAX)
    );
    let mut bundles: Vec<Bundle> = Vec::new();
    for row in rows.fetch_all(conn).await? {
        let mail = Mail {
            event_id: AuditEventId::from_stored(row.event_id),
            attempts: row.attempts,
            recipient: row.recipient,
        };
        match bundles.iter_mut().find(|bundle| bundle.recipient == mail.recipient) {
            Some(bundle) => bundle.mails.push(mail),
            None => bundles.push(Bundle { recipient: mail.recipient.clone(), mails: vec![mail] }),
        }
    }
    bundles.iter_mut().for_each(|bundle| bundle.mails.sort_by(|a, b| a.event_id.as_str().cmp(b.event_id.as_str())));
    Ok(bundles)
}

/// What came of an attempt: `next_attempt_at` while it is still owed. Where the lease ended and somebody else has it, nothing.
pub async fn settle(
    conn: &mut Conn,
    one: &Mail,
    (state, next_attempt_at, problem): (&str, Option<OffsetDateTime>, Option<&str>),
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE mails SET state = $4, next_attempt_at = $5, last_attempt_at = $6, problem = $7
         WHERE recipient = $1 AND event_id = $2 AND attempts = $3 AND state = 'owed'",
        one.recipient,
        one.event_id.as_str(),
        one.attempts,
        state,
        next_attempt_at,
        now,
        problem
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The newest attempt there was.
pub async fn last(conn: &mut Conn) -> Result<Option<LastMail>, sqlx::Error> {
    let row = sqlx::query_as!(
        LastMail,
        r#"SELECT recipient, state, last_attempt_at AS "at!", problem FROM mails
           WHERE last_attempt_at IS NOT NULL ORDER BY last_attempt_at DESC LIMIT 1"#
    );
    row.fetch_optional(conn).await
}

/// What was settled long ago, or never could be: no replica has a mail server.
pub async fn delete_ended(conn: &mut Conn, now: OffsetDateTime) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM mails WHERE (recipient, event_id) IN
         (SELECT recipient, event_id FROM mails WHERE created_at < $1 LIMIT 1000)",
        now - KEPT
    );
    Ok(done.execute(conn).await?.rows_affected())
}
