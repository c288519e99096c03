//! What can go wrong with the embedded Postgres, one cause per variant. Owns the wording: each message is one line that
//! an operator can act on without reading code. Does not decide anything.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why the embedded Postgres did not start. Nothing is left running when one of these is returned.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "no PostgreSQL server programs found (looked in {searched}): apt install postgresql, or set AVOUCH_DATABASE_URL to use a server you run"
    )]
    BinariesMissing { searched: String },

    #[error("AVOUCH_PG_BIN={} is of no use: {reason}; set it to the directory that holds `postgres` and `initdb`, or unset it", dir.display())]
    BinariesOverride { dir: PathBuf, reason: String },

    #[error(
        "PostgreSQL {found} is too old for Avouch, which needs {needed} or newer: install a newer postgresql package, or set AVOUCH_DATABASE_URL"
    )]
    BinariesTooOld { found: u32, needed: u32 },

    #[error(
        "{} was made by PostgreSQL {data} but this machine has {installed}: install postgresql-{data} again (or set AVOUCH_PG_BIN), \
         and to move on, pg_dump with it and restore into an empty data directory; Avouch never upgrades the files by itself",
        cluster.display()
    )]
    VersionMismatch { cluster: PathBuf, data: u32, installed: String },

    #[error("the data directory {} is already in use by another Avouch{}: stop that one, or set AVOUCH_DATA_DIR to a directory of its own", dir.display(), holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    AlreadyRunning { dir: PathBuf, holder: Option<i32> },

    #[error("cannot {action} {}: {source}; make it writable for the user that runs Avouch, or set AVOUCH_DATA_DIR to another directory", path.display())]
    DataDir { action: &'static str, path: PathBuf, source: io::Error },

    #[error("{} holds files but no PostgreSQL cluster (PG_VERSION is missing or unreadable): restore it from a backup, or move it away to start empty", cluster.display())]
    NotACluster { cluster: PathBuf },

    #[error("{} belongs to the user with uid {owner}, and Avouch runs as uid {broker}: run Avouch as its owner, or chown -R the directory", cluster.display())]
    NotOwner { cluster: PathBuf, owner: u32, broker: u32 },

    #[error("{} belongs to root, and PostgreSQL refuses to run as root: chown -R it to the user `{user}`", cluster.display())]
    OwnedByRoot { cluster: PathBuf, user: String },

    #[error(
        "uid {uid} has no entry in /etc/passwd, and PostgreSQL refuses to run without one: run as a user that exists, add an entry (or nss_wrapper) to the image, or set AVOUCH_DATABASE_URL"
    )]
    NoPasswdEntry { uid: u32 },

    #[error(
        "PostgreSQL refuses to run as root and this system has neither a `postgres` nor a `nobody` user to run it as: create one, start Avouch as a normal user, or set AVOUCH_DATABASE_URL"
    )]
    NoServerUser,

    #[error(
        "cannot switch from root to the user `{user}` to run PostgreSQL: {source}; start Avouch as a normal user, or grant the container CAP_SETUID and CAP_SETGID"
    )]
    DropPrivileges { user: String, source: io::Error },

    #[error("the user `{user}`, who runs PostgreSQL because Avouch runs as root, cannot reach {}: allow passage (chmod o+x) on its parent directories, or set AVOUCH_DATA_DIR to e.g. /var/lib/avouch", path.display())]
    Unreachable { user: String, path: PathBuf },

    #[error(
        "no place for PostgreSQL's socket ({tried}): set XDG_RUNTIME_DIR (or as root, /run) to a short directory that only this user can write"
    )]
    SocketDir { tried: String },

    #[error("cannot run {}: {source}; reinstall postgresql, or set AVOUCH_PG_BIN", program.display())]
    Spawn { program: PathBuf, source: io::Error },

    #[error("PostgreSQL could not create the database in {}: {cause}; correct that and start again, nothing has to be cleaned up", cluster.display())]
    Initialise { cluster: PathBuf, cause: String },

    #[error("PostgreSQL did not start: {cause}; details are in {}", log.display())]
    Startup { cause: String, log: PathBuf },

    #[error("PostgreSQL was not ready after {seconds} s and was stopped again: {cause}; see {}", log.display())]
    NotReady { seconds: u64, cause: String, log: PathBuf },

    #[error("a PostgreSQL left over from an earlier run (process {pid}) works on {} and does not stop: stop it (kill -QUIT {pid}) and start again", cluster.display())]
    OrphanStuck { cluster: PathBuf, pid: i32 },
}

/// How stopping differed from a clean shutdown. The data is safe in every case: Postgres recovers from its log at the
/// next start.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error("PostgreSQL had already ended by itself ({0}): its log is in the data directory under pg/log")]
    AlreadyExited(ExitStatus),

    #[error(
        "PostgreSQL did not finish its shutdown within {seconds} s and was ended without it: the next start will recover, which takes longer"
    )]
    Forced { seconds: u64 },

    #[error("PostgreSQL (process {pid}) does not end, not even when killed: look for a hanging disk or network volume")]
    Stuck { pid: i32 },
}
