//! Versions of what a provider publishes: discovery document, SAML metadata, keys. The approved one is what sign-ins use,
//! across restarts and while the provider is down; one that moves an endpoint or takes strength away waits for an
//! operator. Keys wait for nobody: whatever stands at the approved `jwks_uri` counts. Reading documents is done elsewhere.

pub mod blocked;
mod document;
mod drift;
pub mod keys;
pub mod store;

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

pub use blocked::Blocked;
pub use document::{Document, Key, Keys, Kind, Places, Surface};
pub use drift::{Drift, all as all_drifts, drift};

use super::metadata;
use super::saml::IdpSource;
use super::{Connection, Protocol, Slug};
use crate::audit::{self, Author, Event};
use crate::ctx::Ctx;
use crate::db::{self, Conn};

/// Bytes of JSON; what is larger is not kept, and so never used as approved.
const LARGEST: usize = 16 * 1024;

/// The version in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// It counts while this is the connection's issuer: another one is another provider.
    pub source: String,
    pub surface: Surface,
}

#[derive(Clone, Debug)]
pub struct Version {
    pub id: i64,
    pub document: Document,
    pub state: State,
    pub first_seen_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    /// When operators were last told of it.
    pub told_at: Option<OffsetDateTime>,
    pub decided: Option<(OffsetDateTime, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Approved,
    Pending,
    Rejected,
    Superseded,
}

impl State {
    const ALL: [Self; 4] = [Self::Approved, Self::Pending, Self::Rejected, Self::Superseded];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    #[error("cannot change the versions: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the connection {0} has no such version that waits for a decision")]
    NothingToDecide(Slug),
}

/// What is known of a connection's provider, the newest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub versions: Vec<Version>,
    /// Of an OpenID provider.
    pub keys: Vec<keys::Sighting>,
    pub blocked: Option<Blocked>,
}

impl History {
    pub fn used(&self) -> Option<&Version> {
        self.versions.iter().find(|one| one.state == State::Approved)
    }

    /// What waits for a decision, or was rejected and is still said.
    pub fn open(&self) -> Option<&Version> {
        let pending = self.versions.iter().find(|one| one.state == State::Pending);
        pending.or_else(|| {
            let latest = self.versions.iter().max_by_key(|one| one.last_seen_at);
            latest.filter(|one| one.state == State::Rejected)
        })
    }
}

/// The provider has just said this. Nothing, if the connection is about another provider by now.
///
/// # Errors
/// the database's.
pub async fn seen(ctx: &Ctx, slug: &Slug, source: &str, document: &Document) -> Result<(), sqlx::Error> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let Some(connection) = super::store::lock_by_slug(conn, slug).await? else { return Ok(()) };
        let current = match document {
            Document::Keys(_) => keys::address(&connection),
            _ => subject(&connection).map(|(_, source)| source),
        };
        if current == Some(source) {
            seen_in(ctx, conn, &connection, source, document).await?;
        }
        Ok(())
    })
    .await
}

/// The same as part of something else that holds the connection's lock. `None`: it counts from now on; else what does.
///
/// # Errors
/// the database's.
pub async fn seen_in(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    source: &str,
    document: &Document,
) -> Result<Option<Document>, sqlx::Error> {
    let (id, now) = (&connection.id, ctx.now());
    let known = store::of(conn, id, document.kind(), source).await?;
    let used = known.iter().find(|version| version.state == State::Approved);
    if document.json().to_string().len() > LARGEST {
        tracing::warn!(connection = %connection.slug, "the provider's document names too much to be kept as a version");
        return Ok(used.map(|used| used.document.clone()));
    }
    let waiting = known.iter().filter(|one| matches!(one.state, State::Pending | State::Rejected));
    let same = known.iter().find(|one| one.document == *document);
    let goes = used.is_none_or(|used| !used.document.needs_approval(document));
    if goes {
        // it took back what somebody was asked about: should it come again, it is asked anew
        for over in waiting {
            store::supersede(conn, over.id, now).await?;
        }
    }
    match (same, used) {
        (Some(same), _) if same.state != State::Superseded => {
            if same.state == State::Rejected {
                for over in known.iter().filter(|one| one.state == State::Pending) {
                    store::supersede(conn, over.id, now).await?;
                }
            }
            store::seen_again(conn, same.id, now).await?;
        }
        (same, Some(used)) if !goes => {
            for over in known.iter().filter(|one| one.state == State::Pending) {
                store::supersede(conn, over.id, now).await?;
            }
            let told = same.and_then(|same| same.told_at).filter(|told| now - *told < blocked::TELL_EVERY);
            if told.is_none() {
                tell(ctx, conn, connection, used, document).await?;
            }
            let what = (id, source, document);
            store::insert(conn, what, State::Pending, same, told.or(Some(now)), now).await?;
            store::trim(conn, id, document.kind()).await?;
        }
        (same, used) => {
            if let Some(used) = used {
                store::supersede(conn, used.id, now).await?;
            }
            store::insert(conn, (id, source, document), State::Approved, same, None, now).await?;
            store::trim(conn, id, document.kind()).await?;
        }
    }
    Ok(used.filter(|_| !goes).map(|used| used.document.clone()))
}

