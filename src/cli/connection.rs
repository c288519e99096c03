//! `avouch connection`: what an operator does to one connection between two resource files.

use anyhow::Context as _;
use clap::Subcommand;

use super::certificates::Certificates;
use super::database::{self, Sharing};
use super::sp_keys::SpKeys;
use crate::config::Config;
use crate::connection::certificate::fingerprint;
use crate::connection::metadata::schedule::Why;
use crate::connection::{self, Connection as Stored, Slug};
use crate::db::Conn;
use crate::metadata::{Refreshed, refresh};

#[derive(Subcommand, Debug)]
pub(super) enum Connection {
    /// The certificates by which a SAML identity provider proves its answers
    #[command(subcommand)]
    Certificates(Certificates),
    /// Our own keys at a SAML connection
    #[command(subcommand)]
    SpKeys(SpKeys),
    /// Ask a SAML identity provider for its metadata now
    Refresh { slug: String },
}

impl Connection {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Certificates(certificates) => certificates.run(config),
            Self::SpKeys(command) => command.run(config),
            Self::Refresh { slug } => refreshed(config, &slug),
        }
    }
}

fn refreshed(config: &Config, slug: &str) -> anyhow::Result<()> {
    database::with_ctx(config, Sharing::WithRunning, async |ctx| {
        let connection = stored(&mut *ctx.db.acquire().await?, slug).await?;
        let done = refresh(&ctx, &connection, Why::Asked).await;
        let done =
            done.with_context(|| format!("the metadata of {slug} was not taken, and what is stored stays in use"))?;
        let Refreshed::Taken(following) = done else {
            println!("{slug}: the metadata is what it was");
            return Ok(());
        };
        if !following.changes_something() {
            println!("{slug}: the metadata was read; its certificates are those that are known");
        }
        let revived = following.revive.iter().map(|one| &one.facts);
        for facts in following.add.iter().chain(revived) {
            println!("{slug}: trusts SHA-256 {} from now on", fingerprint(&facts.sha256));
        }
        for certificate in &following.retire {
            println!("{slug}: retired SHA-256 {}, which the metadata names no more", fingerprint(&certificate.sha256));
        }
        for certificate in &following.kept_as_last {
            println!(
                "{slug}: SHA-256 {} is not in the metadata any more; it stays, for it is the last",
                fingerprint(&certificate.sha256)
            );
        }
        for facts in &following.distrusted {
            println!(
                "{slug}: SHA-256 {} is new in the metadata and not trusted (trust_metadata: false); compare it with the \
                 provider's administrator, then add it",
                fingerprint(&facts.sha256)
            );
        }
        for certificate in &following.stays_retired {
            println!("{slug}: SHA-256 {} stays retired: a person retired it", fingerprint(&certificate.sha256));
        }
        Ok(())
    })
}

pub(super) async fn stored(conn: &mut Conn, slug: &str) -> anyhow::Result<Stored> {
    let found = connection::store::by_slug(conn, &Slug::parse(slug)?).await?;
    found.with_context(|| format!("there is no connection {slug}; `avouch export` shows what there is"))
}
