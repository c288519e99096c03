//! Finds the `postgres` and `initdb` programs to use. Owns the search order and the version rule (a data directory opens
//! only with the major version that made it). Does not install or download anything.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::account::Accounts;
use super::error::StartError;
use super::process::{self, Purpose};

/// The oldest major version the migrations and settings are written for.
const OLDEST: u32 = 14;

/// A directory with a usable server, and its major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// The server programs for `cluster`: those of major version `data` if it exists already, else the newest.
    pub fn find(cluster: &Path, data: Option<u32>, accounts: &Accounts) -> Result<Binaries, StartError> {
        let found = match env::var_os("AVOUCH_PG_BIN").filter(|value| !value.is_empty()) {
            Some(dir) => vec![overridden(PathBuf::from(dir), accounts)?],
            None => installed(accounts)?,
        };
        choose(found, data, cluster)
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

fn choose(mut found: Vec<Binaries>, data: Option<u32>, cluster: &Path) -> Result<Binaries, StartError> {
    found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    let newest = found.first().map_or(0, |binaries| binaries.major);
    let installed = found.iter().map(|b| b.major.to_string()).collect::<Vec<_>>().join(", ");
    let chosen = match data {
        Some(data) => found
            .into_iter()
            .find(|binaries| binaries.major == data)
            .ok_or_else(|| StartError::VersionMismatch { cluster: cluster.to_owned(), data, installed })?,
        None => found.into_iter().next().ok_or_else(|| StartError::BinariesMissing { searched: places() })?,
    };
    if chosen.major < OLDEST {
        return Err(StartError::BinariesTooOld { found: newest, needed: OLDEST });
    }
    Ok(chosen)
}

fn overridden(dir: PathBuf, accounts: &Accounts) -> Result<Binaries, StartError> {
    let refuse = |reason: String| StartError::BinariesOverride { dir: dir.clone(), reason };
    let dir = dir.canonicalize().map_err(|error| refuse(error.to_string()))?;
    if !is_complete(&dir) {
        return Err(refuse("`postgres` or `initdb` is missing there".to_owned()));
    }
    match probe(&dir, accounts)? {
        Ok(major) => Ok(Binaries { dir, major }),
        Err(error) => Err(refuse(format!("`postgres --version` failed: {error}"))),
    }
}

fn installed(accounts: &Accounts) -> Result<Vec<Binaries>, StartError> {
    let mut found: Vec<Binaries> = Vec::new();
    for dir in candidates() {
        // Links such as /usr/bin/postgres lead to the directory that holds the whole server.
        let Ok(program) = dir.join("postgres").canonicalize() else {
            continue;
        };
        let Some(dir) = program.parent().filter(|dir| is_complete(dir)) else {
            continue;
        };
        if found.iter().any(|known| known.dir == dir) {
            continue;
        }
        match probe(dir, accounts)? {
            Ok(major) => found.push(Binaries { dir: dir.to_owned(), major }),
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "ignoring a PostgreSQL that does not run");
            }
        }
    }
    if found.is_empty() {
        return Err(StartError::BinariesMissing { searched: places() });
    }
    Ok(found)
}

/// Distribution layouts: Debian and Ubuntu, the PGDG rpm packages, Alpine; then whatever is on PATH.
fn candidates() -> Vec<PathBuf> {
    let mut dirs = matching("/usr/lib/postgresql", "", "bin");
    dirs.extend(matching("/usr", "pgsql-", "bin"));
    dirs.extend(matching("/usr/libexec", "postgresql", ""));
    if dirs.is_empty() {
        dirs.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()).filter(|dir| dir.is_absolute()));
    }
    dirs
}

fn matching(parent: &str, prefix: &str, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(below))
        .collect()
}

fn places() -> String {
    "/usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, /usr/libexec/postgresql*, PATH".to_owned()
}

fn is_complete(dir: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|name| dir.join(name).is_file())
}

/// Asks the program for its version as the user who will run it, so that a program that user may not execute is noticed
/// here. The outer error is one that no other directory would cure.
fn probe(dir: &Path, accounts: &Accounts) -> Result<io::Result<u32>, StartError> {
    let program = dir.join("postgres");
    let mut command = process::command(&program, accounts, Path::new("/"), Purpose::Prepare);
    let output = match command.arg("--version").output() {
        Ok(output) => output,
        Err(source) if source.raw_os_error() == Some(libc::EPERM) => {
            return Err(StartError::DropPrivileges { user: accounts.server.name.clone(), source });
        }
        Err(error) => return Ok(Err(error)),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(parse_major(&text).ok_or_else(|| io::Error::other(format!("unexpected answer {:?}", text.trim()))))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` or `... 18beta1` -> the major version.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn having(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|&major| Binaries { dir: PathBuf::new(), major }).collect()
    }

    #[test]
    fn the_major_version_is_read_from_what_postgres_prints() {
        for (text, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1", Some(18)),
            ("postgres (PostgreSQL) 9.6.24", Some(9)),
            ("", None),
        ] {
            assert_eq!(parse_major(text), major, "{text:?}");
        }
    }

    #[test]
    fn a_new_cluster_takes_the_newest_and_an_old_one_its_own_version() {
        let cluster = Path::new("/pg");
        assert_eq!(choose(having(&[15, 17, 16]), None, cluster).unwrap().major, 17);
        assert_eq!(choose(having(&[15, 17, 16]), Some(15), cluster).unwrap().major, 15);
    }

    #[test]
    fn another_major_version_and_one_too_old_are_refused() {
        let cluster = Path::new("/pg");
        let refused = choose(having(&[15, 17]), Some(16), cluster).unwrap_err().to_string();
        assert!(refused.contains("made by PostgreSQL 16 but this machine has 17, 15"), "{refused}");
        assert!(matches!(choose(having(&[12]), None, cluster), Err(StartError::BinariesTooOld { found: 12, .. })));
    }
}
