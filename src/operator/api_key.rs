//! Operator keys: what machines administer with. 256 random bits, so SHA-256 is enough and quick (see `secret`).

use time::OffsetDateTime;

use super::{OperatorError, OperatorRole, store};
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::OperatorKeyId;
use crate::secret::{self, Kind, Secret};

#[derive(Clone, Debug)]
pub struct OperatorKey {
    pub id: OperatorKeyId,
    pub name: String,
    pub role: OperatorRole,
    /// The last characters, to recognise it by.
    pub hint: String,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
}

/// A new key and its value, which is nowhere else.
///
/// # Errors
/// [`OperatorError::KeyName`], [`OperatorError::KeyExists`], and the database's.
pub async fn create(
    ctx: &Ctx,
    name: &str,
    role: OperatorRole,
    expires_at: Option<OffsetDateTime>,
) -> Result<(OperatorKey, Secret<String>), OperatorError> {
    let name = name.trim();
    if !(1..=100).contains(&name.len()) || name.contains(char::is_control) {
        return Err(OperatorError::KeyName);
    }
    let value = secret::mint(Kind::OperatorKey, &ctx.rng);
    let now = ctx.now();
    let key = OperatorKey {
        id: OperatorKeyId::new(now, &ctx.rng),
        name: name.into(),
        role,
        hint: value.expose()[value.expose().len() - 4..].into(),
        created_at: now,
        expires_at,
    };
    let hash = secret::fingerprint(value.expose());
    match db::in_tx(&ctx.db, async |conn: &mut Conn| store::insert_key(conn, &key, hash).await).await {
        Ok(()) => Ok((key, value)),
        Err(error) if db::on_constraint(&error, "operator_keys_name_key") => Err(OperatorError::KeyExists(name.into())),
        Err(error) => Err(error.into()),
    }
}

/// The key that `value` is, unless it has expired. Garbage costs no database read.
///
/// # Errors
/// the database's.
pub async fn authenticate(ctx: &Ctx, value: &str) -> Result<Option<OperatorKey>, sqlx::Error> {
    if !secret::is_well_formed(Kind::OperatorKey, value) {
        return Ok(None);
    }
    let now = ctx.now();
    let mut conn = ctx.db.acquire().await?;
    store::use_key(&mut conn, secret::fingerprint(value), now).await
}
