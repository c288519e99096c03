//! `avouch snippet`: what to paste at a system that a client of ours is used at.

use anyhow::{Context as _, bail};
use clap::Args;

use super::database::{self, Sharing};
use crate::client::ClientId;
use crate::config::Config;
use crate::ids::UserId;
use crate::integration::{self, SYSTEMS};

#[derive(Args, Debug)]
pub(super) struct Snippet {
    #[arg(value_name = "CLIENT")]
    client_id: String,
    /// As `avouch preset` lists them
    #[arg(value_name = "SYSTEM")]
    system: String,
    /// The sub of somebody whom the system shall know beforehand; repeat it for more
    #[arg(long = "user", value_name = "SUB")]
    users: Vec<String>,
}

impl Snippet {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        let system = integration::named(&self.system).with_context(|| {
            let known = SYSTEMS.iter().map(|system| system.name).collect::<Vec<_>>().join(", ");
            format!("{:?} is no system that snippets are known for; there are {known}", self.system)
        })?;
        let client = ClientId::parse(&self.client_id)?;
        if let Some(wrong) = self.users.iter().find(|sub| !UserId::is_well_formed(sub)) {
            bail!("{wrong:?} is not the sub of a person: they begin with usr_");
        }
        let people: Vec<UserId> = self.users.into_iter().map(UserId::from_stored).collect();
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let mut conn = ctx.db.acquire().await?;
            let blocks = system.snippets_of(&mut conn, &config.urls, &client, &people).await?;
            println!(
                "{}",
                blocks.iter().map(integration::Block::commented).collect::<Vec<_>>().join("---\n").trim_end()
            );
            Ok(())
        })
    }
}