/// The connection goes by this already, from before versions were kept: it is the approved one, unless there is one.
///
/// # Errors
/// the database's.
pub async fn known_in(
    conn: &mut Conn,
    connection: &Connection,
    source: &str,
    document: &Document,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let known = store::of(conn, &connection.id, document.kind(), source).await?;
    if known.iter().any(|one| one.state == State::Approved) {
        return Ok(());
    }
    store::insert(conn, (&connection.id, source, document), State::Approved, None, None, now).await
}

/// Somebody has configured this provider anew: the next that it says is the first.
///
/// # Errors
/// the database's.
pub async fn begin_anew(
    conn: &mut Conn,
    connection: &Connection,
    kind: Kind,
    source: &str,
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    for over in store::of(conn, &connection.id, kind, source).await?.iter().filter(|one| one.state != State::Superseded)
    {
        store::supersede(conn, over.id, now).await?;
    }
    Ok(())
}

async fn tell(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    used: &Version,
    document: &Document,
) -> Result<(), sqlx::Error> {
    let slug = &connection.slug;
    let event = Event::failed("connection.drift_seen", "approval_needed", "system").connection(slug);
    let detail = json!({
        "changes": used.document.changes(document),
        "cause": "What the provider publishes names another endpoint or fewer algorithms than were approved.",
        "remedy": "Ask its administrator whether the change is theirs, then approve or reject it. What was approved counts until then.",
        "page": format!("/admin/connections/{slug}/versions"),
    });
    audit::record(ctx, conn, event.detail(detail)).await
}

/// What the connection's present provider has said.
///
/// # Errors
/// [`VersionError::Unknown`] and the database's.
pub async fn history(conn: &mut Conn, slug: &Slug) -> Result<History, VersionError> {
    let connection = super::store::by_slug(conn, slug).await?.ok_or_else(|| VersionError::Unknown(slug.clone()))?;
    let id = &connection.id;
    let mut history = History::default();
    if let Some((kind, source)) = subject(&connection) {
        history.versions = store::of(conn, id, kind, source).await?;
        history.blocked = store::blocked(conn, id, source).await?;
    }
    if let Some(address) = keys::address(&connection) {
        history.keys = keys::sightings(&store::of(conn, id, Kind::Keys, address).await?);
    }
    Ok(history)
}

/// Sign-ins use it from now on. One that was rejected before may be approved after all.
///
/// # Errors
/// [`VersionError`]; then nothing has changed.
pub async fn approve(ctx: &Ctx, author: &Author, slug: &Slug, version: i64) -> Result<(), VersionError> {
    decide(ctx, author, slug, version, State::Approved).await
}

/// It is not asked about again while the provider says the same.
///
/// # Errors
/// [`VersionError`]; then nothing has changed.
pub async fn reject(ctx: &Ctx, author: &Author, slug: &Slug, version: i64) -> Result<(), VersionError> {
    decide(ctx, author, slug, version, State::Rejected).await
}

async fn decide(ctx: &Ctx, author: &Author, slug: &Slug, version: i64, to: State) -> Result<(), VersionError> {
    let now = ctx.now();
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = super::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| VersionError::Unknown(slug.clone()))?;
        let nothing = || VersionError::NothingToDecide(slug.clone());
        let (kind, source) = subject(&connection).ok_or_else(nothing)?;
        let known = store::of(conn, &connection.id, kind, source).await?;
        let open = |one: &&Version| {
            one.id == version
                && (one.state == State::Pending || (one.state == State::Rejected && to == State::Approved))
        };
        let chosen = known.iter().find(open).ok_or_else(nothing)?;
        let used = known.iter().find(|one| one.state == State::Approved).ok_or_else(nothing)?;
        let action = if to == State::Approved {
            store::supersede(conn, used.id, now).await?;
            if let Document::Metadata(places) = &chosen.document {
                metadata::store::goes_by(conn, &connection.id, source, places).await?;
            }
            "connection.drift_approved"
        } else {
            "connection.drift_rejected"
        };
        store::decided(conn, version, to, &author.actor, now).await?;
        let detail = json!({ "version": version, "changes": used.document.changes(&chosen.document) });
        Ok(audit::record(ctx, conn, author.did(action).connection(slug).detail(detail)).await?)
    })
    .await
}

/// What is watched, and where it is read. `None` where nothing is published: endpoints or metadata entered by hand.
fn subject(connection: &Connection) -> Option<(Kind, &str)> {
    match &connection.protocol {
        Protocol::Oidc(settings) if settings.endpoints.is_none() => Some((Kind::Discovery, &settings.issuer)),
        Protocol::Saml(settings) => match &settings.source {
            IdpSource::MetadataUrl { url, .. } => Some((Kind::Metadata, url)),
            _ => None,
        },
        Protocol::Oidc(_) => None,
    }
}
