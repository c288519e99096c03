//! `avouch demo`: what a newcomer needs to look around on one machine. Not part of the product: nothing but the command
//! line knows this folder, and `avouch serve` never comes here. The identity providers and the sample application play
//! the other parties of a sign-in; they meet the broker over HTTP only, as anybody's would.
//!
//! | part | plays | address |
//! |---|---|---|
//! | [`broker()`] | Avouch itself, with a page at `/` that says what to click | the configured issuer |
//! | [`idp()`] | a company's OpenID provider with three people | `http://localhost:8081` |
//! | [`saml_idp()`] | another company, Fabrikam, with a SAML identity provider | `http://localhost:8083` |
//! | [`app()`] | a web application that signs people in with Avouch | `http://localhost:8082` |

mod app;
mod banner;
mod company;
mod front;
mod idp;
mod part;
mod person;
mod places;
mod provision;
mod saml_idp;
mod secrets;

use crate::config::Config;
use crate::ctx::Ctx;
use crate::server;
use banner::Banner;
use places::Places;
pub use places::Ports;
use secrets::Secrets;

/// All parts in one process, until SIGINT or SIGTERM.
///
/// # Errors
/// one line each: a port that is taken, a data directory that cannot be written, and what [`server::start`] says.
pub async fn everything(config: Config, ctx: Ctx, ports: Ports) -> anyhow::Result<()> {
    let places = Places::new(&config, ports)?;
    let secrets = Secrets::open(&config.data_dir, &ctx.rng)?;
    let idp = idp::start(&places, &secrets)?;
    let saml_idp = saml_idp::start(&places, &secrets)?;
    let app = app::start(&places, &secrets)?;
    let provisioned = provision::apply(&config, &ctx, &places).await?;
    let broker = server::start_behind(front::routes(&places), &config, ctx).await?;
    print!("{}", Banner { places: &places, secrets: &secrets, operator: &provisioned.operator, alone: true });
    server::shutdown_signal().await?;
    println!("\nStopping.");
    app.stop().await;
    saml_idp.stop().await;
    idp.stop().await;
    broker.stop().await;
    Ok(())
}

/// Avouch alone, set up for the others.
///
/// # Errors
/// as [`everything`].
pub async fn broker(config: Config, ctx: Ctx, ports: Ports) -> anyhow::Result<()> {
    let places = Places::new(&config, ports)?;
    let secrets = Secrets::open(&config.data_dir, &ctx.rng)?;
    let provisioned = provision::apply(&config, &ctx, &places).await?;
    let broker = server::start_behind(front::routes(&places), &config, ctx).await?;
    print!("{}", Banner { places: &places, secrets: &secrets, operator: &provisioned.operator, alone: false });
    server::shutdown_signal().await?;
    broker.stop().await;
    Ok(())
}

/// The identity provider alone. It needs no database and does not wait for the broker.
///
/// # Errors
/// as [`everything`].
pub async fn idp(config: Config, ports: Ports) -> anyhow::Result<()> {
    let places = Places::new(&config, ports)?;
    let secrets = Secrets::open(&config.data_dir, &Default::default())?;
    part::until_signal(idp::start(&places, &secrets)?, &places.idp).await
}

/// The SAML identity provider alone. It asks for the broker's metadata when somebody signs in.
///
/// # Errors
/// as [`everything`].
pub async fn saml_idp(config: Config, ports: Ports) -> anyhow::Result<()> {
    let places = Places::new(&config, ports)?;
    let secrets = Secrets::open(&config.data_dir, &Default::default())?;
    part::until_signal(saml_idp::start(&places, &secrets)?, &places.saml_idp).await
}

/// The sample application alone. It asks for the broker's metadata when somebody first signs in.
///
/// # Errors
/// as [`everything`].
pub async fn app(config: Config, ports: Ports) -> anyhow::Result<()> {
    let places = Places::new(&config, ports)?;
    let secrets = Secrets::open(&config.data_dir, &Default::default())?;
    part::until_signal(app::start(&places, &secrets)?, &places.app).await
}
