//! The command line: a thin skin over what the nouns can do. Owns the words of commands, what is printed, and exit codes:
//! 0, 1 for a failure told in one line, 2 for wrong usage.

mod certificates;
mod client;
mod connection;
mod database;
mod demo;
mod doctor;
mod healthcheck;
mod keys;
mod operator;
mod preset;
mod resources;
mod snippet;
mod sp_keys;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Environment, Flags, Purpose};
use crate::{server, startup, telemetry};
use database::Sharing;

#[derive(Parser, Debug)]
#[command(name = "avouch", version, about = "A self-hosted identity broker", max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the broker
    Serve,
    /// Run everything a newcomer needs to look around: broker, identity provider, sample application
    Demo(demo::Demo),
    /// Bring the database's schema up to date and end
    Migrate,
    /// Make the stored resources equal to a file
    Apply(resources::Apply),
    /// Print the stored resources as such a file; secrets are references only
    Export,
    /// What changes at one connection between two resource files
    #[command(subcommand)]
    Connection(connection::Connection),
    /// The clients and resources that a known system needs, as a resource file
    Preset(preset::Preset),
    /// What to paste at a system that a client is used at, filled in
    Snippet(snippet::Snippet),
    /// A new secret for a client
    #[command(subcommand)]
    Client(client::Client),
    /// Break-glass administration
    #[command(subcommand)]
    Operator(operator::Operator),
    /// A person: signed out everywhere, or not let in any more
    #[command(subcommand)]
    User(user::User),
    /// Signing keys and the master key
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Whether the broker is well, and whether a client will work at a system; exit 1 when something will break
    Doctor(doctor::Doctor),
    /// Exit 0 when the broker of this configuration is ready
    Healthcheck,
}

/// Parses the process's arguments and does what they say.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` joins the causes; a cause that brought its own line breaks loses them.
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("avouch: {line}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let purpose = match &arguments.command {
        Command::Serve => Purpose::Serve,
        Command::Demo(_) => Purpose::Demo,
        _ => Purpose::Command,
    };
    let config = Config::load(&arguments.flags, &Environment::of_process(), purpose)?;
    telemetry::init(&config.log.filter, config.log.format);
    match arguments.command {
        Command::Serve => {
            database::with_ctx(&config, Sharing::Alone, async |ctx| server::run(config.clone(), ctx).await)?;
        }
        Command::Demo(demo) => demo.run(config)?,
        Command::Migrate => {
            database::with_options(&config, Sharing::WithRunning, async |options| {
                Ok(startup::migrate(&options).await?)
            })?;
            println!("the database is up to date");
        }
        Command::Apply(apply) => apply.run(&config)?,
        Command::Export => resources::export(&config)?,
        Command::Connection(connection) => connection.run(&config)?,
        Command::Preset(preset) => preset.run()?,
        Command::Snippet(snippet) => snippet.run(&config)?,
        Command::Client(client) => client.run(&config)?,
        Command::Operator(operator) => operator.run(&config)?,
        Command::User(user) => user.run(&config)?,
        Command::Keys(keys) => keys.run(&config)?,
        Command::Doctor(doctor) => return doctor.run(&config),
        Command::Healthcheck => healthcheck::run(&config)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_of_commands_is_sound() {
        Arguments::command().debug_assert();
    }
}
