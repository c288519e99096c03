//! `avouch user`: what an operator at the machine does to a person at once, by their `sub`.

use anyhow::bail;
use clap::Subcommand;

use super::database::{self, Sharing};
use crate::audit::{self, Event};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::db::{self, Conn};
use crate::ids::UserId;
use crate::session::{self, EndedEverywhere};
use crate::user::{self, UserStatus};

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
        db::in_tx(&ctx.db, async |conn: &mut Conn| {
            if user::store::by_id(conn, sub).await?.is_none() {
                bail!("there is no user {sub}");
            }
            let (status, action) = match self {
                Self::SignOut { .. } => (None, "logout.everywhere"),
                Self::Block { .. } => (Some(UserStatus::Blocked), "user.blocked"),
                Self::Unblock { .. } => (Some(UserStatus::Active), "user.unblocked"),
            };
            let now = ctx.now();
            if let Some(status) = status {
                user::store::set_status(conn, sub, status, now).await?;
            }
            let mut event = Event::success(action, "cli").about(sub);
            let mut said = format!("{sub} may sign in again");
            if status != Some(UserStatus::Active) {
                let ended = session::everywhere(conn, sub, now).await?;
                event = event.detail(ended.detail());
                said = told(&ended);
            }
            audit::record(ctx, conn, event).await?;
            Ok(said)
        })
        .await
    }
}

fn told(ended: &EndedEverywhere) -> String {
    format!("ended: {} sessions, {} grants of refresh tokens", ended.sessions.len(), ended.refresh_families)
}
