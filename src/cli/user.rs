//! `avouch user`: what an operator at the machine does to a person at once, by their `sub`.

use anyhow::{Context, bail};
use clap::Subcommand;

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::ids::UserId;
use crate::session::{EndedEverywhere, person};

#[derive(Subcommand, Debug)]
pub(super) enum User {
    /// End all sessions and refresh tokens of a person, and tell the applications
    SignOut { sub: String },
    /// The same, and let the person not come back
    Block { sub: String },
    /// Let a blocked person sign in again
    Unblock { sub: String },
}

impl User {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let (Self::SignOut { sub } | Self::Block { sub } | Self::Unblock { sub }) = &self;
            if !UserId::is_well_formed(sub) {
                bail!("{sub:?} is not the sub of a person: they begin with usr_");
            }
            let said = self.carry_out(&ctx, &UserId::from_stored(sub.clone())).await?;
            println!("{said}");
            Ok(())
        })
    }

    async fn carry_out(&self, ctx: &Ctx, sub: &UserId) -> anyhow::Result<String> {
        let author = Author { actor: "cli".into(), ..Author::system() };
        let ended = match self {
            Self::SignOut { .. } => person::sign_out(ctx, &author, sub).await?,
            Self::Block { .. } => person::block(ctx, &author, sub).await?,
            Self::Unblock { .. } if person::unblock(ctx, &author, sub).await? => {
                return Ok(format!("{sub} may sign in again"));
            }
            Self::Unblock { .. } => None,
        };
        ended.as_ref().map(told).with_context(|| format!("there is no user {sub}"))
    }
}

fn told(ended: &EndedEverywhere) -> String {
    format!("ended: {} sessions, {} grants of refresh tokens", ended.sessions.len(), ended.refresh_families)
}
