//! The life of a SAML connection's own keys: a next one is published, takes over, and the one before goes on opening
//! what was encrypted to it until it is retired. Owns the order of these steps; `upstream` uses the keys.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::key_rotation::{self, KEPT};
use super::own_key::OwnKey;
use super::{Connection, Credential, CredentialState, KeyUse, Protocol, Slug, credential, store};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::CredentialId;
use crate::jose::CertificateError;

#[derive(Debug, thiserror::Error)]
pub enum SpKeyError {
    #[error("cannot change the connection's keys: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no connection {0}")]
    Unknown(Slug),
    #[error("the connection {0} speaks OpenID Connect; only SAML connections have such keys")]
    NotSaml(Slug),
    #[error("the next {} key is {id} already; promote it, or retire it first (--key {id})", usage.as_str())]
    NextExists { usage: KeyUse, id: CredentialId },
    #[error("there is no next {} key to promote; add one, and let the identity provider read our metadata first", .0.as_str())]
    NoNext(KeyUse),
    #[error("{0} is the active key; add another and promote it first")]
    Active(CredentialId),
    #[error("the connection {0} has no such key; see `list`")]
    NoSuchKey(Slug),
    #[error("the connection {0} has no retiring key; one retires when another is promoted")]
    NothingRetires(Slug),
    #[error("cannot make a key: {0}")]
    Certificate(#[from] CertificateError),
}

/// What a promotion did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    pub active: CredentialId,
    pub retiring: Option<CredentialId>,
}

/// The keys that still do something, in the order of their life, and of one use together.
///
/// # Errors
/// [`SpKeyError::Unknown`], [`SpKeyError::NotSaml`].
pub async fn list(conn: &mut Conn, slug: &Slug) -> Result<Vec<Credential>, SpKeyError> {
    let connection = saml(store::by_slug(conn, slug).await?, slug)?;
    let mut keys: Vec<_> = connection
        .credentials
        .into_iter()
        .filter(|credential| credential.public.is_some() && credential.state.is_published())
        .collect();
    keys.sort_by_key(|key| (key.key_use().map(KeyUse::as_str), key.created_at));
    Ok(keys)
}

/// Publishes next keys for these uses.
///
/// # Errors
/// [`SpKeyError::NextExists`], [`SpKeyError::Unknown`], [`SpKeyError::NotSaml`].
pub async fn add(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    uses: &[KeyUse],
) -> Result<Vec<(KeyUse, CredentialId)>, SpKeyError> {
    // a slug that is mistyped is told before the work, which is done outside the transaction
    list(&mut *ctx.db.acquire().await?, slug).await?;
    let keys = uses.iter().map(|usage| Ok((*usage, OwnKey::generate(ctx, slug, Some(*usage))?)));
    let keys = keys.collect::<Result<Vec<_>, CertificateError>>()?;
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let mut added = Vec::new();
        for (usage, key) in &keys {
            added.push((*usage, add_next(ctx, conn, slug, key, &author.actor).await?));
        }
        let told = added.iter().map(|(usage, id)| json!({ "use": usage.as_str(), "next": id })).collect();
        record(ctx, conn, author, "connection.key_added", slug, told).await?;
        Ok(added)
    })
    .await
}

/// The next keys of these uses take over, all of them or none.
///
/// # Errors
/// [`SpKeyError::NoNext`], [`SpKeyError::Unknown`], [`SpKeyError::NotSaml`].
pub async fn take_over(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    uses: &[KeyUse],
) -> Result<Vec<(KeyUse, Promoted)>, SpKeyError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let mut promoted = Vec::new();
        for usage in uses {
            promoted.push((*usage, promote(conn, slug, *usage, ctx.now()).await?));
        }
        let told = |(usage, done): &(KeyUse, Promoted)| json!({ "use": usage.as_str(), "active": done.active, "retiring": done.retiring });
        record(ctx, conn, author, "connection.key_promoted", slug, promoted.iter().map(told).collect()).await?;
        Ok(promoted)
    })
    .await
}

/// Ends the retiring keys, of one use or of both, or one key that is not active.
///
/// # Errors
/// [`SpKeyError::Active`], [`SpKeyError::NoSuchKey`], [`SpKeyError::NothingRetires`], and as above.
pub async fn end(
    ctx: &Ctx,
    author: &Author,
    slug: &Slug,
    usage: Option<KeyUse>,
    key: Option<&str>,
) -> Result<Vec<CredentialId>, SpKeyError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let retired = retire(conn, slug, usage, key).await?;
        let told = retired.iter().map(|id| json!({ "retired": id })).collect();
        record(ctx, conn, author, "connection.key_retired", slug, told).await?;
        Ok(retired)
    })
    .await
}

