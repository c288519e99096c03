//! Groups that a provider left out of its token: completed from what was looked up and is kept. Looked up by themselves all the
//! while for whoever came lately, so that a sign-in asks nobody; the first one asks, for a few seconds at most. Where nothing is
//! known the sign-in fails: no groups at all would be another answer than the true one.

pub mod inquiry;
mod store;
pub mod watch;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::broker::Broker;
use crate::connection::Connection;
use crate::trace::{Recording, Word};
use crate::upstream::UpstreamError;
use crate::upstream::group_overage::{self, DirectoryUser};
use crate::user::IdentityKey;

/// What is younger is as good as a token's.
const FRESH: Duration = Duration::minutes(15);
/// Looked up again so long after the last time.
const EVERY: Duration = Duration::minutes(10);
/// What is known of people who came within it is kept fresh.
const LATELY: Duration = Duration::days(2);
/// So long it is remembered whose groups a token had no room for.
const REMEMBERED: Duration = Duration::days(30);
/// What is older counts for nobody, whoever cannot be asked.
const LAST_KNOWN: Duration = Duration::hours(24);

/// What was looked up of somebody.
#[derive(Clone, Debug)]
struct Known {
    groups: Vec<String>,
    fetched_at: OffsetDateTime,
}

/// The claims with every group in them.
///
/// # Errors
/// `groups_unavailable`, `groups_forbidden`, `groups_left_out`, and what our own authentication at the provider fails with.
pub async fn completed(
    broker: &Broker,
    connection: &Connection,
    key: &IdentityKey,
    claims: &Value,
    trace: Option<&Recording>,
) -> Result<Option<Value>, UpstreamError> {
    if !group_overage::is_marked(claims) {
        forget(broker, connection, key).await;
        return Ok(None);
    }
    if let Some(trace) = trace {
        trace.begin(Word::Groups);
    }
    let person = DirectoryUser::of(connection, claims)?;
    let now = broker.ctx.now();
    let known = remembered(broker, connection, key).await;
    let (known, from) = match known {
        Some(known) if now - known.fetched_at < FRESH => (known, "kept"),
        known => match look_up(broker, connection, key, person).await {
            Ok(looked_up) => (looked_up, "the directory"),
            Err(error) => match known.filter(|known| now - known.fetched_at < LAST_KNOWN) {
                Some(known) => {
                    tracing::warn!(connection = %connection.slug, %error, "somebody signs in by the groups last known");
                    (known, "the last that is known")
                }
                None => return Err(error),
            },
        },
    };
    if let Some(trace) = trace {
        let age = (now - known.fetched_at).whole_seconds();
        trace.passed(Word::Groups, json!({ "count": known.groups.len(), "from": from, "age_seconds": age }));
    }
    Ok(Some(group_overage::filled(claims.clone(), &known.groups)))
}

/// A database that is away is as if nothing was known: the directory is asked.
async fn remembered(broker: &Broker, connection: &Connection, key: &IdentityKey) -> Option<Known> {
    let read = async {
        let mut conn = broker.ctx.db.acquire().await?;
        store::used(&mut conn, &connection.id, key, broker.ctx.now()).await
    };
    read.await.unwrap_or_else(|error: sqlx::Error| {
        tracing::warn!(%error, "the groups that are kept could not be read");
        None
    })
}

/// The token had room again: nothing is looked up for this person any more.
async fn forget(broker: &Broker, connection: &Connection, key: &IdentityKey) {
    if DirectoryUser::known_as(connection, key).is_none() {
        return;
    }
    let done = async { store::forget(&mut *broker.ctx.db.acquire().await?, &connection.id, key).await };
    if let Err(error) = done.await {
        tracing::warn!(%error, "groups that are needed no more could not be forgotten");
    }
}

async fn look_up(
    broker: &Broker,
    connection: &Connection,
    key: &IdentityKey,
    person: DirectoryUser,
) -> Result<Known, UpstreamError> {
    let groups = broker.upstreams.groups_of(&broker.ctx, connection, &person).await?;
    let now = broker.ctx.now();
    let written = async {
        let mut conn = broker.ctx.db.acquire().await?;
        store::keep(&mut conn, &connection.id, key, &person, &groups, (now, now + EVERY)).await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "groups that were looked up could not be kept");
    }
    Ok(Known { groups, fetched_at: now })
}
