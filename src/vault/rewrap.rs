//! Re-sealing every value under the newest master key, in batches, resumable: a value already under it is skipped.
//!
//! The way of a master key: a new line on top of the key file, all replicas restarted with it, `avouch keys rewrap`,
//! and the old line goes only when [`keys_in_use`] no longer names it.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::store::SealedColumn;
use super::{OpenError, Place, Sealed, Vault};
use crate::db::{self, Conn, Pool};
use crate::rng::Rng;

/// Values a transaction changes: few enough that no login waits for a lock.
const BATCH: i64 = 100;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    pub changed: u64,
    /// Already under the newest key, or changed by somebody else in the meantime.
    pub unchanged: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    #[error("rewrapping stopped: {0}; what is done stays done, run it again")]
    Database(#[from] sqlx::Error),
    #[error(
        "rewrapping stopped at {table}.{column} of row {row:?}: {cause}; what is done stays done, run it again after that"
    )]
    Open { table: &'static str, column: &'static str, row: String, cause: OpenError },
}

/// Seals every value anew that is under an older master key. Safe beside running replicas, and twice at once.
///
/// # Errors
/// [`RewrapError`] naming the row that does not open.
pub async fn rewrap(db: &Pool, vault: &Vault, rng: &Rng) -> Result<Rewrapped, RewrapError> {
    let mut total = Rewrapped::default();
    for column in SealedColumn::ALL {
        let mut after = String::new();
        loop {
            let batch = column.batch(&mut *db.acquire().await?, &after, BATCH).await?;
            let Some((last, _)) = batch.last() else { break };
            after.clone_from(last);
            let (changed, seen) = (rewrap_batch(db, vault, rng, column, &batch).await?, batch.len() as u64);
            total.changed += changed;
            total.unchanged += seen - changed;
        }
    }
    Ok(total)
}

async fn rewrap_batch(
    db: &Pool,
    vault: &Vault,
    rng: &Rng,
    column: SealedColumn,
    batch: &[(String, Sealed)],
) -> Result<u64, RewrapError> {
    let newest = vault.keyring().newest().0.as_str();
    let (table, name) = column.name();
    let mut renewed = Vec::new();
    for (row, old) in batch.iter().filter(|(_, sealed)| sealed.key_id() != Some(newest)) {
        let place = Place { table, column: name, row };
        let value = vault.open(place, old).map_err(|cause| RewrapError::Open {
            table,
            column: name,
            row: row.clone(),
            cause,
        })?;
        renewed.push((row, old, vault.seal(place, value.expose(), rng)));
    }
    if renewed.is_empty() {
        return Ok(0);
    }
    db::in_tx(db, async |conn| {
        let mut changed = 0;
        for (row, old, new) in &renewed {
            changed += u64::from(column.swap(conn, row, old, new).await?);
        }
        Ok(changed)
    })
    .await
}

/// The ids of the master keys that some stored value still needs. A key file without one of them does not open the vault.
///
/// # Errors
/// the database's.
pub async fn keys_in_use(conn: &mut Conn) -> Result<BTreeSet<String>, sqlx::Error> {
    Ok(super::store::every_key(conn).await?.into_keys().collect())
}

/// Notes the keys of this process's file, and says which key that is not among them some lasting value needs.
///
/// # Errors
/// the database's.
pub async fn missing_keys(conn: &mut Conn, vault: &Vault, now: OffsetDateTime) -> Result<Vec<String>, sqlx::Error> {
    let ids: Vec<_> = vault.keyring().ids().map(ToString::to_string).collect();
    let known = super::store::known_keys(conn).await?;
    if ids.iter().any(|id| !known.iter().any(|one| one.id == *id && one.first_at.is_some())) {
        super::store::given(conn, &ids, now).await?;
    }
    let missing = known.into_iter().filter(|one| one.values > 0 && vault.keyring().find(&one.id).is_none());
    Ok(missing.map(|one| one.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{Keyring, pepper};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn place(row: &str) -> Place<'_> {
        Place { table: "signing_keys", column: "sealed", row }
    }

    async fn insert(db: &Pool, row: &str, sealed: &Sealed) {
        sqlx::query(
            "INSERT INTO signing_keys (kid, alg, state, sealed, public_jwk, published_at, activated_at, ended_at)
             VALUES ($1, 'ES256', 'retired', $2, '{}', now(), now(), now())",
        )
        .bind(row)
        .bind(sealed)
        .execute(db)
        .await
        .unwrap();
    }

    #[sqlx::test]
    async fn every_value_moves_to_the_newest_key_and_the_old_one_may_go(db: Pool) {
        let rng = Rng::default();
        let old_line = Keyring::generate(&rng);
        let new_line = Keyring::generate(&rng).replace("k1:", "k2:");
        let open = async |text: String| pepper::open(&db, Keyring::parse(&text).unwrap(), &rng, NOW).await;
        let old = open(old_line.clone()).await.unwrap();
        for n in 0..250 {
            let row = format!("key{n}");
            insert(&db, &row, &old.seal(place(&row), b"private", &rng)).await;
        }
        let both = open(new_line.clone() + &old_line).await.unwrap();
        let fresh = both.seal(place("fresh"), b"private", &rng);
        insert(&db, "fresh", &fresh).await;
        let in_use =
            async || keys_in_use(&mut db.acquire().await.unwrap()).await.unwrap().into_iter().collect::<Vec<_>>();
        assert_eq!(in_use().await, ["k1", "k2"]);

        // 250 keys and the pepper
        assert_eq!(rewrap(&db, &both, &rng).await.unwrap(), Rewrapped { changed: 251, unchanged: 1 });
        assert_eq!(rewrap(&db, &both, &rng).await.unwrap(), Rewrapped { changed: 0, unchanged: 252 });
        assert_eq!(in_use().await, ["k2"]);
        let new = open(new_line).await.unwrap();
        assert_eq!(new.digest("x"), old.digest("x"), "the pepper is the same one");
        let batch = SealedColumn::SigningKey.batch(&mut db.acquire().await.unwrap(), "key24", 1).await.unwrap();
        assert_eq!(new.open(place(&batch[0].0), &batch[0].1).unwrap().expose(), b"private");
    }

    #[sqlx::test]
    async fn a_value_that_does_not_open_is_named_and_a_lost_race_overwrites_nothing(db: Pool) {
        let rng = Rng::default();
        let vault = Vault::new(Keyring::parse(&Keyring::generate(&rng)).unwrap(), &[0; 32]);
        let other = Keyring::parse(&Keyring::generate(&rng).replace("k1:", "k9:")).unwrap();
        let foreign = Vault::new(other, &[0; 32]).seal(place("foreign"), b"private", &rng);
        insert(&db, "foreign", &foreign).await;
        let error = rewrap(&db, &vault, &rng).await.unwrap_err().to_string();
        assert!(error.contains("signing_keys.sealed of row \"foreign\"") && error.contains("\"k9\""), "{error}");

        let (stale, new) = (vault.seal(place("foreign"), b"1", &rng), vault.seal(place("foreign"), b"2", &rng));
        let mut conn = db.acquire().await.unwrap();
        assert!(!SealedColumn::SigningKey.swap(&mut conn, "foreign", &stale, &new).await.unwrap());
    }
}
