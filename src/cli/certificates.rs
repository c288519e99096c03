//! `avouch connection certificates`: shows, adds, promotes and retires what a SAML identity provider signs with.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::connection::stored;
use super::database::{self, Sharing};
use crate::audit::Author;
use crate::config::Config;
use crate::connection::certificate::{self, Certificate, Facts, Origin, Source, fingerprint};
use crate::connection::{Connection, Protocol};
use crate::db::{self, Conn};
use crate::upstream::saml::TrustedCertificate;

#[derive(Subcommand, Debug)]
pub(super) enum Certificates {
    /// Show them with their state, end, source, when an answer was last signed with them, and fingerprint
    List { slug: String },
    /// Trust one more, beside those in use: the provider may sign with it from now on
    Add {
        slug: String,
        /// PEM, DER or bare base64; - reads standard input
        file: PathBuf,
    },
    /// Say that the provider signs with it by now; the first login signed with it does that by itself
    Promote {
        slug: String,
        /// Its fingerprint, or the beginning of it
        certificate: String,
    },
    /// Trust it no more, whatever the metadata or a resource file say
    Retire {
        slug: String,
        /// Its fingerprint, or the beginning of it
        certificate: String,
    },
}

impl Certificates {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        database::with_ctx(config, Sharing::WithRunning, async |ctx| {
            let author = Author::cli();
            let by_hand = Origin { source: Source::Manual, author: &author };
            let now = ctx.now();
            let done = match self {
                Self::List { slug } => {
                    let connection = saml(&mut *ctx.db.acquire().await?, &slug).await?;
                    list(&connection, now);
                    return Ok(());
                }
                Self::Add { slug, file } => {
                    let facts = read(&file)?;
                    if facts.not_after <= now {
                        println!(
                            "note: it is past its date ({}); it verifies all the same unless the connection says enforce_certificate_dates",
                            second(facts.not_after)
                        );
                    }
                    let added = db::in_tx(&ctx.db, async |conn: &mut Conn| {
                        let connection = saml(conn, &slug).await?;
                        anyhow::Ok(certificate::add(&ctx, conn, &connection, facts, by_hand).await?)
                    });
                    let added = added.await?;
                    let what = if added.was_known { "is known already" } else { "is trusted from now on" };
                    (slug, added.certificate, what)
                }
                Self::Promote { slug, certificate } => {
                    let promoted = db::in_tx(&ctx.db, async |conn: &mut Conn| {
                        let connection = saml(conn, &slug).await?;
                        anyhow::Ok(certificate::promote(&ctx, conn, &connection, &certificate, by_hand).await?)
                    });
                    let promoted = promoted.await?;
                    (slug, promoted, "is in use")
                }
                Self::Retire { slug, certificate } => {
                    let retired = db::in_tx(&ctx.db, async |conn: &mut Conn| {
                        let connection = saml(conn, &slug).await?;
                        anyhow::Ok(certificate::retire(&ctx, conn, &connection, &certificate, by_hand).await?)
                    });
                    let retired = retired.await?;
                    (slug, retired, "is retired and verifies nothing any more")
                }
            };
            let (slug, certificate, what) = done;
            println!("{slug}: certificate SHA-256 {} {what}", fingerprint(&certificate.sha256));
            Ok(())
        })
    }
}

async fn saml(conn: &mut Conn, slug: &str) -> anyhow::Result<Connection> {
    let connection = stored(conn, slug).await?;
    match connection.protocol {
        Protocol::Saml(_) => Ok(connection),
        Protocol::Oidc(_) => {
            anyhow::bail!("{slug} speaks OpenID Connect: its provider's keys come by its JWKS, not by hand")
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Facts> {
    let name = file.display();
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        bytes = std::fs::read(file).with_context(|| format!("{name} cannot be read"))?;
    }
    let certificate = match std::str::from_utf8(&bytes) {
        Ok(text) => TrustedCertificate::from_text(text),
        Err(_) => TrustedCertificate::from_der(&bytes),
    };
    let certificate = certificate.with_context(|| format!("{name} is not one usable certificate"))?;
    Ok(Facts::from(&certificate))
}

fn list(connection: &Connection, now: OffsetDateTime) {
    let (state, source, seen) = ("STATE", "SOURCE", "LAST SEEN SIGNING");
    println!("{state:7}  {:20}  {:>14}  {source:8}  {seen:20}  {:5}  SHA-256", "NOT AFTER", "IN DAYS", "KEY");
    for certificate in &connection.certificates {
        println!("{}", line(certificate, now));
    }
    if !connection.certificates.iter().any(Certificate::is_usable) {
        println!("none is usable: nobody can sign in");
    }
}

fn line(certificate: &Certificate, now: OffsetDateTime) -> String {
    let days = (certificate.not_after - now).whole_days();
    let left = if certificate.not_after <= now { format!("EXPIRED {}", -days) } else { days.to_string() };
    let seen = certificate.last_seen_at.map_or_else(|| "never".to_owned(), second);
    let key = match certificate.key_type {
        "rsa" => format!("R{}", certificate.key_bits),
        _ => format!("P{}", certificate.key_bits),
    };
    format!(
        "{:7}  {:20}  {left:>14}  {:8}  {seen:20}  {key:5}  {}",
        certificate.state.as_str(),
        second(certificate.not_after),
        certificate.source.as_str(),
        fingerprint(&certificate.sha256)
    )
}

/// Whole seconds in UTC.
fn second(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}
