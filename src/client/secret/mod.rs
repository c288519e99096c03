//! A client's secrets: several at a time, each with an expiry, compared by keyed digest.

pub mod store;

use serde_json::json;
use time::OffsetDateTime;

use super::{ClientId, ClientKind};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::ClientSecretId;
use crate::secret::{self, Kind, Secret};

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

/// What an operator sees of a secret. The value is nowhere any more.
#[derive(Clone, Debug)]
pub struct SecretFacts {
    pub id: ClientSecretId,
    /// The last characters, to recognise it by; `imported` where they would give too much away.
    pub hint: String,
    pub created_by: String,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used_at: Option<OffsetDateTime>,
    pub revoked: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("there is no client {0}")]
    UnknownClient(ClientId),
    #[error("there is no such secret, or it is revoked already")]
    UnknownSecret,
    #[error("a {} client is public and cannot keep a secret", .0.as_str())]
    Public(ClientKind),
    #[error("expires_at is in the past")]
    Past,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// One more secret beside the others, and its value, which is nowhere else.
///
/// # Errors
/// [`SecretError`].
pub async fn add(
    ctx: &Ctx,
    author: &Author,
    client: &ClientId,
    expires_at: Option<OffsetDateTime>,
) -> Result<(SecretFacts, Secret<String>), SecretError> {
    let now = ctx.now();
    if expires_at.is_some_and(|end| end <= now) {
        return Err(SecretError::Past);
    }
    let value = secret::mint(Kind::ClientSecret, &ctx.rng);
    let digest = ctx.vault.digest(value.expose());
    let one = ClientSecret { id: ClientSecretId::new(now, &ctx.rng), digest, expires_at };
    let hint = &value.expose()[value.expose().len() - 4..];
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let known = super::store::some(conn, &[client.to_string()]).await?.pop();
        let known = known.ok_or_else(|| SecretError::UnknownClient(client.clone()))?;
        if !known.is_confidential() {
            return Err(SecretError::Public(known.kind));
        }
        store::add(conn, client, &one, hint, &author.actor, now).await?;
        let detail =
            json!({ "secret": one.id.as_str(), "hint": hint, "expires_at": expires_at.map(|at| at.to_string()) });
        audit::record(ctx, conn, author.did("client_secret.added").client(client).detail(detail)).await?;
        Ok(())
    })
    .await?;
    let facts = SecretFacts {
        id: one.id,
        hint: hint.into(),
        created_by: author.actor.clone(),
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked: false,
    };
    Ok((facts, value))
}

/// It counts no more, from the next request on.
///
/// # Errors
/// [`SecretError`].
pub async fn revoke(ctx: &Ctx, author: &Author, client: &ClientId, id: &ClientSecretId) -> Result<(), SecretError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let hint = store::revoke(conn, client, id).await?.ok_or(SecretError::UnknownSecret)?;
        let detail = json!({ "secret": id.as_str(), "hint": hint });
        audit::record(ctx, conn, author.did("client_secret.revoked").client(client).detail(detail)).await?;
        Ok(())
    })
    .await
}
