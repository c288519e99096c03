//! `avouch demo`: which parts run, and where their state is kept.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::database::{self, Sharing};
use crate::config::{Config, MasterKeyFile};
use crate::demo::{self, Ports};

#[derive(Args, Debug)]
pub(super) struct Demo {
    /// Start from nothing in a temporary directory and leave nothing behind; the data directory is not touched
    #[arg(long)]
    fresh: bool,
    /// Run one part only, for containers
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Of the demo identity provider, beside the broker's address
    #[arg(long, value_name = "PORT", default_value_t = Ports::default().idp)]
    idp_port: u16,
    /// Of the demo SAML identity provider, beside the broker's address
    #[arg(long, value_name = "PORT", default_value_t = Ports::default().saml_idp)]
    saml_idp_port: u16,
    /// Of the sample application, beside the broker's address
    #[arg(long, value_name = "PORT", default_value_t = Ports::default().app)]
    app_port: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    Broker,
    Idp,
    SamlIdp,
    App,
}

impl Demo {
    pub(super) fn run(&self, mut config: Config) -> anyhow::Result<()> {
        if self.fresh && (config.database_url.is_some() || self.only.is_some()) {
            anyhow::bail!(
                "--fresh is for the whole demo with its embedded database: leave out --only and AVOUCH_DATABASE_URL"
            );
        }
        let scratch = self.fresh.then(Scratch::make).transpose()?;
        if let Some(scratch) = &scratch {
            config.data_dir = scratch.0.clone();
            if let MasterKeyFile::Generated(path) = &mut config.master_key {
                *path = scratch.0.join("master.key");
            }
        }
        let ports = Ports { idp: self.idp_port, saml_idp: self.saml_idp_port, app: self.app_port };
        match self.only {
            None => database::with_ctx(&config, Sharing::Alone, async |ctx| {
                demo::everything(config.clone(), ctx, ports).await
            }),
            Some(Part::Broker) => {
                database::with_ctx(&config, Sharing::Alone, async |ctx| demo::broker(config.clone(), ctx, ports).await)
            }
            Some(Part::Idp) => actix_web::rt::System::new().block_on(demo::idp(config, ports)),
            Some(Part::SamlIdp) => actix_web::rt::System::new().block_on(demo::saml_idp(config, ports)),
            Some(Part::App) => actix_web::rt::System::new().block_on(demo::app(config, ports)),
        }
    }
}

/// A directory that is gone when the demo ends.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("avouch-demo-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
