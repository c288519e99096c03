//! Moving people from one connection to another so that each keeps the `sub`. An operator brings a table of what both providers
//! call each person; whoever is moved can sign in at both, until the operator completes the move or takes it back. Owns
//! the plan, its steps and the work. E-mail addresses choose a group here and are never proof of who somebody is.

pub mod store;
pub mod table;
pub mod watch;
mod work;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::{ConnectionId, MoveId};
use crate::user::IdentityKey;

/// A move as it is listed.
#[derive(Clone, Debug)]
pub struct Move {
    pub id: MoveId,
    /// Slugs.
    pub from: String,
    pub to: String,
    pub created_at: OffsetDateTime,
    /// When the completion was asked for.
    pub completed_at: Option<OffsetDateTime>,
    pub counts: Counts,
}

/// How many people stand where. All but `came`, `due` and `problems` add up to the lines of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Known at the old connection and not yet at the new one.
    pub ready: i64,
    /// Both identities are the same person's, and it was not this move that did it.
    pub already: i64,
    /// Nobody has signed in by the old subject.
    pub unknown: i64,
    /// The new identity is another person's.
    pub conflict: i64,
    /// They can sign in at both.
    pub moved: i64,
    /// They can sign in at the new one only.
    pub completed: i64,
    /// Of those who were moved: who has signed in at the new connection.
    pub came: i64,
    /// Whose step was asked for and is not done yet.
    pub due: i64,
    /// Whose last step could not be done.
    pub problems: i64,
}

impl Counts {
    pub const fn people(&self) -> i64 {
        self.ready + self.already + self.unknown + self.conflict + self.moved + self.completed
    }
}

/// One line of the table, as it stands.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Person {
    pub line: i32,
    pub old_subject: String,
    pub new_subject: String,
    /// Whose `sub` is kept.
    pub sub: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    /// A field of [`Counts`].
    pub standing: String,
    /// `unknown`, `conflict`, `owned_by_file`.
    pub problem: Option<String>,
    /// Of a conflict: the `sub` that the new identity has.
    pub other_sub: Option<String>,
}

/// A pair of identities of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub line: i32,
    pub old: IdentityKey,
    pub new: IdentityKey,
}

/// Who takes the next step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// So many at most, in the order of the table; those whom it failed for before come last. `None`: all.
    pub first: Option<i64>,
    /// Those with an e-mail address there.
    pub domain: Option<String>,
    /// These.
    pub subs: Option<Vec<String>>,
}

/// A step that an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Forward,
    Back,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Of so many people. It is done soon, by whichever replica.
    Of(u64),
    Unknown,
    /// There is no way back from that.
    Completed,
    /// A step of some people is not done yet.
    Busy,
    /// People of it are moved and not completed.
    Open,
}

/// Writes down who is to be moved. Moves nobody. Connections by id and slug.
///
/// # Errors
/// the database's.
pub async fn plan(
    ctx: &Ctx,
    author: &Author,
    from: (&ConnectionId, &str),
    to: (&ConnectionId, &str),
    pairs: &[Pair],
) -> Result<MoveId, sqlx::Error> {
    const PIECE: usize = 5000;
    let id = MoveId::new(ctx.now(), &ctx.rng);
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::insert(conn, &id, from.0, to.0, &author.actor, ctx.now()).await?;
        for piece in pairs.chunks(PIECE) {
            store::insert_people(conn, &id, from.0, piece).await?;
        }
        let detail = json!({ "move": id, "to": to.1, "people": pairs.len() });
        audit::record(ctx, conn, author.did("move.planned").connection(from.1).detail(detail)).await
    })
    .await?;
    Ok(id)
}

/// Asks for a step of a group.
///
/// # Errors
/// the database's.
pub async fn step(ctx: &Ctx, author: &Author, id: &MoveId, step: Step, group: &Group) -> Result<Asked, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(known) = store::lock(conn, id).await? else { return Ok(Asked::Unknown) };
        if known.completed_at.is_some() {
            return Ok(Asked::Completed);
        }
        let (before, after, action) = match step {
            Step::Forward => ("old", "both", "move.advanced"),
            Step::Back => ("both", "old", "move.taken_back"),
        };
        let people = store::aim(conn, id, before, after, group).await?;
        store::asked_by(conn, id, &author.actor).await?;
        let detail = json!({ "move": id, "to": known.to, "people": people, "group": described(group) });
        audit::record(ctx, conn, author.did(action).connection(&known.from).detail(detail)).await?;
        Ok(Asked::Of(people))
    })
    .await
}

fn described(group: &Group) -> Value {
    json!({ "first": group.first, "domain": group.domain, "subs": group.subs.as_ref().map(Vec::len) })
}

/// Takes the old identities from everybody who was moved. There is no way back.
///
/// # Errors
/// the database's.
pub async fn complete(ctx: &Ctx, author: &Author, id: &MoveId) -> Result<Asked, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(known) = store::lock(conn, id).await? else { return Ok(Asked::Unknown) };
        if known.completed_at.is_some() {
            return Ok(Asked::Completed);
        }
        if store::is_due(conn, id).await? {
            return Ok(Asked::Busy);
        }
        let people = store::aim(conn, id, "both", "new", &Group::default()).await?;
        store::asked_by(conn, id, &author.actor).await?;
        store::completed(conn, id, ctx.now()).await?;
        let detail = json!({ "move": id, "to": known.to, "people": people });
        audit::record(ctx, conn, author.did("move.completed").connection(&known.from).detail(detail)).await?;
        Ok(Asked::Of(people))
    })
    .await
}

/// Forgets the plan. Everybody stays where they are, so nobody may stand between the connections.
///
/// # Errors
/// the database's.
pub async fn delete(ctx: &Ctx, author: &Author, id: &MoveId) -> Result<Asked, sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(known) = store::lock(conn, id).await? else { return Ok(Asked::Unknown) };
        if store::is_due(conn, id).await? {
            return Ok(Asked::Busy);
        }
        if known.completed_at.is_none() && store::has_moved(conn, id).await? {
            return Ok(Asked::Open);
        }
        store::delete(conn, id).await?;
        let detail = json!({ "move": id, "to": known.to });
        audit::record(ctx, conn, author.did("move.deleted").connection(&known.from).detail(detail)).await?;
        Ok(Asked::Of(0))
    })
    .await
}
