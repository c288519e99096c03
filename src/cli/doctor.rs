//! `avouch doctor`: whether the broker is well, and whether a client will work at a system. Exit code 1: something will break.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::broker::Broker;
use crate::client::ClientId;
use crate::config::Config;
use crate::doctor::{self, Expected, State, Wanted};
use crate::ids::UserId;
use crate::session::Lifetimes;
use crate::signing_key;
use crate::telemetry::Metrics;

#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// A client, whose requests are sent and whose tokens are judged; without it, the broker itself
    #[arg(long = "client", value_name = "ID")]
    client: Option<String>,
    /// By whose rules, like kubernetes; without it, what the client looks like
    #[arg(long, value_name = "NAME", requires = "client")]
    system: Option<String>,
    /// The sub of somebody whose claims are judged; without it, somebody made up
    #[arg(long = "user", value_name = "SUB", requires = "client")]
    user: Option<String>,
    /// The issuer as it is set at the system
    #[arg(long, value_name = "URL", requires = "client")]
    expect_issuer: Option<String>,
    /// The audience as it is set at the system
    #[arg(long, value_name = "AUD", requires = "client")]
    expect_audience: Option<String>,
    /// Where the system looks for groups, if not in groups
    #[arg(long, value_name = "CLAIM", requires = "client")]
    groups_claim: Option<String>,
    /// The findings as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let client = self.client.as_deref().map(ClientId::parse).transpose()?;
        if let Some(wrong) = self.user.as_deref().filter(|sub| !UserId::is_well_formed(sub)) {
            bail!("{wrong:?} is not the sub of a person: they begin with usr_");
        }
        let wanted = Wanted {
            system: self.system,
            person: self.user.map(UserId::from_stored),
            expected: Expected {
                issuer: self.expect_issuer,
                audience: self.expect_audience,
                groups_claim: self.groups_claim,
            },
        };
        let report = database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            signing_key::ensure(&ctx).await.context("cannot prepare the signing keys")?;
            let broker = Broker::load(ctx, Metrics::default(), Lifetimes::default()).await?;
            Ok(match &client {
                Some(client) => doctor::examine(&broker, &Author::cli(), client, &wanted).await?,
                None => doctor::examine_broker(&broker).await,
            })
        })?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            println!("{report}");
        }
        Ok(if report.state == State::Failure { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
