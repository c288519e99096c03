//! The life of the secret that proves us to an OpenID provider: a next one is stored and rehearsed, takes over, and the one
//! before stays known until it is withdrawn. Owns the order of these steps; whoever rehearses says so.

use serde_json::json;
use time::OffsetDateTime;

use super::{Credential, CredentialKind, CredentialState, handover, rehearsal, store};
use crate::audit::{self, Author};
use crate::connection::{self, Connection, Protocol, Slug};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::CredentialId;
use crate::secret::Secret;

#[derive(Debug, thiserror::Error)]
pub enum UpstreamSecretError {
    #[error("cannot change the connection's secrets: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the connection {0} speaks SAML, which knows no client secret")]
    NotOidc(Slug),
    #[error("the connection {0} has no such secret")]
    NoSuchSecret(Slug),
    #[error("the secret is empty, or has white space at its ends; paste it once more")]
    Malformed,
    #[error("the expiry must lie ahead")]
    Past,
    #[error("this very secret is stored already, or was withdrawn before; make another one at the provider")]
    Known,
    #[error("the next secret is {0} already; promote it, or withdraw it first")]
    NextExists(CredentialId),
    #[error("only the next secret can be promoted, and {0} is {state}", state = .1.as_str())]
    NotNext(CredentialId, CredentialState),
    #[error("only a secret that retires can be put back, and {0} is {state}", state = .1.as_str())]
    NotRetiring(CredentialId, CredentialState),
    #[error("{0} is in use; add another and promote it first")]
    Active(CredentialId),
    #[error("write why it is promoted without a rehearsal")]
    NoReason,
}

/// What a secret is known by. Its value is not in here.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct KnownSecret {
    pub id: CredentialId,
    pub state: CredentialState,
    pub created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    /// How often the provider took it.
    pub uses: i64,
    /// When it took over, where it did.
    #[serde(with = "time::serde::rfc3339::option")]
    pub active_since: Option<OffsetDateTime>,
    /// When another one had to stand in for it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub refused_at: Option<OffsetDateTime>,
}

/// Why a secret may take over.
#[derive(Clone, Debug)]
pub enum Ground {
    /// The provider took it a moment ago.
    Rehearsed,
    /// Somebody takes it upon themselves, and says why.
    Override(String),
}

/// What a promotion did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    pub active: CredentialId,
    pub retiring: Option<CredentialId>,
}

/// In every state; the newest first.
///
/// # Errors
/// [`UpstreamSecretError::Unknown`], [`UpstreamSecretError::NotOidc`].
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<Vec<KnownSecret>, UpstreamSecretError> {
    let connection = oidc(connection::store::by_slug(conn, slug).await?, slug)?;
    Ok(store::secrets(conn, &connection.id).await?)
}

/// Stores a secret that is not used yet. The first one of a connection is in use at once: there is nothing to hand over
/// from.
///
/// # Errors
/// [`UpstreamSecretError`]; then nothing was changed.
pub async fn add(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    value: &Secret<String>,
    expires_at: Option<OffsetDateTime>,
) -> Result<KnownSecret, UpstreamSecretError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| add_within(ctx, conn, author, slug, value, expires_at).await).await
}

/// [`add`] in the caller's transaction.
///
/// # Errors
/// [`UpstreamSecretError`]; then nothing was changed.
pub async fn add_within(
    ctx: &Ctx,
    conn: &mut Conn,
    author: &Author,
    slug: &Slug,
    value: &Secret<String>,
    expires_at: Option<OffsetDateTime>,
) -> Result<KnownSecret, UpstreamSecretError> {
    let now = ctx.now();
    check(value, expires_at, now)?;
    let digest = ctx.vault.digest(value.expose());
    let connection = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
    addable(ctx, conn, &connection, value).await?;
    let first = of_state(&connection, CredentialState::Active).is_none();
    let id = CredentialId::new(now, &ctx.rng);
    let secret = Credential {
        sealed: ctx.vault.seal(Credential::place(&id), value.expose().as_bytes(), &ctx.rng),
        id,
        state: if first { CredentialState::Active } else { CredentialState::Next },
        public: None,
        created_at: now,
        expires_at,
    };
    store::insert(conn, &connection.id, &secret, Some(digest), &author.actor).await?;
    let event = author.did("connection.secret_added").connection(slug);
    audit::record(ctx, conn, event.detail(json!({ "secret": secret.id, "state": secret.state }))).await?;
    Ok(KnownSecret {
        id: secret.id,
        state: secret.state,
        created_by: author.actor.clone(),
        created_at: now,
        expires_at,
        last_used_at: None,
        uses: 0,
        active_since: None,
        refused_at: None,
    })
}

