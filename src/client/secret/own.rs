//! A client that makes and ends its own secrets, in the manner of RFC 7592: it proves itself by what it has, and gets the
//! new one once. Owns how many it may have, and when the others end.

use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{ClientSecret, KnownSecret, SecretError, rfc3339, store};
use crate::audit::{self, Author};
use crate::client::{Client, ClientId};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::ClientSecretId;
use crate::secret::{Kind, Secret, mint};

/// Secrets that count at a time. An operator may give it more.
pub const MOST: usize = 3;
/// The others count on for this long, unless the client says otherwise.
pub const OVERLAP: Duration = Duration::days(7);
pub const LONGEST_OVERLAP: Duration = Duration::days(30);

#[derive(Debug, thiserror::Error)]
pub enum OwnSecretError {
    #[error("this client may not change its secrets; an operator allows it with may_rotate_secret")]
    NotAllowed,
    #[error("it has {MOST} secrets that count; withdraw one that is not used any more")]
    TooMany,
    #[error("it has no such secret")]
    Unknown,
    #[error("this is the secret that proved the request; withdraw it with the newer one")]
    InUse,
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl From<sqlx::Error> for OwnSecretError {
    fn from(error: sqlx::Error) -> Self {
        Self::Secret(error.into())
    }
}

/// A new secret; the others end when the overlap is over. `expires_at`: of the new one.
///
/// # Errors
/// [`OwnSecretError`]; then nothing was changed.
pub async fn rotate(
    ctx: &Ctx,
    author: &Author,
    client: &Client,
    overlap: Duration,
    expires_at: Option<OffsetDateTime>,
) -> Result<(KnownSecret, Secret<String>), OwnSecretError> {
    let now = ctx.now();
    if expires_at.is_some_and(|end| end <= now) {
        return Err(SecretError::Past.into());
    }
    let (id, value) = (ClientSecretId::new(now, &ctx.rng), mint(Kind::ClientSecret, &ctx.rng));
    let hint = value.expose()[value.expose().len().saturating_sub(4)..].to_owned();
    let secret = ClientSecret { id: id.clone(), digest: ctx.vault.digest(value.expose()), expires_at };
    let end = now + overlap.clamp(Duration::ZERO, LONGEST_OVERLAP);
    let name = &client.client_id;
    let known = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let known = permitted(conn, client).await?;
        if known.iter().filter(|one| one.counts_at(now)).count() >= MOST {
            return Err(OwnSecretError::TooMany);
        }
        if known.len() >= super::MOST {
            return Err(SecretError::TooMany.into());
        }
        store::add(conn, name, &secret, &hint, &author.actor, now).await?;
        let ended = store::end_others(conn, name, &id, end).await?;
        let detail = json!({
            "secret": id, "hint": hint, "expires_at": expires_at.map(rfc3339), "by_itself": true,
            "others_end_at": rfc3339(end), "others": ended,
        });
        audit::record(ctx, conn, author.did("client.secret_added").client(name).detail(detail)).await?;
        let made = store::list(conn, name).await?.into_iter().find(|one| one.id == id);
        made.ok_or(OwnSecretError::Unknown)
    })
    .await?;
    Ok((known, value))
}

/// From now on `id` is refused. Not the one that proved the request: the client shows first that it has another.
///
/// # Errors
/// [`OwnSecretError`]; then nothing was changed.
pub async fn withdraw(
    ctx: &Ctx,
    author: &Author,
    client: &Client,
    proved_by: Option<&ClientSecretId>,
    id: &str,
) -> Result<(), OwnSecretError> {
    if proved_by.is_some_and(|used| used.as_str() == id) {
        return Err(OwnSecretError::InUse);
    }
    let name = &client.client_id;
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        permitted(conn, client).await?;
        let hint = store::revoke(conn, name, id).await?.ok_or(OwnSecretError::Unknown)?;
        let detail = json!({ "secret": id, "hint": hint, "by_itself": true });
        audit::record(ctx, conn, author.did("client.secret_withdrawn").client(name).detail(detail)).await?;
        Ok(())
    })
    .await
}

/// Those that it has, once it is sure that it may change them.
///
/// # Errors
/// as [`rotate`].
pub async fn list(ctx: &Ctx, client: &Client) -> Result<Vec<KnownSecret>, OwnSecretError> {
    if !client.settings.may_rotate_secret {
        return Err(OwnSecretError::NotAllowed);
    }
    Ok(store::list(&mut *ctx.db.acquire().await?, &client.client_id).await?)
}

async fn permitted(conn: &mut Conn, client: &Client) -> Result<Vec<KnownSecret>, OwnSecretError> {
    if !client.settings.may_rotate_secret {
        return Err(OwnSecretError::NotAllowed);
    }
    let name: &ClientId = &client.client_id;
    let kind = store::lock_client(conn, name).await?.ok_or_else(|| SecretError::UnknownClient(name.clone()))?;
    if !kind.is_confidential() {
        return Err(SecretError::Public(kind).into());
    }
    Ok(store::list(conn, name).await?)
}
