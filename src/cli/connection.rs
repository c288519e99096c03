//! `avouch connection`: what is done to one connection and no resource file says.

use clap::Subcommand;

use super::sp_keys::SpKeys;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Connection {
    /// Our own keys at a SAML connection
    #[command(subcommand)]
    SpKeys(SpKeys),
}

impl Connection {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::SpKeys(command) => command.run(config),
        }
    }
}
