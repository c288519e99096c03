//! `avouch user`: what an operator at the machine does to a person at once, by their `sub`.

use anyhow::{Context, bail};
use clap::Subcommand;

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::broker::Broker;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::ids::UserId;
use crate::overage::inquiry;
use crate::session::{EndedEverywhere, Lifetimes, person};
use crate::telemetry::Metrics;
use crate::{signing_key, user};

#[derive(Subcommand, Debug)]
pub(super) enum User {
    /// End all sessions and refresh tokens of a person, and tell the applications
    SignOut { sub: String },
    /// The same, and let the person not come back
    Block { sub: String },
    /// Let a blocked person sign in again
    Unblock { sub: String },
    /// Ask Entra's directory for the groups of a person now
    Groups { sub: String },
}

impl User {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let (Self::SignOut { sub } | Self::Block { sub } | Self::Unblock { sub } | Self::Groups { sub }) = &self;
            if !UserId::is_well_formed(sub) {
                bail!("{sub:?} is not the sub of a person: they begin with usr_");
            }
            let sub = UserId::from_stored(sub.clone());
            if let Self::Groups { .. } = self {
                return ask_for_groups(ctx, &sub).await;
            }
            println!("{}", self.carry_out(&ctx, &sub).await?);
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
            Self::Unblock { .. } | Self::Groups { .. } => None,
        };
        ended.as_ref().map(told).with_context(|| format!("there is no user {sub}"))
    }
}

async fn ask_for_groups(ctx: Ctx, sub: &UserId) -> anyhow::Result<()> {
    let known = user::store::by_id(&mut *ctx.db.acquire().await?, sub).await?;
    let known = known.with_context(|| format!("there is no user {sub}"))?;
    signing_key::ensure(&ctx).await.context("cannot prepare the signing keys")?;
    let broker = Broker::load(ctx, Metrics::default(), Lifetimes::default()).await?;
    let standings = inquiry::standings(&broker, sub).await?;
    if standings.is_empty() {
        bail!("{sub} has no identity at Entra ID by OpenID Connect: no other provider has a directory to ask");
    }
    for one in standings {
        let slug = &one.connection.slug;
        match &one.kept {
            Some(kept) => println!("{slug}: {} groups were kept, asked at {}", kept.count, kept.fetched_at),
            None => println!("{slug}: the last token had room for the groups, or nobody has come yet"),
        }
        let answer = inquiry::ask(&broker, &Author::cli(), &known, &one).await?;
        let answer = answer.with_context(|| format!("{slug}: the directory did not say"))?;
        let (new, gone) = (answer.new.len(), answer.gone.len());
        println!(
            "{slug}: {} groups now, {new} new and {gone} gone beside today's tokens; groups will hold:",
            answer.count
        );
        answer.groups.iter().for_each(|group| println!("  {group}"));
        answer.warning.iter().for_each(|warning| println!("the mapping says: {warning}"));
    }
    Ok(())
}

fn told(ended: &EndedEverywhere) -> String {
    format!("ended: {} sessions, {} grants of refresh tokens", ended.sessions.len(), ended.refresh_families)
}
