//! A webhook: an address outside that is told of what matters, as it happens. Owns which events there are to be told of, the
//! secret that signs them, and the deliveries with their retries. What happened is the audit log's: a message is one of its
//! events, owed from the transaction that wrote it (the table `webhook_events` says which ones).

mod delivery;
pub mod send;
pub mod signature;
pub mod store;

pub use delivery::{Delivery, DeliveryState};

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db;
use crate::ids::{AuditEventId, WebhookId};
use crate::secret::Secret;
use crate::vault::{Place, Sealed};

/// What a webhook can be told of, with the words for whoever chooses.
pub const EVENTS: [(&str, &str); 12] = [
    (
        "credential.expiring",
        "A secret, certificate, key or metadata ends soon: 60, 30, 14, 7, 3 and 1 days before, and when it has",
    ),
    ("logins.refused_rising", "Many more sign-ins of a connection are refused than in the week before"),
    ("connection.secret_fallback", "A provider refuses the secret in use, and sign-ins go on by another one"),
    ("signing_key.rotated", "Another key signs tokens from now on, or a key was revoked"),
    ("connection.changed", "A connection was made, changed or deleted"),
    (
        "connection.drift_seen",
        "A provider's discovery document names another endpoint or fewer algorithms, and waits for an operator",
    ),
    (
        "connection.rotation_failed",
        "A client secret that rotates by itself could not be rotated; the old one is in use",
    ),
    ("renewal_link.used", "Somebody gave a new secret or certificate by a renewal link, or tried it in vain too often"),
    ("client.changed", "A client was made, changed or deleted"),
    ("resources.applied", "A resource file was applied and changed something"),
    ("operator.signed_in", "An operator signed in to the admin pages"),
    ("operator.locked", "Somebody tried too many passwords of an operator"),
];
/// What the button "Send a test" sends; nobody subscribes to it.
const TEST: &str = "webhook.test";
/// After a rotation messages carry both signatures for so long.
const OVERLAP: Duration = Duration::hours(24);
/// Each costs every event that matters a row.
const MOST: i64 = 50;

#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: WebhookId,
    /// One more with each change by an operator.
    pub version: i64,
    pub chosen: Chosen,
    /// When we switched it off: why.
    pub disabled_because: Option<String>,
    secret: Sealed,
    /// The secret before the last rotation, and until when it signs too.
    previous: Option<(Sealed, OffsetDateTime)>,
    pub failing_since: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

/// What an operator decides, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub url: String,
    /// Of [`EVENTS`], in their order.
    pub events: Vec<String>,
    pub enabled: bool,
}

/// The same as somebody wrote it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub url: String,
    pub events: Vec<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("there is no such webhook")]
    Unknown,
    #[error("the webhook was changed by somebody else meanwhile; read it again")]
    Changed,
    #[error("there are {MOST} webhooks already; delete one that nobody needs")]
    TooMany,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Wanted {
    /// # Errors
    /// every fault there is: the field, and what is wrong with it.
    pub fn check(self, ctx: &Ctx) -> Result<Chosen, Vec<(&'static str, String)>> {
        let mut faults = Vec::new();
        let url = Url::parse(self.url.trim()).ok().filter(|url| url.host_str().is_some() && url.fragment().is_none());
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none() && url.as_str().len() <= 2000);
        match &url {
            None => faults.push(("url", "Enter the whole address, such as https://hooks.example.com/avouch.".into())),
            // what can be said without asking DNS; the rest is checked at each delivery
            Some(url) => {
                faults.extend(ctx.http.admits(url).err().map(|why| ("url", format!("We do not send there: {why}."))));
            }
        }
        if let Some(unknown) = self.events.iter().find(|name| !EVENTS.iter().any(|(known, _)| known == name)) {
            faults.push(("events", format!("There is no event {unknown:?}.")));
        } else if self.events.is_empty() {
            faults.push(("events", "Choose at least one event.".into()));
        }
        let Some(url) = url.filter(|_| faults.is_empty()) else { return Err(faults) };
        let events = EVENTS.iter().map(|(name, _)| *name).filter(|name| self.events.iter().any(|e| e == name));
        Ok(Chosen { url: url.into(), events: events.map(Into::into).collect(), enabled: self.enabled })
    }
}

fn place<'a>(column: &'static str, id: &'a WebhookId) -> Place<'a> {
    Place { table: "webhooks", column, row: id.as_str() }
}

