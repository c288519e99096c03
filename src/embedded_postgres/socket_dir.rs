//! The directory of Postgres's socket. A socket path has at most 107 bytes (`sun_path`, unix(7)), so it lives in a short
//! runtime directory and not inside a data directory that may be nested deeply. Only the server's user and root can enter.

use std::env;
use std::fs::{self, DirBuilder, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use super::account::Accounts;
use super::error::StartError;

const LONGEST_SOCKET_PATH: usize = 107;
const SOCKET: &str = ".s.PGSQL.5432";

/// Removed again, socket and all, when dropped.
#[derive(Debug)]
pub(super) struct SocketDir {
    path: PathBuf,
}

impl SocketDir {
    /// Makes an empty directory, named after the data directory so that every data directory has its own. Call it only
    /// when no server runs on that data directory: sockets left there by a killed one are removed.
    pub fn prepare(data_dir: &Path, accounts: &Accounts) -> Result<SocketDir, StartError> {
        let mut hasher = DefaultHasher::new();
        data_dir.hash(&mut hasher);
        let leaf = format!("{:016x}", hasher.finish());
        let mut tried = Vec::new();
        for parent in parents(accounts.broker.uid) {
            let path = parent.join(&leaf);
            match make(&parent, &path, accounts) {
                Ok(()) => return Ok(SocketDir { path }),
                Err(error) => tried.push(format!("{}: {error}", path.display())),
            }
        }
        Err(StartError::SocketDir { tried: tried.join(", ") })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `make` refuses a path that is not UTF-8, so nothing is lost here.
    pub fn to_str(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Candidates, best first. In shared places the name carries the uid, since the first user to come owns it.
fn parents(uid: u32) -> Vec<PathBuf> {
    let mut parents = Vec::new();
    if uid == 0 {
        parents.push(PathBuf::from("/run/avouch"));
    } else if let Some(dir) = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute()) {
        parents.push(dir.join("avouch"));
    }
    for shared in [env::temp_dir(), PathBuf::from("/tmp")] {
        parents.push(shared.join(format!("avouch-{uid}")));
    }
    parents.dedup();
    parents
}

fn make(parent: &Path, path: &Path, accounts: &Accounts) -> io::Result<()> {
    if path.to_str().is_none() {
        return Err(io::Error::other("the path is not UTF-8"));
    }
    if path.as_os_str().len() + 1 + SOCKET.len() > LONGEST_SOCKET_PATH {
        return Err(io::Error::other("the path is too long for a socket"));
    }
    // The server's user only passes through root's directory; its own is the leaf.
    let passage = if accounts.differ() { 0o711 } else { 0o700 };
    match DirBuilder::new().mode(passage).create(parent) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(parent)?;
    if !found.is_dir() || found.uid() != accounts.broker.uid || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("it exists, and is not a directory that only this user can write"));
    }
    if accounts.differ() && found.mode() & 0o001 == 0 {
        fs::set_permissions(parent, Permissions::from_mode(passage))?;
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(path)?;
    if accounts.differ() {
        lchown(path, Some(accounts.server.uid), Some(accounts.server.gid))?;
    }
    Ok(())
}
