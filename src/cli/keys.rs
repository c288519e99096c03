//! `avouch keys`: the signing keys, and re-sealing everything under a new master key.

use clap::Subcommand;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::config::Config;
use crate::jose::Alg;
use crate::signing_key::{self, consumer};
use crate::vault::{rewrap, store};

#[derive(Subcommand, Debug)]
pub(super) enum Keys {
    /// Show the signing keys and where they are in their life
    List,
    /// Let the next key sign, the active one retire, and publish a new next one
    Rotate {
        #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = algorithm)]
        alg: Alg,
        /// Even though consumers may not have the next key yet
        #[arg(long)]
        now: bool,
    },
    /// Show the master keys, how many stored values each seals, and whether its line may go
    Master,
    /// Seal every stored secret under the newest master key; can be interrupted and run again
    Rewrap,
}

impl Keys {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            match self {
                Self::List => {
                    let mut conn = ctx.db.acquire().await?;
                    let (keys, consumers) = (signing_key::list(&mut conn).await?, consumer::list(&mut conn).await?);
                    println!(
                        "{:6}  {:9}  {:20}  {:20}  {:43}  SAFE TO RETIRE",
                        "ALG", "STATE", "PUBLISHED", "SIGNS SINCE", "KID"
                    );
                    for key in &keys {
                        let since = key.activated_at.map(second).unwrap_or_default();
                        let (alg, state, published) = (key.alg.as_str(), key.state.as_str(), second(key.published_at));
                        let verdict = key.safe_to_retire(&keys, &consumers, ctx.now()).map(|one| one.to_string());
                        let verdict = verdict.unwrap_or_default();
                        let line = format!("{alg:6}  {state:9}  {published:20}  {since:20}  {:43}  {verdict}", key.kid);
                        println!("{}", line.trim_end());
                    }
                }
                Self::Master => {
                    let (mut conn, keyring) = (ctx.db.acquire().await?, ctx.vault.keyring());
                    let (known, every) = (store::known_keys(&mut conn).await?, store::every_key(&mut conn).await?);
                    println!("{:32}  {:20}  {:8}  SAFE TO RETIRE", "ID", "SINCE", "VALUES");
                    for key in known {
                        let values = every.get(&key.id).copied().unwrap_or_default();
                        let since = key.first_at.map(second).unwrap_or_default();
                        let verdict = key.safe_to_retire(keyring, Some(values)).map(|one| one.to_string());
                        let verdict = verdict.unwrap_or_else(|| "seals what is stored from now on".into());
                        println!("{:32}  {since:20}  {values:<8}  {verdict}", key.id);
                    }
                }
                Self::Rotate { alg, now } => {
                    signing_key::ensure(&ctx).await?;
                    let regardless = now.then_some("--now");
                    let done = signing_key::rotate(&ctx, &Author::system(), alg, regardless).await?;
                    println!("{alg}: {} signs now, {} is published next", done.active, done.next);
                    if let Some(kid) = done.retiring {
                        println!(
                            "{alg}: {kid} signs no more and stays published until the last token it signed has ended"
                        );
                    }
                }
                Self::Rewrap => {
                    let done = rewrap::rewrap(&ctx.db, &ctx.vault, &ctx.rng).await?;
                    let (newest, _) = ctx.vault.keyring().newest();
                    println!("{} values sealed under {newest}, {} were already", done.changed, done.unchanged);
                    let used = rewrap::keys_in_use(&mut *ctx.db.acquire().await?).await?;
                    for id in ctx.vault.keyring().ids().filter(|id| !used.contains(id.as_str())) {
                        println!("no value needs the master key {id} any more: its line may go");
                    }
                }
            }
            Ok(())
        })
    }
}

fn algorithm(text: &str) -> Result<Alg, String> {
    Alg::parse(text).ok_or_else(|| "write RS256, PS256, ES256 or EdDSA".into())
}

/// Whole seconds in UTC.
fn second(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}