/// Whether a secret may be stored, as far as it says itself.
///
/// # Errors
/// [`UpstreamSecretError::Malformed`], [`UpstreamSecretError::Past`].
pub fn check(
    value: &Secret<String>,
    expires_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<(), UpstreamSecretError> {
    if value.expose().is_empty() || value.expose().trim() != value.expose() {
        return Err(UpstreamSecretError::Malformed);
    }
    if expires_at.is_some_and(|end| end <= now) {
        return Err(UpstreamSecretError::Past);
    }
    Ok(())
}

/// Whether [`add`] would take it now: nothing waits already, and it was never here before.
///
/// # Errors
/// [`UpstreamSecretError`].
pub async fn addable(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    value: &Secret<String>,
) -> Result<(), UpstreamSecretError> {
    if let Some(next) = of_state(connection, CredentialState::Next) {
        return Err(UpstreamSecretError::NextExists(next.id.clone()));
    }
    if store::digest_known(conn, &connection.id, ctx.vault.digest(value.expose())).await? {
        return Err(UpstreamSecretError::Known);
    }
    Ok(())
}

/// The next secret takes over, and the one in use retires.
///
/// # Errors
/// [`UpstreamSecretError`]; then nothing was changed.
pub async fn promote(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    id: &str,
    ground: &Ground,
) -> Result<Promoted, UpstreamSecretError> {
    let reason = match ground {
        Ground::Rehearsed => None,
        Ground::Override(reason) if reason.trim().is_empty() => return Err(UpstreamSecretError::NoReason),
        Ground::Override(reason) => Some(reason.trim()),
    };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
        let next = next(&connection, id)?;
        let before = of_state(&connection, CredentialState::Active).map(|before| before.id.clone());
        store::retire_active(conn, &connection.id, CredentialKind::ClientSecret, None).await?;
        store::set_state(conn, &next.id, CredentialState::Active).await?;
        handover::store::took_over(conn, &next.id, ctx.now()).await?;
        let rehearsal = rehearsal::store::latest(conn, &connection.id).await?.remove(next.id.as_str());
        let detail = json!({ "secret": next.id, "retiring": before, "override": reason, "rehearsal": rehearsal });
        audit::record(ctx, conn, author.did("connection.secret_promoted").connection(slug).detail(detail)).await?;
        Ok(Promoted { active: next.id.clone(), retiring: before })
    })
    .await
}

/// Nothing uses it from now on. Its digest stays, so that a file which names it does not bring it back.
///
/// # Errors
/// [`UpstreamSecretError`]; then nothing was changed.
pub async fn withdraw(ctx: &Ctx, author: &Author, slug: &Slug, id: &str) -> Result<(), UpstreamSecretError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
        let secret = find(&connection, id)?;
        match secret.state {
            // otherwise no secret is in use, whatever its state says
            CredentialState::Active if connection.by_secret() => {
                return Err(UpstreamSecretError::Active(secret.id.clone()));
            }
            CredentialState::Revoked => return Err(UpstreamSecretError::NoSuchSecret(slug.clone())),
            CredentialState::Active | CredentialState::Next | CredentialState::Retiring | CredentialState::Retired => {}
        }
        store::set_state(conn, &secret.id, CredentialState::Revoked).await?;
        let event = author.did("connection.secret_withdrawn").connection(slug);
        audit::record(ctx, conn, event.detail(json!({ "secret": secret.id, "was": secret.state }))).await?;
        Ok(())
    })
    .await
}

pub(super) fn oidc(connection: Option<Connection>, slug: &Slug) -> Result<Connection, UpstreamSecretError> {
    let connection = connection.ok_or_else(|| UpstreamSecretError::Unknown(slug.clone()))?;
    match connection.protocol {
        Protocol::Oidc(_) => Ok(connection),
        Protocol::Saml(_) => Err(UpstreamSecretError::NotOidc(slug.clone())),
    }
}

/// The secret of this id that waits for its turn.
///
/// # Errors
/// [`UpstreamSecretError::NoSuchSecret`], [`UpstreamSecretError::NotNext`].
pub fn next<'a>(connection: &'a Connection, id: &str) -> Result<&'a Credential, UpstreamSecretError> {
    let found = find(connection, id)?;
    match found.state {
        CredentialState::Next => Ok(found),
        state => Err(UpstreamSecretError::NotNext(found.id.clone(), state)),
    }
}

fn secrets(connection: &Connection) -> impl Iterator<Item = &Credential> {
    connection.credentials.iter().filter(|one| one.kind() == CredentialKind::ClientSecret)
}

pub(super) fn of_state(connection: &Connection, state: CredentialState) -> Option<&Credential> {
    secrets(connection).find(|one| one.state == state)
}

pub(super) fn find<'a>(connection: &'a Connection, id: &str) -> Result<&'a Credential, UpstreamSecretError> {
    let found = secrets(connection).find(|one| one.id.as_str() == id);
    found.ok_or_else(|| UpstreamSecretError::NoSuchSecret(connection.slug.clone()))
}
