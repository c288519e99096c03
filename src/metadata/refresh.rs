//! One refresh: whose turn it is, the fetch with no connection to the database held, and one transaction for what
//! follows from it.

use std::time::Duration;

use serde_json::json;

use crate::audit::{self, Author, Event};
use crate::connection::certificate::{self, Facts, Following, Origin, Source, fingerprint};
use crate::connection::metadata::schedule::{self, LEASE, Turn, Why};
use crate::connection::metadata::{Metadata, Refreshing, store};
use crate::connection::saml::IdpSource;
use crate::connection::{Connection, Protocol, SamlSettings, version};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::upstream::saml_metadata::{Document, FetchFailure, Fetched, fetch};
use time::OffsetDateTime;

/// While somebody else fetches: how often to look, and for how long at most.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const LOOKS: usize = 60;

/// What a refresh has come to.
#[derive(Debug)]
pub enum Refreshed {
    /// It was not the time, or somebody else did it. When it was last found to be current.
    Left { fetched_at: Option<OffsetDateTime> },
    /// The provider says that it is what it was.
    Unchanged,
    /// A document was taken; this is what became of the certificates.
    Taken(Box<Following>),
}

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error("the connection has no metadata_url to ask")]
    NotPublished,
    /// It cannot be had, or was not taken; what is stored goes on being used.
    #[error("{0}")]
    Fetch(#[from] FetchFailure),
    /// Somebody has just tried.
    #[error("{0}")]
    JustTried(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl RefreshError {
    /// The word for metrics.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Fetch(FetchFailure::Refused(_)) => "refused",
            Self::NotPublished | Self::Fetch(FetchFailure::Unreachable(_)) | Self::JustTried(_) => "unreachable",
            Self::Database(_) => "database",
        }
    }
}

/// Fetches the connection's metadata if it is time, and takes what is trusted of it.
///
/// # Errors
/// [`RefreshError`]; then nothing has changed but the schedule.
pub async fn refresh(ctx: &Ctx, connection: &Connection, why: Why) -> Result<Refreshed, RefreshError> {
    let Protocol::Saml(settings) = &connection.protocol else { return Err(RefreshError::NotPublished) };
    let IdpSource::MetadataUrl { url, trust, signed_by } = &settings.source else {
        return Err(RefreshError::NotPublished);
    };
    let row = match take_turn(ctx, connection, settings, url, why).await? {
        Ok(row) => row,
        Err(left) => {
            return match (why, left.metadata, left.last_error) {
                (Why::Needed, None, Some(error)) => Err(RefreshError::JustTried(error)),
                (_, metadata, _) => Ok(Refreshed::Left { fetched_at: metadata.map(|known| known.fetched_at) }),
            };
        }
    };
    let fetched = fetch(ctx, settings, url, signed_by.as_deref(), Some(&row)).await;
    db::in_tx(&ctx.db, async |conn: &mut Conn| match fetched {
        Err(failure) => {
            failed(ctx, conn, connection, &row, &failure).await?;
            Ok(Err(failure.into()))
        }
        Ok(fetched) => taken(ctx, conn, connection, &row, fetched, *trust).await.map(Ok),
    })
    .await
    .map_err(RefreshError::Database)?
}

