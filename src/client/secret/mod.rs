//! A client's secrets: several at a time, each with an expiry, compared by keyed digest. Owns how one is added and
//! withdrawn; a value is shown once, when it is made, and nobody can read it again.

pub mod own;
pub mod store;

use serde_json::json;
use time::OffsetDateTime;

use super::{ClientId, ClientKind};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::ClientSecretId;
use crate::life::Verdict;
use crate::secret::{Kind, Secret, mint};

#[derive(Clone, Debug, PartialEq)]
pub struct ClientSecret {
    pub id: ClientSecretId,
    /// [`crate::vault::Vault::digest`] of the value.
    pub digest: [u8; 32],
    pub expires_at: Option<OffsetDateTime>,
}

impl ClientSecret {
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What people know a secret by. Its value is not in here.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct KnownSecret {
    pub id: ClientSecretId,
    /// Its last characters, or `imported` for a short one of somebody else's making.
    pub hint: String,
    pub created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_used_at: Option<OffsetDateTime>,
    /// Where it was last used from.
    pub last_used_addr: Option<String>,
    /// How often, as far as it was counted.
    pub uses: i64,
}

impl KnownSecret {
    pub fn counts_at(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// `all`: the client's secrets, this one among them.
    pub fn safe_to_retire(&self, all: &[Self], now: OffsetDateTime) -> Verdict {
        if !self.counts_at(now) {
            return Verdict::safe("It has expired: whoever comes with it is refused already.");
        }
        let others: Vec<_> = all.iter().filter(|one| one.id != self.id && one.counts_at(now)).collect();
        if others.is_empty() {
            return Verdict::not_yet("It is the only one that counts.");
        }
        let newer_is_used = others.iter().any(|one| one.created_at > self.created_at && one.last_used_at.is_some());
        let needed = Verdict::needed(self.last_used_at, self.last_used_addr.as_deref(), self.created_at, now);
        match (needed, self.last_used_at) {
            (Some(needed), _) => needed,
            (None, _) if !newer_is_used => Verdict::not_yet("It was not used lately, but no newer one was used yet."),
            (None, Some(_)) => Verdict::safe("It was not used for 8 days, and a newer one is used."),
            (None, None) => Verdict::safe("It was never used, and a newer one is used."),
        }
    }
}

/// Each is tried when the client comes, so there is an end to them.
pub const MOST: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("cannot change the secrets: {0}")]
    Database(#[from] sqlx::Error),
    #[error("there is no client {0}")]
    UnknownClient(ClientId),
    #[error("the client {0} has no such secret")]
    UnknownSecret(ClientId),
    #[error("a {} client is public and cannot keep a secret: whoever has the application has it too", .0.as_str())]
    Public(ClientKind),
    #[error("the expiry must lie ahead")]
    Past,
    #[error("it has {MOST} secrets already; withdraw one that is not used any more")]
    TooMany,
}

/// The secrets that are not withdrawn, expired ones included; the newest first.
///
/// # Errors
/// the database's.
pub async fn list(conn: &mut Conn, client: &ClientId) -> Result<Vec<KnownSecret>, sqlx::Error> {
    store::list(conn, client).await
}

/// A new secret beside the others, and its value, which is nowhere else.
///
/// # Errors
/// [`SecretError`]; then nothing was changed.
pub async fn add(
    ctx: &Ctx,
    author: &Author,
    client: &ClientId,
    expires_at: Option<OffsetDateTime>,
) -> Result<(KnownSecret, Secret<String>), SecretError> {
    let now = ctx.now();
    if expires_at.is_some_and(|end| end <= now) {
        return Err(SecretError::Past);
    }
    let value = mint(Kind::ClientSecret, &ctx.rng);
    let tail = value.expose().len().saturating_sub(4);
    let known = KnownSecret {
        id: ClientSecretId::new(now, &ctx.rng),
        hint: value.expose()[tail..].into(),
        created_by: author.actor.clone(),
        created_at: now,
        expires_at,
        last_used_at: None,
        last_used_addr: None,
        uses: 0,
    };
    let secret = ClientSecret { id: known.id.clone(), digest: ctx.vault.digest(value.expose()), expires_at };
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let kind = store::lock_client(conn, client).await?;
        let kind = kind.ok_or_else(|| SecretError::UnknownClient(client.clone()))?;
        if !kind.is_confidential() {
            return Err(SecretError::Public(kind));
        }
        if store::list(conn, client).await?.len() >= MOST {
            return Err(SecretError::TooMany);
        }
        store::add(conn, client, &secret, &known.hint, &known.created_by, now).await?;
        let detail = json!({ "secret": known.id, "hint": known.hint, "expires_at": expires_at.map(rfc3339) });
        audit::record(ctx, conn, author.did("client.secret_added").client(client).detail(detail)).await?;
        Ok(())
    })
    .await?;
    Ok((known, value))
}

/// From now on it is refused. Its digest stays, so that a file which names it does not bring it back.
///
/// # Errors
/// [`SecretError`]; then nothing was changed.
pub async fn withdraw(ctx: &Ctx, author: &Author, client: &ClientId, id: &str) -> Result<(), SecretError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let hint = store::revoke(conn, client, id).await?;
        let hint = hint.ok_or_else(|| SecretError::UnknownSecret(client.clone()))?;
        let event = author.did("client.secret_withdrawn").client(client);
        audit::record(ctx, conn, event.detail(json!({ "secret": id, "hint": hint }))).await?;
        Ok(())
    })
    .await
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
