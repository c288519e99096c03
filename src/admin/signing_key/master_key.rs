//! The master keys as the page tells of them: age, and what still needs them.

use crate::admin::when::When;
use crate::ctx::Ctx;
use crate::db::Conn;
use crate::life::Verdict;
use crate::vault::{KnownKey, store};

pub struct MasterKeyRow {
    pub id: String,
    /// Since when a process has had it.
    pub since: Option<When>,
    pub values: i64,
    pub state: &'static str,
    pub said: &'static str,
    pub verdict: Option<Verdict>,
}

/// The newest first.
pub async fn rows(ctx: &Ctx, conn: &mut Conn) -> Result<Vec<MasterKeyRow>, sqlx::Error> {
    let known = store::known_keys(conn).await?;
    let (keyring, now) = (ctx.vault.keyring(), ctx.now());
    let newest = keyring.newest().0.as_str();
    let told = |one: KnownKey| {
        let here = keyring.find(&one.id).is_some();
        let (state, said) = match (one.id == newest, here, one.values) {
            (true, ..) => ("active", "Seals what is stored from now on"),
            (_, true, 0) => ("retiring", "Opens what it sealed"),
            (_, true, _) => ("expiring", "Still needed"),
            (_, false, 0) => ("retired", "Taken out of the key file"),
            (_, false, _) => ("refused", "Needed, and not in the key file of this process"),
        };
        MasterKeyRow {
            verdict: one.safe_to_retire(keyring, None),
            since: one.first_at.map(|at| When::new(at, now)),
            values: one.values,
            id: one.id,
            state,
            said,
        }
    };
    Ok(known.into_iter().map(told).collect())
}
