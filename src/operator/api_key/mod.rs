//! Operator keys: what machines administer with. 256 random bits, so SHA-256 is enough and quick (see `secret`).

pub mod store;

use serde_json::json;
use time::OffsetDateTime;

use super::manage::may_grant;
use super::{OperatorError, OperatorRole};
use crate::audit::{self, Author};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::OperatorKeyId;
use crate::life::Verdict;
use crate::secret::{self, Kind, Secret};

#[derive(Clone, Debug)]
pub struct OperatorKey {
    pub id: OperatorKeyId,
    pub name: String,
    pub role: OperatorRole,
    /// The last characters, to recognise it by.
    pub hint: String,
    pub created_at: OffsetDateTime,
    /// As in audit: `operator:EMAIL`, `cli`.
    pub created_by: String,
    pub expires_at: Option<OffsetDateTime>,
    /// To a minute: uses are gathered and written now and then.
    pub last_used_at: Option<OffsetDateTime>,
    pub last_used_addr: Option<String>,
    /// As far as they were counted.
    pub uses: i64,
}

impl OperatorKey {
    pub fn has_ended(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it can be deleted without anybody noticing. Keys stand alone: no other one has to take over.
    pub fn safe_to_retire(&self, now: OffsetDateTime) -> Verdict {
        if self.has_ended(now) {
            return Verdict::safe("It has expired: whoever comes with it is refused already.");
        }
        let needed = Verdict::needed(self.last_used_at, self.last_used_addr.as_deref(), self.created_at, now);
        needed.unwrap_or_else(|| match self.last_used_at {
            Some(at) => Verdict::safe(format!("It was not used for {} days.", (now - at).whole_days())),
            None => Verdict::safe("It was never used."),
        })
    }
}

/// A new key and its value, which is nowhere else. `by` is the role of whoever makes it.
///
/// # Errors
/// [`OperatorError::KeyName`], [`OperatorError::KeyExists`], [`OperatorError::KeyEnded`], [`OperatorError::Grant`], and
/// the database's.
pub async fn create(
    ctx: &Ctx,
    author: &Author,
    by: OperatorRole,
    name: &str,
    role: OperatorRole,
    expires_at: Option<OffsetDateTime>,
) -> Result<(OperatorKey, Secret<String>), OperatorError> {
    may_grant(by, role)?;
    let (name, now) = (name.trim(), ctx.now());
    if !(1..=100).contains(&name.len()) || name.contains(char::is_control) {
        return Err(OperatorError::KeyName);
    }
    if let Some(end) = expires_at.filter(|end| *end <= now) {
        return Err(OperatorError::KeyEnded(end));
    }
    let value = secret::mint(Kind::OperatorKey, &ctx.rng);
    let key = OperatorKey {
        id: OperatorKeyId::new(now, &ctx.rng),
        name: name.into(),
        role,
        hint: value.expose()[value.expose().len() - 4..].into(),
        created_at: now,
        created_by: author.actor.clone(),
        expires_at,
        last_used_at: None,
        last_used_addr: None,
        uses: 0,
    };
    let hash = secret::fingerprint(value.expose());
    let stored = db::in_tx(&ctx.db, async |conn: &mut Conn| {
        store::insert(conn, &key, hash).await?;
        let detail = json!({ "about": name, "role": role, "expires_at": expires_at.map(|end| end.unix_timestamp()) });
        audit::record(ctx, conn, author.did("operator_key.created").detail(detail)).await
    });
    match stored.await {
        Ok(()) => Ok((key, value)),
        Err(error) if db::on_constraint(&error, "operator_keys_name_key") => Err(OperatorError::KeyExists(name.into())),
        Err(error) => Err(error.into()),
    }
}

/// From then on it opens nothing.
///
/// # Errors
/// [`OperatorError::Gone`] and the database's.
pub async fn delete(ctx: &Ctx, author: &Author, id: &OperatorKeyId) -> Result<(), OperatorError> {
    db::in_tx(&ctx.db, async |conn: &mut Conn| {
        let key = store::delete(conn, id).await?.ok_or(OperatorError::Gone)?;
        let detail = json!({ "about": key.name, "role": key.role });
        audit::record(ctx, conn, author.did("operator_key.deleted").detail(detail)).await?;
        Ok(())
    })
    .await
}

/// The key that `value` is, unless it has expired. Garbage costs no database read. The caller notes that it was used.
///
/// # Errors
/// the database's.
pub async fn authenticate(ctx: &Ctx, value: &str) -> Result<Option<OperatorKey>, sqlx::Error> {
    if !secret::is_well_formed(Kind::OperatorKey, value) {
        return Ok(None);
    }
    let mut conn = ctx.db.acquire().await?;
    let key = store::by_token(&mut conn, secret::fingerprint(value)).await?;
    Ok(key.filter(|key| !key.has_ended(ctx.now())))
}
