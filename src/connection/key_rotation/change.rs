//! What somebody may do to the keys of an OpenID Connect connection, and the step back from a change of either protocol's.

use serde_json::json;
use time::OffsetDateTime;

use super::{Delivery, KEPT, KeyError, KeyRotation, store};
use crate::audit::{self, Author};
use crate::connection::own_key::OwnKey;
use crate::connection::{self, Connection, Credential, CredentialKind, CredentialState, Protocol, Slug, credential};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::CredentialId;

/// Why a key may take over.
#[derive(Clone, Debug)]
pub enum Ground {
    /// The provider reads our JWKS, and the key has stood there long enough.
    Published,
    /// The provider took it a moment ago.
    Proven,
    /// Somebody takes it upon themselves, and says why.
    Override(String),
}

/// What a promotion did, or its taking back.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Promoted {
    pub active: CredentialId,
    /// What it has replaced.
    pub before: Option<CredentialId>,
}

/// Publishes a key that signs nothing yet. It waits for somebody, whatever the schedule.
///
/// # Errors
/// [`KeyError::NextExists`], [`KeyError::Unknown`], [`KeyError::NotOidc`].
pub async fn prepare(ctx: &Ctx, author: &Author, slug: &Slug) -> Result<CredentialId, KeyError> {
    // a slug that is mistyped is told before the work, which is done outside the transaction
    oidc(connection::store::by_slug(&mut *ctx.db.acquire().await?, slug).await?, slug)?;
    let key = OwnKey::generate(ctx, slug, None)?;
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let (connection, _) = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
        add_next(ctx, conn, author, &connection, &key, None).await
    })
    .await
}

/// `promote_at`: when it is to take over by itself.
pub(super) async fn add_next(
    ctx: &Ctx,
    conn: &mut Conn,
    author: &Author,
    connection: &Connection,
    key: &OwnKey,
    promote_at: Option<OffsetDateTime>,
) -> Result<CredentialId, KeyError> {
    if let Some(next) = connection.keys(CredentialState::Next).next() {
        return Err(KeyError::NextExists(next.id.clone()));
    }
    let credential = key.credential(ctx, CredentialState::Next);
    credential::store::insert(conn, &connection.id, &credential, None, &author.actor).await?;
    store::promote_at(conn, &credential.id, promote_at).await?;
    let detail = json!({ "keys": [{ "use": "signing", "next": credential.id, "promote_at": told(promote_at) }] });
    audit::record(ctx, conn, author.did("connection.key_added").connection(&connection.slug).detail(detail)).await?;
    Ok(credential.id)
}

/// The next key signs from now on, and the one in use retires.
///
/// # Errors
/// [`KeyError`]; then nothing was changed.
pub async fn promote(ctx: &Ctx, author: &Author, slug: &Slug, id: &str, ground: &Ground) -> Result<Promoted, KeyError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let (connection, rotation) = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
        let next = find(&connection, id)?;
        if next.state != CredentialState::Next {
            return Err(KeyError::NotNext(next.id.clone(), next.state));
        }
        let ready_at = next.created_at + rotation.publish_ahead();
        let reason = match (ground, rotation.delivery) {
            (Ground::Override(reason), _) if reason.trim().is_empty() => return Err(KeyError::NoReason),
            (Ground::Override(reason), _) => Some(reason.trim()),
            (Ground::Proven, _) => None,
            (Ground::Published, Delivery::Upload) => return Err(KeyError::NotProven),
            (Ground::Published, Delivery::JwksUri) if ctx.now() < ready_at => {
                return Err(KeyError::TooEarly { published_at: next.created_at, ready_at });
            }
            (Ground::Published, Delivery::JwksUri) => None,
        };
        let promoted = take_over(ctx, conn, &connection, next).await?;
        let mut detail =
            json!({ "keys": [{ "use": "signing", "active": promoted.active, "retiring": promoted.before }] });
        if let Some(reason) = reason {
            detail["override"] = reason.into();
        }
        audit::record(ctx, conn, author.did("connection.key_promoted").connection(slug).detail(detail)).await?;
        Ok(promoted)
    })
    .await
}

pub(super) async fn take_over(
    ctx: &Ctx,
    conn: &mut Conn,
    connection: &Connection,
    next: &Credential,
) -> Result<Promoted, KeyError> {
    let now = ctx.now();
    let before = connection.keys(CredentialState::Active).find(|key| key.key_use() == next.key_use());
    if let Some(before) = before {
        credential::store::set_state(conn, &before.id, CredentialState::Retiring).await?;
        store::retires(conn, &before.id, now + KEPT).await?;
    }
    credential::store::set_state(conn, &next.id, CredentialState::Active).await?;
    store::activated(conn, &next.id, now).await?;
    Ok(Promoted { active: next.id.clone(), before: before.map(|key| key.id.clone()) })
}

