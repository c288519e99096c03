//! `avouch keys`: the signing keys, and re-sealing everything under a new master key.

use clap::Subcommand;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::config::Config;
use crate::jose::Alg;
use crate::signing_key;
use crate::vault::rewrap;

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
    /// Seal every stored secret under the newest master key; can be interrupted and run again
    Rewrap,
}

impl Keys {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            match self {
                Self::List => {
                    let keys = signing_key::list(&mut *ctx.db.acquire().await?).await?;
                    println!("{:6}  {:9}  {:20}  {:20}  KID", "ALG", "STATE", "PUBLISHED", "SIGNS SINCE");
                    for key in keys {
                        let since = key.activated_at.map(second).unwrap_or_default();
                        let (alg, state) = (key.alg.as_str(), key.state.as_str());
                        println!("{alg:6}  {state:9}  {:20}  {since:20}  {}", second(key.published_at), key.kid);
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