async fn record(
    ctx: &Ctx,
    conn: &mut Conn,
    author: &Author,
    action: &'static str,
    slug: &Slug,
    keys: Vec<Value>,
) -> Result<(), sqlx::Error> {
    audit::record(ctx, conn, author.did(action).connection(slug).detail(json!({ "keys": keys }))).await
}

/// Publishes a key that is not used yet: the identity provider learns of it before it matters.
///
/// # Errors
/// [`SpKeyError::NextExists`], [`SpKeyError::Unknown`], [`SpKeyError::NotSaml`].
async fn add_next(ctx: &Ctx, conn: &mut Conn, slug: &Slug, key: &OwnKey, by: &str) -> Result<CredentialId, SpKeyError> {
    let connection = saml(store::lock_by_slug(conn, slug).await?, slug)?;
    let credential = key.credential(ctx, CredentialState::Next);
    if let (Some(usage), Some(next)) =
        (credential.key_use(), of_use(&connection, CredentialState::Next, credential.key_use()))
    {
        return Err(SpKeyError::NextExists { usage, id: next.id.clone() });
    }
    credential::store::insert(conn, &connection.id, &credential, None, by).await?;
    Ok(credential.id)
}

/// The next key takes over, and the active one retires: it goes by itself when nobody goes by metadata with it any more. A key
/// that served both uses retires with its second use.
///
/// # Errors
/// [`SpKeyError::NoNext`], [`SpKeyError::Unknown`], [`SpKeyError::NotSaml`].
pub(super) async fn promote(
    conn: &mut Conn,
    slug: &Slug,
    usage: KeyUse,
    now: OffsetDateTime,
) -> Result<Promoted, SpKeyError> {
    let connection = saml(store::lock_by_slug(conn, slug).await?, slug)?;
    let next = of_use(&connection, CredentialState::Next, Some(usage)).ok_or(SpKeyError::NoNext(usage))?;
    let active = |usage| of_use(&connection, CredentialState::Active, usage);
    let other_uses_served = KeyUse::ALL.into_iter().all(|other| other == usage || active(Some(other)).is_some());
    let before = active(Some(usage)).or_else(|| active(None).filter(|_| other_uses_served));
    if let Some(before) = before {
        credential::store::set_state(conn, &before.id, CredentialState::Retiring).await?;
        key_rotation::store::retires(conn, &before.id, now + KEPT).await?;
    }
    credential::store::set_state(conn, &next.id, CredentialState::Active).await?;
    key_rotation::store::activated(conn, &next.id, now).await?;
    Ok(Promoted { active: next.id.clone(), retiring: before.map(|key| key.id.clone()) })
}

/// Ends the retiring keys, or one key that is not active. What was encrypted to them is refused from now on. A key that
/// served both uses counts among those for encryption, which is what it still does.
///
/// # Errors
/// [`SpKeyError::Active`], [`SpKeyError::NoSuchKey`], [`SpKeyError::NothingRetires`], and as above.
async fn retire(
    conn: &mut Conn,
    slug: &Slug,
    usage: Option<KeyUse>,
    key: Option<&str>,
) -> Result<Vec<CredentialId>, SpKeyError> {
    let connection = saml(store::lock_by_slug(conn, slug).await?, slug)?;
    let ending: Vec<&Credential> = match key {
        Some(id) => {
            let known = connection.credentials.iter().filter(|c| c.public.is_some() && c.state.is_published());
            let key = known.into_iter().find(|c| c.id.as_str() == id);
            let key = key.ok_or_else(|| SpKeyError::NoSuchKey(slug.clone()))?;
            if key.state == CredentialState::Active {
                return Err(SpKeyError::Active(key.id.clone()));
            }
            vec![key]
        }
        None => connection
            .keys(CredentialState::Retiring)
            .filter(|key| usage.is_none_or(|usage| key.key_use().unwrap_or(KeyUse::Encryption) == usage))
            .collect(),
    };
    if ending.is_empty() {
        return Err(SpKeyError::NothingRetires(slug.clone()));
    }
    for key in &ending {
        credential::store::set_state(conn, &key.id, CredentialState::Retired).await?;
    }
    Ok(ending.into_iter().map(|key| key.id.clone()).collect())
}

fn saml(connection: Option<Connection>, slug: &Slug) -> Result<Connection, SpKeyError> {
    let connection = connection.ok_or_else(|| SpKeyError::Unknown(slug.clone()))?;
    match connection.protocol {
        Protocol::Saml(_) => Ok(connection),
        Protocol::Oidc(_) => Err(SpKeyError::NotSaml(slug.clone())),
    }
}

fn of_use(connection: &Connection, state: CredentialState, usage: Option<KeyUse>) -> Option<&Credential> {
    connection.keys(state).find(|key| key.key_use() == usage)
}
