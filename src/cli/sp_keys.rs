//! `avouch connection sp-keys`: replacing the keys by which a SAML connection signs and is encrypted to, without a failed
//! sign-in: add, let the identity provider read our metadata, promote, and later retire.

use clap::{Args, Subcommand, ValueEnum};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::database::{self, Sharing};
use crate::audit::Author;
use crate::config::Config;
use crate::connection::{KeyUse, Slug};
use crate::connection::{key_rotation, sp_key};
use crate::ctx::Ctx;
use crate::upstream::saml::TrustedCertificate;

#[derive(Subcommand, Debug)]
pub(super) enum SpKeys {
    /// Show the keys and where they are in their life
    List { slug: String },
    /// Publish next keys in the connection's metadata; they do nothing yet
    Add(Which),
    /// Let the next keys take over; what was encrypted to those before is still read
    Promote(Which),
    /// End the retiring keys: what was encrypted to them is refused from now on
    Retire {
        #[command(flatten)]
        which: Which,
        /// This key alone, whether it retires or is a next one that must not come
        #[arg(long, value_name = "ID", conflicts_with = "use")]
        key: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(super) struct Which {
    slug: String,
    /// Keys of this use only, instead of both
    #[arg(long = "use", id = "use", value_enum)]
    usage: Option<Use>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Use {
    Signing,
    Encryption,
}

impl Which {
    fn slug(&self) -> anyhow::Result<Slug> {
        Ok(Slug::parse(&self.slug)?)
    }

    fn usage(&self) -> Option<KeyUse> {
        self.usage.map(|usage| match usage {
            Use::Signing => KeyUse::Signing,
            Use::Encryption => KeyUse::Encryption,
        })
    }

    fn uses(&self) -> Vec<KeyUse> {
        self.usage().map_or_else(|| KeyUse::ALL.to_vec(), |usage| vec![usage])
    }
}

impl SpKeys {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<()> {
        database::with_ctx(config, Sharing::WithRunning, async |ctx| match self {
            Self::List { slug } => list(&ctx, &Slug::parse(&slug)?).await,
            Self::Add(which) => add(&ctx, &which).await,
            Self::Promote(which) => promote(&ctx, &which).await,
            Self::Retire { which, key } => retire(&ctx, &which, key.as_deref()).await,
        })
    }
}

async fn list(ctx: &Ctx, slug: &Slug) -> anyhow::Result<()> {
    let (mut conn, now) = (ctx.db.acquire().await?, ctx.now());
    let keys = sp_key::list(&mut conn, slug).await?;
    let known = key_rotation::list(&mut conn, slug).await?;
    let [usage, state, made, expires, id] = ["USE", "STATE", "MADE", "EXPIRES", "ID"];
    let [sha256, uses, last] = ["CERTIFICATE SHA-256", "USES", "LAST USED"];
    println!(
        "{usage:10}  {state:8}  {made:20}  {expires:20}  {id:30}  {sha256:64}  {uses:6}  {last:20}  SAFE TO RETIRE"
    );
    for key in keys {
        let used = known.iter().find(|one| one.id == key.id);
        let usage = key.key_use().map_or("both", KeyUse::as_str);
        let expires = key.expires_at.map(second).unwrap_or_default();
        let last = used.and_then(|used| used.last_used_at).map_or_else(|| "never".into(), second);
        let uses = used.map_or(0, |used| used.uses);
        let verdict = used.and_then(|used| used.safe_to_retire(&known, now)).map(|verdict| verdict.to_string());
        let certificate = key.public.as_ref().and_then(|p| TrustedCertificate::from_der(&p.certificate).ok());
        let sha256 = certificate.as_ref().map(TrustedCertificate::sha256).unwrap_or_default();
        let (state, made, id) = (key.state.as_str(), second(key.created_at), key.id.as_str());
        let line = format!(
            "{usage:10}  {state:8}  {made:20}  {expires:20}  {id:30}  {sha256:64}  {uses:<6}  {last:20}  {}",
            verdict.unwrap_or_default()
        );
        println!("{}", line.trim_end());
    }
    Ok(())
}

async fn add(ctx: &Ctx, which: &Which) -> anyhow::Result<()> {
    let slug = which.slug()?;
    for (usage, id) in sp_key::add(ctx, &Author::cli(), &slug, &which.uses()).await? {
        println!("{}: {id} is published next", usage.as_str());
    }
    println!("let the identity provider read {} again, then promote", ctx.urls.sp_metadata(slug.as_str()));
    Ok(())
}

async fn promote(ctx: &Ctx, which: &Which) -> anyhow::Result<()> {
    for (usage, done) in sp_key::take_over(ctx, &Author::cli(), &which.slug()?, &which.uses()).await? {
        println!("{}: {} is in use now", usage.as_str(), done.active);
        if let Some(id) = done.retiring {
            println!("{}: {id} retires; retire it when the identity provider does not use it any more", usage.as_str());
        }
    }
    Ok(())
}

async fn retire(ctx: &Ctx, which: &Which, key: Option<&str>) -> anyhow::Result<()> {
    for id in sp_key::end(ctx, &Author::cli(), &which.slug()?, which.usage(), key).await? {
        println!("{id} is retired: what is encrypted to it is refused");
    }
    Ok(())
}

/// Whole seconds in UTC.
fn second(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}
