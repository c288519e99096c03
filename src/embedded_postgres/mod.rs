//! A private Postgres for `one command` installations: made, started and stopped by the broker itself, reachable through a
//! Unix socket only. Owns everything below `<data_dir>/pg`. Does not run migrations, does not open connections, and never
//! upgrades a cluster to another major version. Linux only; elsewhere set `AVOUCH_DATABASE_URL`.
//!
//! Who ends it: `stop` or `Drop` (fast shutdown); the kernel when the broker is killed (parent-death signal); the next
//! start if even that failed (`orphan`). Two brokers on one data directory exclude each other by `lock`.

mod account;
mod binaries;
mod data_dir;
mod error;
mod lock;
mod log;
mod orphan;
mod process;
mod server;
mod settings;
mod socket_dir;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use account::Accounts;
use binaries::Binaries;
use data_dir::DataDir;
use lock::Lock;
use process::Purpose;
use server::{Server, Startup};
use settings::ROLE;
use socket_dir::SocketDir;

pub use error::{StartError, StopError};

/// The broker's database.
const DATABASE: &str = "avouch";

/// Generous, since recovery after a crash counts too; a healthy start takes well under a second.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// A running Postgres. Fields are dropped in this order: server gone, socket directory removed, lock released.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    server: Server,
    socket_dir: SocketDir,
    major: u32,
    _lock: Lock,
}

/// Starts Postgres on `<data_dir>/pg`, making the data directory, the cluster, the role `broker` and the database
/// `avouch` on the first run, and returns when it accepts connections. Blocks: up to about 2 s the first time, a few
/// hundred milliseconds later, 15 s before it gives up on a data directory in use. Call it before any runtime exists.
///
/// Reads `AVOUCH_PG_BIN` (directory of the server programs to use). As root, Postgres runs as `postgres` or `nobody`.
pub fn start(data_dir: &Path) -> Result<EmbeddedPostgres, StartError> {
    let data = DataDir::open(data_dir)?;
    let lock = Lock::acquire(data.path())?;
    let cluster = data.cluster();
    let accounts = Accounts::choose(&cluster)?;
    let existing = data.cluster_major()?;
    let binaries = Binaries::find(&cluster, existing, &accounts)?;
    data.admit(&accounts)?;
    if existing.is_none() {
        tracing::info!(cluster = %cluster.display(), major = binaries.major, "creating the embedded PostgreSQL");
        data.initialise(&binaries, &accounts)?;
    }
    orphan::settle(&cluster, &accounts)?;
    let socket_dir = SocketDir::prepare(data.path(), &accounts)?;
    settings::write(&cluster, socket_dir.to_str(), &accounts).map_err(|source| StartError::DataDir {
        action: "write the settings in",
        path: cluster.clone(),
        source,
    })?;
    let server = launch(&data, &cluster, &binaries, &accounts)?;
    tracing::debug!(cluster = %cluster.display(), socket = %socket_dir.path().display(), "embedded PostgreSQL is ready");
    Ok(EmbeddedPostgres { server, socket_dir, major: binaries.major, _lock: lock })
}

fn launch(data: &DataDir, cluster: &Path, binaries: &Binaries, accounts: &Accounts) -> Result<Server, StartError> {
    let program: PathBuf = binaries.program("postgres");
    let mut command = process::command(&program, accounts, cluster, Purpose::Serve);
    command.arg("-D").arg(cluster);
    let log = data.open_start_log()?;
    let also = log.try_clone().map_err(|source| StartError::Spawn { program: program.clone(), source })?;
    command.stdout(log).stderr(also);

    let server = Server::spawn(command).map_err(|source| process::spawn_error(&program, accounts, cluster, source))?;
    let outcome = server.wait_ready(cluster, START_PATIENCE);
    let cause = || log::cause_of_failed_start(&data.start_log(), cluster);
    match outcome {
        Startup::Ready => Ok(server),
        Startup::Ended(status) => Err(StartError::Startup {
            cause: cause().unwrap_or_else(|| format!("it ended with {status}")),
            log: data.start_log(),
        }),
        Startup::TimedOut => {
            let _ = server.stop();
            Err(StartError::NotReady {
                seconds: START_PATIENCE.as_secs(),
                cause: cause().unwrap_or_else(|| "it said nothing".to_owned()),
                log: data.start_log(),
            })
        }
    }
}

impl EmbeddedPostgres {
    /// How to connect to the broker's database, as the role `broker`, without a password (the socket's peer is checked).
    pub fn connect_options(&self) -> PgConnectOptions {
        self.connect_options_for(DATABASE)
    }

    /// The same for another database on this server; `broker` may create some.
    pub fn connect_options_for(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.socket_dir.path())
            .port(5432)
            .username(ROLE)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// The major version of the server, such as 15.
    pub fn major_version(&self) -> u32 {
        self.major
    }

    /// Shuts Postgres down and waits for its end, at most about 20 s. Close pools first: open connections are cut.
    pub fn stop(self) -> Result<(), StopError> {
        self.server.stop()
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Err(error) = self.server.stop() {
            tracing::warn!(%error, "embedded PostgreSQL did not shut down cleanly");
        }
    }
}
