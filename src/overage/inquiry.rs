//! What an operator learns of one person's groups: where they came from at the last sign-in, and what the provider's directory
//! says now.

use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;

use super::{Known, look_up, store};
use crate::audit::{self, Author, Event};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::ids::UserId;
use crate::upstream::UpstreamError;
use crate::upstream::group_overage::DirectoryUser;
use crate::user::{IdentityKey, User};

/// An identity of a provider that has a directory to ask.
#[derive(Clone, Debug)]
pub struct Standing {
    pub connection: Arc<Connection>,
    pub last_login_at: Option<OffsetDateTime>,
    /// By what the last sign-in went whose token had no room.
    pub kept: Option<Kept>,
    key: IdentityKey,
    person: DirectoryUser,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub count: usize,
    pub fetched_at: OffsetDateTime,
    /// Of the last attempt, where that failed.
    pub problem: Option<String>,
}

impl Standing {
    /// `directory`, `token`, or `nothing`: nobody has signed in yet.
    pub const fn source(&self) -> &'static str {
        match (&self.kept, self.last_login_at) {
            (Some(_), _) => "directory",
            (None, Some(_)) => "token",
            (None, None) => "nothing",
        }
    }
}

/// What the directory said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How many it named.
    pub count: usize,
    /// What `groups` of our tokens holds when the person signs in now, as far as that follows from the groups alone.
    pub groups: Vec<String>,
    /// Why the mapping made less of them.
    pub warning: Option<String>,
    /// Beside what the person's tokens hold today.
    pub new: Vec<String>,
    pub gone: Vec<String>,
}

/// One for each identity of the person whose provider can be asked.
///
/// # Errors
/// the database's.
pub async fn standings(broker: &Broker, user: &UserId) -> Result<Vec<Standing>, sqlx::Error> {
    let rows = store::of_user(&mut *broker.ctx.db.acquire().await?, user).await?;
    let catalog = broker.catalog.load_full();
    let standing = |row: store::OfIdentity| {
        let connection = catalog.connections().iter().find(|connection| connection.id == row.connection)?.clone();
        let (kept, person) = match row.kept {
            Some((Known { groups, fetched_at }, person, problem)) => {
                (Some(Kept { count: groups.len(), fetched_at, problem }), person)
            }
            None => (None, DirectoryUser::known_as(&connection, &row.key)?),
        };
        Some(Standing { connection, last_login_at: row.last_login_at, kept, key: row.key, person })
    };
    Ok(rows.into_iter().filter_map(standing).collect())
}

/// Asks the directory now, past what is kept. Whose groups are kept signs in by what it says from here on.
///
/// # Errors
/// the database's. What the directory refuses is part of the answer.
pub async fn ask(
    broker: &Broker,
    author: &Author,
    user: &User,
    standing: &Standing,
) -> Result<Result<Answer, UpstreamError>, sqlx::Error> {
    let Standing { connection, key, person, .. } = standing;
    let asked = match &standing.kept {
        Some(_) => look_up(broker, connection, key, person.clone()).await.map(|known| known.groups),
        None => broker.upstreams.groups_of(&broker.ctx, connection, person).await,
    };
    let mut conn = broker.ctx.db.acquire().await?;
    let event = match &asked {
        Ok(groups) => author.did("user.groups_asked").detail(json!({ "count": groups.len() })),
        Err(error) => Event::failed("user.groups_asked", error.reason(), &author.actor).by(author),
    };
    audit::record(&broker.ctx, &mut conn, event.about(&user.id).connection(&connection.slug)).await?;
    if let (Some(_), Err(error)) = (&standing.kept, &asked) {
        store::failed(&mut conn, &connection.id, key, &error.to_string()).await?;
    }
    Ok(asked.map(|groups| answer(standing, user, &groups)))
}

fn answer(standing: &Standing, user: &User, groups: &[String]) -> Answer {
    let Standing { connection, key, person, .. } = standing;
    // what a token says beside them that a mapping of groups might read
    let claims = json!({ "iss": key.issuer, "oid": person.object_id, "tid": person.tenant, "groups": groups });
    let (profile, warnings) = connection.effective_mapping().profile(&claims, connection);
    let today = &user.profile.groups;
    let beside =
        |these: &[String], those: &[String]| these.iter().filter(|one| !those.contains(one)).cloned().collect();
    Answer {
        count: groups.len(),
        new: beside(&profile.groups, today),
        gone: beside(today, &profile.groups),
        warning: warnings.into_iter().find(|warning| warning.attribute == "groups").map(|warning| warning.detail),
        groups: profile.groups,
    }
}
