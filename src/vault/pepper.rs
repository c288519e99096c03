//! Opening the vault: the pepper is made at the first start and unsealed at every later one, which proves the master key.

use super::{Keyring, OpenError, Place, Vault, sealed, store};
use crate::db::{self, Pool};
use crate::rng::Rng;
use time::OffsetDateTime;

pub(super) const PLACE: Place<'static> = Place { table: "vault_pepper", column: "sealed", row: "1" };

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the master key does not fit this database: {0}")]
    WrongKey(#[from] OpenError),
    #[error("cannot read the vault from the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// # Errors
/// [`VaultError::WrongKey`] when the database was sealed under another master key.
pub async fn open(db: &Pool, keyring: Keyring, rng: &Rng, now: OffsetDateTime) -> Result<Vault, VaultError> {
    let fresh = sealed::seal(&keyring, PLACE, &rng.bytes::<32>(), rng);
    let stored = db::in_tx(db, async |conn| store::pepper_or(conn, &fresh, now).await).await?;
    let pepper = sealed::open(&keyring, PLACE, &stored)?;
    let pepper: &[u8; 32] = pepper.expose().as_slice().try_into().map_err(|_| OpenError::Changed)?;
    Ok(Vault::new(keyring, pepper))
}
