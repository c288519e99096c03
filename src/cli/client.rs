//! `avouch client`: a new secret for a client, at the machine itself.

use clap::Subcommand;
use time::{Duration, OffsetDateTime};

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::client::{ClientId, secret};
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Client {
    /// Make a secret beside those it has, and print it this once
    RotateSecret {
        #[arg(value_name = "CLIENT")]
        client_id: String,
        /// Days that the new one counts; without it, for ever
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
        expires_in: Option<u16>,
    },
}

impl Client {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::RotateSecret { client_id, expires_in } = self;
        let client = ClientId::parse(&client_id)?;
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let end = expires_in.map(|days| ctx.now() + Duration::days(days.into()));
            let (made, value) = secret::add(&ctx, &Author::cli(), &client, end).await?;
            println!("{}", value.expose());
            let now = ctx.now();
            let known = secret::list(&mut *ctx.db.acquire().await?, &client).await?;
            for other in known.iter().filter(|one| one.id != made.id) {
                let used = other.last_used_at.map_or("never used".into(), |at| format!("last used {}", day(at)));
                let verdict = other.safe_to_retire(&known, now);
                let safe = if verdict.safe { "safe to retire" } else { "not yet safe to retire" };
                eprintln!("it counts on beside ...{} ({used}; {safe}: {})", other.hint, verdict.reason);
            }
            Ok(())
        })
    }
}

fn day(at: OffsetDateTime) -> String {
    at.date().to_string()
}
