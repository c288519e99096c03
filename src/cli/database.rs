//! Which database a command works on: the operator's, the embedded one, or the embedded one of a broker that runs now.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::ctx::Ctx;
use crate::embedded_postgres::{self, EmbeddedPostgres};
use crate::startup;

/// Whether a broker that runs on the same data directory is in the way or welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The broker itself.
    Alone,
    /// Commands that administer it.
    WithRunning,
}

/// Opens everything, runs `work`, closes everything. The embedded Postgres starts here, on the main thread and before
/// the runtime: it dies with the thread that started it.
pub(super) fn with_ctx<T>(
    config: &Config,
    sharing: Sharing,
    work: impl AsyncFnOnce(Ctx) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_options(config, sharing, async |options| {
        let ctx = startup::open(config, options, Arc::new(SystemClock)).await?;
        let pool = ctx.db.clone();
        let outcome = work(ctx).await;
        pool.close().await;
        outcome
    })
}

pub(super) fn with_options<T>(
    config: &Config,
    sharing: Sharing,
    work: impl AsyncFnOnce(PgConnectOptions) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (options, embedded) = choose(config, sharing)?;
    let outcome = actix_web::rt::System::new().block_on(work(options));
    if let Some(postgres) = embedded
        && let Err(error) = postgres.stop()
    {
        tracing::warn!("{error}");
    }
    outcome
}

fn choose(config: &Config, sharing: Sharing) -> anyhow::Result<(PgConnectOptions, Option<EmbeddedPostgres>)> {
    if let Some(options) = config.database_options() {
        return Ok((options, None));
    }
    if sharing == Sharing::WithRunning && is_locked(&config.data_dir) {
        return Ok((running(&config.data_dir)?, None));
    }
    let postgres = embedded_postgres::start(&config.data_dir)?;
    Ok((postgres.connect_options(), Some(postgres)))
}

/// Whether a broker holds the data directory now.
fn is_locked(data_dir: &Path) -> bool {
    let file = File::options().read(true).write(true).open(data_dir.join("avouch.lock"));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// How to reach the Postgres of the broker that runs, which may just be starting it.
fn running(data_dir: &Path) -> anyhow::Result<PgConnectOptions> {
    let pid_file = data_dir.join("pg/postmaster.pid");
    for _ in 0..50 {
        if let Some(options) = std::fs::read_to_string(&pid_file).ok().and_then(|text| socket_of(&text)) {
            return Ok(options);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(anyhow::anyhow!("{} tells no socket", pid_file.display()))
        .context("another Avouch uses this data directory and its database does not come up; try again or stop it")
}

/// postmaster.pid: line 4 is the port, line 5 the socket directory, line 8 `ready` once connections are taken.
fn socket_of(postmaster_pid: &str) -> Option<PgConnectOptions> {
    let lines: Vec<&str> = postmaster_pid.lines().map(str::trim).collect();
    let port = lines.get(3)?.parse().ok()?;
    let socket_dir = lines.get(4).filter(|dir| !dir.is_empty())?;
    (*lines.get(7)? == "ready").then(|| {
        PgConnectOptions::new_without_pgpass()
            .socket(socket_dir)
            .port(port)
            .username("broker")
            .database("avouch")
            .ssl_mode(PgSslMode::Disable)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_read_from_postmaster_pid_once_it_is_ready() {
        let text = "41\n/data/pg\n1700000000\n5432\n/run/avouch/0123\n\n  5432001  1\nready   \n";
        let options = socket_of(text).unwrap();
        assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/avouch/0123"));
        assert!(socket_of(&text.replace("ready", "starting")).is_none());
        assert!(socket_of("41\n").is_none());
    }
}