/// The key before the present one signs again. The present one waits as the next key, for somebody and no date; where
/// another waits already it retires.
///
/// # Errors
/// [`KeyError::NothingToPutBack`], [`KeyError::Unknown`].
pub async fn put_back(ctx: &Ctx, author: &Author, slug: &Slug) -> Result<Vec<Promoted>, KeyError> {
    let now = ctx.now();
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let connection = connection::store::lock_by_slug(conn, slug).await?;
        let connection = connection.ok_or_else(|| KeyError::Unknown(slug.clone()))?;
        let mut done: Vec<Promoted> = Vec::new();
        let mut uses = Vec::new();
        // the newest first: of several that were replaced, the last one
        for before in connection.keys(CredentialState::Retiring) {
            if uses.contains(&before.key_use()) {
                continue;
            }
            uses.push(before.key_use());
            let replaces = |key: &&Credential| before.key_use().is_none() || key.key_use() == before.key_use();
            for present in connection.keys(CredentialState::Active).filter(replaces) {
                let waits = connection.keys(CredentialState::Next).any(|key| key.key_use() == present.key_use());
                let state = if waits { CredentialState::Retiring } else { CredentialState::Next };
                credential::store::set_state(conn, &present.id, state).await?;
                if waits {
                    store::retires(conn, &present.id, now + KEPT).await?;
                } else {
                    store::promote_at(conn, &present.id, None).await?;
                }
                done.push(Promoted { active: before.id.clone(), before: Some(present.id.clone()) });
            }
            credential::store::set_state(conn, &before.id, CredentialState::Active).await?;
            store::activated(conn, &before.id, now).await?;
        }
        if done.is_empty() {
            return Err(KeyError::NothingToPutBack(slug.clone()));
        }
        let keys: Vec<_> = done.iter().map(|one| json!({ "active": one.active, "put_aside": one.before })).collect();
        let event = author.did("connection.key_put_back").connection(slug).detail(json!({ "keys": keys }));
        audit::record(ctx, conn, event).await?;
        Ok(done)
    })
    .await
}

/// It is published no more, and signs nothing from now on.
///
/// # Errors
/// [`KeyError::Active`] of a key that is in use; [`KeyError::NoSuchKey`], and as above.
pub async fn withdraw(ctx: &Ctx, author: &Author, slug: &Slug, id: &str) -> Result<(), KeyError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let (connection, _) = oidc(connection::store::lock_by_slug(conn, slug).await?, slug)?;
        let key = find(&connection, id)?;
        let Protocol::Oidc(settings) = &connection.protocol else { return Err(KeyError::NotOidc(slug.clone())) };
        let signs = settings.client_authentication == connection::ClientAuthentication::PrivateKeyJwt;
        if key.state == CredentialState::Active && signs {
            return Err(KeyError::Active(key.id.clone()));
        }
        credential::store::set_state(conn, &key.id, CredentialState::Revoked).await?;
        let detail = json!({ "keys": [{ "withdrawn": key.id, "was": key.state }] });
        audit::record(ctx, conn, author.did("connection.key_withdrawn").connection(slug).detail(detail)).await?;
        Ok(())
    })
    .await
}

pub(super) fn oidc(connection: Option<Connection>, slug: &Slug) -> Result<(Connection, KeyRotation), KeyError> {
    let connection = connection.ok_or_else(|| KeyError::Unknown(slug.clone()))?;
    match &connection.protocol {
        Protocol::Oidc(settings) => {
            let rotation = settings.key_rotation.unwrap_or_default();
            Ok((connection, rotation))
        }
        Protocol::Saml(_) => Err(KeyError::NotOidc(slug.clone())),
    }
}

fn find<'a>(connection: &'a Connection, id: &str) -> Result<&'a Credential, KeyError> {
    let keys = connection.credentials.iter().filter(|one| one.kind() == CredentialKind::PrivateKey);
    let found = keys.filter(|key| key.state.is_published()).find(|key| key.id.as_str() == id);
    found.ok_or_else(|| KeyError::NoSuchKey(connection.slug.clone()))
}

/// RFC 3339.
pub(super) fn told(at: Option<OffsetDateTime>) -> Option<String> {
    at.and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok())
}
