//! The data directory on disk: `pg` (the cluster), `pg.init` (a cluster in the making), `pg-start.log`. Owns creating the
//! cluster in one atomic step. Does not know how a server is run or configured.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use super::account::Accounts;
use super::binaries::Binaries;
use super::error::StartError;
use super::process::{self, Purpose};
use super::settings::{ROLE, SUPERUSER};
use super::{DATABASE, log};

#[derive(Debug)]
pub(super) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Opens the directory, creating it if it does not exist: mode 0700, the directories above with the usual one.
    pub fn open(path: &Path) -> Result<DataDir, StartError> {
        if !path.is_dir() {
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| DirBuilder::new().mode(0o700).create(path))
                .map_err(|source| failed("create", path, source))?;
        }
        let root = path.canonicalize().map_err(|source| failed("open", path, source))?;
        Ok(DataDir { root })
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn cluster(&self) -> PathBuf {
        self.root.join("pg")
    }

    fn staging(&self) -> PathBuf {
        self.root.join("pg.init")
    }

    /// What Postgres says before its own log takes over; truncated at each start.
    pub fn start_log(&self) -> PathBuf {
        self.root.join("pg-start.log")
    }

    pub fn open_start_log(&self) -> Result<File, StartError> {
        let path = self.start_log();
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| failed("write", &path, source))
    }

    /// The major version that made the cluster, or `None` when there is no cluster yet.
    pub fn cluster_major(&self) -> Result<Option<u32>, StartError> {
        let cluster = self.cluster();
        match fs::read_to_string(cluster.join("PG_VERSION")) {
            Ok(text) => {
                let major = text.trim().split('.').next().and_then(|major| major.parse().ok());
                major.map(Some).ok_or(StartError::NotACluster { cluster })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match fs::read_dir(&cluster).map(|mut entries| entries.next().is_some()) {
                    Ok(true) => Err(StartError::NotACluster { cluster }),
                    _ => Ok(None),
                }
            }
            Err(source) => Err(failed("read", &cluster, source)),
        }
    }

    /// Lets the server's user pass through the data directory, which belongs to root. Passage only: it cannot list the
    /// directory, and the files beside the cluster have their own modes. Directories above are the operator's business.
    pub fn admit(&self, accounts: &Accounts) -> Result<(), StartError> {
        if !accounts.differ() {
            return Ok(());
        }
        let failed = |source| failed("change the mode of", &self.root, source);
        let found = fs::metadata(&self.root).map_err(failed)?;
        if found.uid() != accounts.server.uid && found.mode() & 0o001 == 0 {
            let mode = found.mode() & 0o7777 | 0o001;
            fs::set_permissions(&self.root, Permissions::from_mode(mode)).map_err(failed)?;
        }
        Ok(())
    }

    /// Makes the cluster with its role and database in `pg.init` and renames it to `pg` when it is complete and on disk,
    /// so that a crash anywhere leaves either no cluster or a whole one.
    pub fn initialise(&self, binaries: &Binaries, accounts: &Accounts) -> Result<(), StartError> {
        let staging = self.staging();
        let failed = |action| {
            let staging = staging.clone();
            move |source| failed(action, &staging, source)
        };
        super::orphan::settle(&staging, accounts)?;
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove")(error));
            }
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&staging).map_err(failed("create"))?;
        if accounts.differ() {
            lchown(&staging, Some(accounts.server.uid), Some(accounts.server.gid)).map_err(failed("hand over"))?;
        }
        self.run_initdb(binaries, accounts)?;
        self.create_database(binaries, accounts)?;
        sync_file_system(&staging).map_err(failed("write"))?;
        fs::rename(&staging, self.cluster()).map_err(failed("rename"))?;
        File::open(&self.root).and_then(|dir| dir.sync_all()).map_err(failed("write"))
    }

    fn run_initdb(&self, binaries: &Binaries, accounts: &Accounts) -> Result<(), StartError> {
        let staging = self.staging();
        let mut command = process::command(&binaries.program("initdb"), accounts, &staging, Purpose::Prepare);
        command.arg("--pgdata").arg(&staging);
        command.args(["--username", SUPERUSER, "--auth=peer", "--encoding=UTF8"]);
        // Bytewise order (no dependency on the system's collation version), but upper and lower case beyond ASCII.
        command.args(["--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C", "--lc-monetary=C"]);
        command.args(["--lc-numeric=C", "--lc-time=C", "--data-checksums"]);
        // initdb would fsync a thousand files one by one; `initialise` syncs once instead.
        command.arg("--no-sync");
        self.finish(process::run(command, "", accounts, &staging)?)
    }

    /// Single-user mode needs no socket, no client program and no authentication.
    fn create_database(&self, binaries: &Binaries, accounts: &Accounts) -> Result<(), StartError> {
        let staging = self.staging();
        let mut command = process::command(&binaries.program("postgres"), accounts, &staging, Purpose::Prepare);
        command.args(["--single", "-F", "-c", "exit_on_error=on", "-c", "log_checkpoints=off"]);
        command.arg("-D").arg(&staging).arg("template1");
        let script = format!("CREATE ROLE {ROLE} LOGIN CREATEDB\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n");
        self.finish(process::run(command, &script, accounts, &staging)?)
    }

    fn finish(&self, output: std::process::Output) -> Result<(), StartError> {
        if output.status.success() {
            return Ok(());
        }
        Err(StartError::Initialise {
            cluster: self.cluster(),
            cause: log::cause(&String::from_utf8_lossy(&output.stderr))
                .unwrap_or_else(|| format!("it ended with {}", output.status)),
        })
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StartError {
    StartError::DataDir { action, path: path.to_owned(), source }
}

fn sync_file_system(dir: &Path) -> io::Result<()> {
    let dir = File::open(dir)?;
    // SAFETY: the descriptor is open for the duration of the call.
    match unsafe { libc::syncfs(dir.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