impl Chosen {
    fn fields(&self) -> [(&'static str, Value); 3] {
        [("url", json!(self.url)), ("events", json!(self.events)), ("enabled", json!(self.enabled))]
    }
}

/// A new webhook, and its secret, which is shown this once.
///
/// # Errors
/// [`WebhookError::TooMany`] and the database's.
pub async fn create(ctx: &Ctx, author: &Author, chosen: Chosen) -> Result<(Webhook, Secret<String>), WebhookError> {
    let now = ctx.now();
    let id = WebhookId::new(now, &ctx.rng);
    let secret = signature::mint(&ctx.rng);
    let webhook = Webhook {
        version: 1,
        secret: ctx.vault.seal(place("secret", &id), secret.expose().as_bytes(), &ctx.rng),
        id,
        chosen,
        disabled_because: None,
        previous: None,
        failing_since: None,
        created_at: now,
    };
    db::in_tx(&ctx.db, async |conn| {
        if store::count(conn).await? >= MOST {
            return Err(WebhookError::TooMany);
        }
        store::insert(conn, &webhook).await?;
        let changes: Value =
            webhook.chosen.fields().into_iter().map(|(name, new)| (name, json!([null, new]))).collect();
        let detail = json!({ "webhook": webhook.id, "changes": changes });
        Ok(audit::record(ctx, conn, author.did("webhook.created").detail(detail)).await?)
    })
    .await?;
    Ok((webhook, secret))
}

/// Changes address, events and whether it is on. `expected`: only if it is at this version.
///
/// # Errors
/// [`WebhookError`].
pub async fn change(
    ctx: &Ctx,
    author: &Author,
    id: &str,
    expected: Option<i64>,
    chosen: Chosen,
) -> Result<Webhook, WebhookError> {
    db::in_tx(&ctx.db, async |conn| {
        let before = store::locked(conn, id).await?.ok_or(WebhookError::Unknown)?;
        if expected.is_some_and(|version| version != before.version) {
            return Err(WebhookError::Changed);
        }
        let pairs = before.chosen.fields().into_iter().zip(chosen.fields()).filter(|((_, old), (_, new))| old != new);
        let changes: serde_json::Map<_, _> =
            pairs.map(|((name, old), (_, new))| (name.to_owned(), json!([old, new]))).collect();
        if changes.is_empty() {
            return Ok(before);
        }
        store::update(conn, id, &chosen, ctx.now()).await?;
        if !chosen.enabled {
            store::give_up_owed(conn, id, "the webhook was switched off").await?;
        }
        let detail = json!({ "webhook": id, "changes": changes });
        audit::record(ctx, conn, author.did("webhook.changed").detail(detail)).await?;
        store::locked(conn, id).await?.ok_or(WebhookError::Unknown)
    })
    .await
}

/// A new secret, which is shown this once. Until tomorrow messages are signed with the one before too.
///
/// # Errors
/// [`WebhookError::Unknown`] and the database's.
pub async fn rotate_secret(ctx: &Ctx, author: &Author, id: &str) -> Result<Secret<String>, WebhookError> {
    let secret = signature::mint(&ctx.rng);
    let now = ctx.now();
    db::in_tx(&ctx.db, async |conn| {
        let webhook = store::locked(conn, id).await?.ok_or(WebhookError::Unknown)?;
        // a sealed value opens in its own column only
        let Ok(old) = ctx.vault.open(place("secret", &webhook.id), &webhook.secret) else {
            return Err(WebhookError::Database(sqlx::Error::Decode("the webhook's secret does not open".into())));
        };
        let previous = ctx.vault.seal(place("previous_secret", &webhook.id), old.expose(), &ctx.rng);
        let new = ctx.vault.seal(place("secret", &webhook.id), secret.expose().as_bytes(), &ctx.rng);
        store::set_secret(conn, id, &new, &previous, now + OVERLAP, now).await?;
        Ok(audit::record(ctx, conn, author.did("webhook.secret_rotated").detail(json!({ "webhook": id }))).await?)
    })
    .await?;
    Ok(secret)
}

/// With its deliveries.
///
/// # Errors
/// [`WebhookError::Unknown`] and the database's.
pub async fn delete(ctx: &Ctx, author: &Author, id: &str) -> Result<(), WebhookError> {
    db::in_tx(&ctx.db, async |conn| {
        let webhook = store::locked(conn, id).await?.ok_or(WebhookError::Unknown)?;
        store::delete(conn, id).await?;
        let detail = json!({ "webhook": id, "url": webhook.chosen.url });
        Ok(audit::record(ctx, conn, author.did("webhook.deleted").detail(detail)).await?)
    })
    .await
}

/// Owes it a message of the type `webhook.test`, also while it is off. The id of the message.
///
/// # Errors
/// [`WebhookError::Unknown`] and the database's.
pub async fn test(ctx: &Ctx, author: &Author, id: &str) -> Result<AuditEventId, WebhookError> {
    let now = ctx.now();
    let event = AuditEventId::new(now, &ctx.rng);
    let entry = (event.clone(), now, author.did("webhook.tested").detail(json!({ "webhook": id })));
    db::in_tx(&ctx.db, async |conn| {
        store::locked(conn, id).await?.ok_or(WebhookError::Unknown)?;
        audit::store::insert(conn, &[entry]).await?;
        Ok(store::owe(conn, id, &event, TEST, now).await?)
    })
    .await
    .map(|()| event)
}
