//! The work: each person is brought from where they are to where they shall be, some at a time, each time in one short
//! transaction. Who is killed in the middle leaves whole people behind, and the rest to whoever comes next.

use serde_json::json;

mod store;

use crate::audit::{self, Event};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{AuditEventId, IdentityId, SessionId};
use crate::session::{EndReason, end_many};
use crate::user::record;
use store::{Due, Outcome};

/// People of one transaction.
const TOGETHER: i64 = 200;

/// Some of what is due. Whether there was anything, and nobody else is at it.
///
/// # Errors
/// the database's; then nothing of it is done.
pub(super) async fn some(ctx: &Ctx) -> Result<bool, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(work) = store::next(conn).await? else { return Ok(false) };
        if !store::alone(conn).await? {
            return Ok(false);
        }
        let due = store::take(conn, &work.id, TOGETHER).await?;
        let now = ctx.now();
        let (mut outcomes, mut links, mut unlinked, mut finished) = (vec![], vec![], vec![], vec![]);
        for one in &due {
            let outcome = match (one.place.as_str(), one.target.as_str()) {
                ("old", "both") => forward(one, || IdentityId::new(now, &ctx.rng)),
                ("both", "old") => back(one),
                ("both", "new") => finish(one),
                _ => Outcome::at(one, &one.place),
            };
            match (one.place.as_str(), outcome.place.as_str()) {
                ("old", "both") => links.extend(outcome.made.clone().map(|made| (one, made))),
                ("both", "old") => unlinked.extend(one.made.clone().map(|made| (one, made))),
                ("both", "new") => finished.extend(one.old_identity.clone().zip(one.new_identity.clone())),
                _ => {}
            }
            outcomes.push(outcome);
        }
        // Somebody who signed in at the new connection this moment has the identity already: looked at again next time.
        let made = store::link(conn, &work, &links, now).await?;
        let (linked, lost): (Vec<_>, Vec<_>) = links.iter().partition(|(_, id)| made.contains(id));
        outcomes.retain(|outcome| !lost.iter().any(|(one, _)| one.line == outcome.line));

        let withdrawn: Vec<String> = unlinked.iter().map(|(_, made)| made.clone()).collect();
        // The link was not to be trusted, so neither is who came in by it.
        let sessions = store::sessions_of(conn, &withdrawn).await?;
        let sessions: Vec<SessionId> = sessions.into_iter().map(SessionId::from_stored).collect();
        end_many(conn, &sessions, EndReason::SignedOutByOperator, now).await?;
        store::remove(conn, &withdrawn).await?;
        store::carry_over(conn, &finished).await?;
        let old: Vec<String> = finished.iter().map(|(old, _)| old.clone()).collect();
        store::remove(conn, &old).await?;
        store::write(conn, &work.id, &outcomes).await?;

        let said = |one: &Due, action, slug: &str| {
            let event = Event::success(action, &work.asked_by).connection(slug).detail(json!({ "move": work.id }));
            let event = one.user.iter().fold(event, |event, sub| event.about(sub));
            (AuditEventId::new(now, &ctx.rng), now, event)
        };
        let mut events: Vec<_> = linked.iter().map(|(one, _)| said(one, "identity.linked", &work.to_slug)).collect();
        events.extend(unlinked.iter().map(|(one, _)| said(one, "identity.unlinked", &work.to_slug)));
        let gone = due.iter().filter(|one| one.old_identity.as_ref().is_some_and(|id| old.contains(id)));
        events.extend(gone.map(|one| said(one, "identity.unlinked", &work.from_slug)));
        audit::store::insert(conn, &events).await?;
        Ok(true)
    })
    .await
}

/// The new identity for whoever has the old one, unless it is somebody else's.
fn forward(one: &Due, id: impl FnOnce() -> IdentityId) -> Outcome {
    match (&one.user, &one.new_user) {
        (None, _) => Outcome::stuck(one, "unknown"),
        (Some(user), Some(other)) if user != other => Outcome::stuck(one, "conflict"),
        (Some(_), Some(_)) => Outcome::at(one, "both"),
        (Some(_), None) => Outcome { made: Some(id().to_string()), ..Outcome::at(one, "both") },
    }
}

/// What this move made is taken away, unless nothing else is left to sign in by.
fn back(one: &Due) -> Outcome {
    if one.old_identity.is_none() { Outcome::stuck(one, "unknown") } else { Outcome::at(one, "old") }
}

/// Nobody loses the old identity but who has the new one.
fn finish(one: &Due) -> Outcome {
    if one.new_user.is_none() || one.new_user != one.user {
        Outcome::stuck(one, "conflict")
    } else if record::file(one.managed_by.as_deref()).is_some() {
        // the next avouch apply would make somebody new of the identity that the file names
        Outcome::stuck(one, "owned_by_file")
    } else {
        Outcome::at(one, "new")
    }
}