/// `Ok`: ours to fetch, as it stands. `Err`: nothing to do.
async fn take_turn(
    ctx: &Ctx,
    connection: &Connection,
    settings: &SamlSettings,
    url: &str,
    why: Why,
) -> Result<Result<Refreshing, Refreshing>, sqlx::Error> {
    let id = &connection.id;
    let mut looks = 0;
    loop {
        let mut conn = ctx.db.acquire().await?;
        let now = ctx.now();
        let Some(row) = store::of(&mut conn, id).await?.filter(|row| row.is_of(settings)) else {
            store::ensure(&mut conn, id, url, settings.entity_id.as_deref(), now).await?;
            continue;
        };
        match schedule::turn(&row, why, now) {
            Turn::Leave => return Ok(Err(row)),
            Turn::Fetch => {
                let asked = why == Why::UnknownCertificate;
                if store::lease(&mut conn, id, row.attempted_at, now + LEASE, asked, now).await? {
                    return Ok(Ok(row));
                }
            }
            Turn::Wait if looks >= LOOKS => return Ok(Err(row)),
            Turn::Wait => {
                drop(conn);
                looks += 1;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

async fn taken(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    row: &Refreshing,
    fetched: Fetched,
    trust: bool,
) -> Result<Refreshed, sqlx::Error> {
    let now = ctx.now();
    let document = match fetched {
        Fetched::Document(document) => Some(document),
        Fetched::Unchanged => None,
    };
    let mut metadata = match (&document, &row.metadata) {
        (Some(document), _) => metadata_of(document, now),
        (None, Some(known)) => Metadata { fetched_at: now, ..known.clone() },
        (None, None) => return Ok(Refreshed::Left { fetched_at: None }),
    };
    let validators = match &document {
        Some(document) => (document.etag.as_deref(), document.last_modified.as_deref()),
        None => (row.etag.as_deref(), row.last_modified.as_deref()),
    };
    let next = schedule::after_success(now, metadata.cache_duration, metadata.valid_until, jitter(ctx));
    // in the order in which everybody takes these locks
    certificate::store::lock(conn, &connection.id).await?;
    if document.is_some() {
        go_by_approved(ctx, conn, connection, row, &mut metadata).await?;
    }
    if !store::taken(conn, &connection.id, &row.url, &metadata, validators, next).await? {
        // another URL was configured meanwhile: nothing of this one is believed
        return Ok(Refreshed::Left { fetched_at: None });
    }
    let healthy = Refreshing { failures: 0, last_error: None, ..row.clone() };
    alert(ctx, conn, connection, &healthy, &metadata).await?;
    let Some(document) = document else { return Ok(Refreshed::Unchanged) };
    let origin = Origin { source: Source::Metadata, author: &Author::system() };
    let listed = document.metadata.certificate_facts();
    // somebody has configured this URL: its first document is taken as it is
    let trusts_new = trust || row.metadata.is_none();
    let following = certificate::follow(ctx, conn, connection, &listed, trusts_new, origin).await?;
    for sentence in &document.metadata.unusable_certificates {
        tracing::warn!(connection = %connection.slug, sentence, "a certificate of the metadata cannot be used");
    }
    tell(ctx, conn, connection, &row.told, &following).await?;
    let services = |known: &Metadata| (known.single_sign_on.clone(), known.single_logout.clone());
    if following.changes_something() || row.metadata.as_ref().map(services) != Some(services(&metadata)) {
        let event = Event::success("saml.metadata.refreshed", "system").connection(&connection.slug);
        let detail = json!({
            "entity_id": metadata.entity_id, "added": following.add.len() + following.revive.len(), "retired": following.retire.len(),
            "next_refresh_at": next.to_string(),
        });
        audit::record(ctx, conn, event.detail(detail)).await?;
    }
    Ok(Refreshed::Taken(Box::new(following)))
}

/// Keeps a document that sends people to other places than were approved from doing so until an operator has approved it.
async fn go_by_approved(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    row: &Refreshing,
    metadata: &mut Metadata,
) -> Result<(), sqlx::Error> {
    let places = |of: &Metadata| {
        version::Document::Metadata(version::Places {
            entity_id: of.entity_id.clone(),
            single_sign_on: of.single_sign_on.clone(),
            single_logout: of.single_logout.clone(),
        })
    };
    let (now, url) = (ctx.now(), &row.url);
    version::blocked::over(conn, connection, now).await?;
    match &row.metadata {
        Some(used) => version::known_in(conn, connection, url, &places(used), now).await?,
        None => version::begin_anew(conn, connection, version::Kind::Metadata, url, now).await?,
    }
    if let Some(version::Document::Metadata(used)) =
        version::seen_in(ctx, conn, connection, url, &places(metadata)).await?
    {
        (metadata.single_sign_on, metadata.single_logout) = (used.single_sign_on, used.single_logout);
    }
    Ok(())
}

/// Tells operators of certificates that wait for them, once for each as long as it waits.
async fn tell(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    told: &[String],
    following: &Following,
) -> Result<(), sqlx::Error> {
    let is_news = |facts: &&Facts| !told.contains(&facts.sha256);
    for facts in following.distrusted.iter().filter(is_news) {
        certificate::distrusted(ctx, conn, connection, facts).await?;
    }
    let kept: Vec<_> = following.kept_as_last.iter().map(|one| &one.facts).collect();
    if kept.iter().any(is_news) {
        let names: Vec<_> = kept.iter().map(|one| fingerprint(&one.sha256)).collect();
        let sentence = format!(
            "the metadata no longer names the last usable certificate of the connection (SHA-256 {}) and none that takes \
             its place: it stays trusted",
            names.join(", ")
        );
        refused(ctx, conn, connection, "last_certificate", &sentence).await?;
    }
    let waiting: Vec<_> = kept.into_iter().chain(&following.distrusted).map(|facts| facts.sha256.clone()).collect();
    if waiting != told { store::told(conn, &connection.id, &waiting).await } else { Ok(()) }
}

async fn failed(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    row: &Refreshing,
    failure: &FetchFailure,
) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    let (failures, error) = (row.failures.saturating_add(1), failure.to_string());
    let next = schedule::after_failure(now, failures, jitter(ctx));
    store::failed(conn, &connection.id, &row.url, &error, failures, next).await?;
    if let FetchFailure::Refused(refusal) = failure
        // the same document is refused again at every attempt; once is enough for the log
        && row.last_error.as_ref() != Some(&error)
    {
        refused(ctx, conn, connection, refusal.reason, &refusal.detail).await?;
    }
    if let FetchFailure::Refused(refusal) = failure
        && refusal.reason == "entity_id_changed"
    {
        version::blocked::seen_in(ctx, conn, connection, &row.url, &refusal.detail).await?;
    }
    let failing = Refreshing { failures, last_error: Some(error), ..row.clone() };
    match &row.metadata {
        Some(metadata) => alert(ctx, conn, connection, &failing, metadata).await,
        None => Ok(()),
    }
}

async fn refused(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    reason: &'static str,
    sentence: &str,
) -> Result<(), sqlx::Error> {
    tracing::warn!(connection = %connection.slug, reason, sentence, "metadata was refused; what is stored goes on being used");
    let event = Event::refused("saml.metadata.refused", reason, "system").connection(&connection.slug);
    audit::record(ctx, conn, event.detail(json!({ "detail": sentence }))).await
}

/// Tells operators once a day of a document that is past its date or could not be renewed for long.
async fn alert(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    row: &Refreshing,
    metadata: &Metadata,
) -> Result<(), sqlx::Error> {
    let now = ctx.now();
    let Some(reason) = schedule::alert(row, metadata, now) else { return Ok(()) };
    tracing::warn!(connection = %connection.slug, reason, fetched_at = %metadata.fetched_at, "the identity provider's metadata is old and goes on being used");
    let event = Event::failed("saml.metadata.stale", reason, "system").connection(&connection.slug);
    let detail = json!({
        "fetched_at": metadata.fetched_at.to_string(),
        "valid_until": metadata.valid_until.map(|until| until.to_string()),
        "detail": row.last_error,
    });
    audit::record(ctx, conn, event.detail(detail)).await?;
    store::alerted(conn, &connection.id, now).await
}

fn metadata_of(document: &Document, now: OffsetDateTime) -> Metadata {
    let read = &document.metadata;
    Metadata {
        entity_id: read.entity_id.clone(),
        single_sign_on: read.single_sign_on.iter().map(Into::into).collect(),
        single_logout: read.single_logout.iter().map(Into::into).collect(),
        fetched_at: now,
        valid_until: read.valid_until,
        cache_duration: read.cache_duration,
    }
}

/// From 0 to 1.
fn jitter(ctx: &Ctx) -> f64 {
    f64::from(u32::from_be_bytes(ctx.rng.bytes())) / f64::from(u32::MAX)
}
