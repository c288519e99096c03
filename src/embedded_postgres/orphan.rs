//! What an earlier broker may have left behind on a data directory: a live Postgres, its children, a stale pid file.
//! A process counts only if its working directory is the cluster, which Postgres guarantees for itself and its children;
//! the pid file is never believed, because after a crash (or in the next container) its number can be anyone's.
//! Relies on the caller holding the data directory's lock.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::account::Accounts;
use super::error::StartError;
use super::process::signal;

#[derive(Debug, Clone, Copy)]
struct Process {
    pid: i32,
    parent: i32,
}

/// Stops whatever still runs on `cluster` and removes the pid file of whatever no longer does.
pub(super) fn settle(cluster: &Path, accounts: &Accounts) -> Result<(), StartError> {
    let left = processes_on(cluster, accounts);
    if !left.is_empty() {
        let pids: Vec<i32> = left.iter().map(|process| process.pid).collect();
        tracing::warn!(cluster = %cluster.display(), ?pids, "stopping a PostgreSQL left over from an earlier run");
        stop(cluster, accounts, left)?;
    }
    match fs::remove_file(cluster.join("postmaster.pid")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StartError::DataDir {
            action: "remove the stale postmaster.pid from",
            path: cluster.to_owned(),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Fast shutdown for the postmaster; after 10 s, immediate shutdown for all. Children that have lost their postmaster
/// end by themselves once they notice.
fn stop(cluster: &Path, accounts: &Accounts, mut left: Vec<Process>) -> Result<(), StartError> {
    for (how, patience) in [(libc::SIGINT, 10), (libc::SIGQUIT, 5)] {
        for process in &left {
            let is_root = left.iter().all(|other| other.pid != process.parent);
            if is_root || how == libc::SIGQUIT {
                signal(process.pid, how);
            }
        }
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(patience) {
            left = processes_on(cluster, accounts);
            if left.is_empty() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Err(StartError::OrphanStuck { cluster: cluster.to_owned(), pid: left.first().map_or(0, |process| process.pid) })
}

/// Live Postgres processes whose working directory is `cluster`. Zombies have none, so they do not count.
fn processes_on(cluster: &Path, accounts: &Accounts) -> Vec<Process> {
    let Ok(wanted) = fs::metadata(cluster) else {
        return Vec::new();
    };
    let wanted = (wanted.dev(), wanted.ino());
    // The working directory of another user's process can be read only with that user's identity or CAP_SYS_PTRACE,
    // which root in a container lacks (proc_pid_cwd(5)). The identity is a thread's own, and this thread ends with it.
    thread::scope(|scope| {
        let scan = scope.spawn(|| {
            if accounts.differ() {
                // SAFETY: both calls take plain ids and affect the calling thread only (setfsuid(2)).
                unsafe {
                    libc::setfsgid(accounts.server.gid);
                    libc::setfsuid(accounts.server.uid);
                }
            }
            scan(wanted)
        });
        scan.join().unwrap_or_default()
    })
}

fn scan(wanted: (u64, u64)) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let cwd = fs::metadata(entry.path().join("cwd")).ok()?;
            if (cwd.dev(), cwd.ino()) != wanted {
                return None;
            }
            let (name, parent) = parse_stat(&fs::read_to_string(entry.path().join("stat")).ok()?)?;
            // An operator's shell may stand in the directory too; it is none of our business.
            let ours = ["postgres", "postmaster", "initdb"].iter().any(|part| name.contains(part));
            ours.then_some(Process { pid, parent })
        })
        .collect()
}

/// Name and parent from `/proc/<pid>/stat` (proc_pid_stat(5)): `pid (name) state ppid ...`; the name may hold anything.
fn parse_stat(stat: &str) -> Option<(String, i32)> {
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let parent = after.split_whitespace().nth(1)?.parse().ok()?;
    Some((name, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_parent_are_read_even_if_the_name_is_odd() {
        assert_eq!(parse_stat("12 (postgres) S 7 12 12 0"), Some(("postgres".to_owned(), 7)));
        assert_eq!(parse_stat("12 (a) (b) S 7 1"), Some(("a) (b".to_owned(), 7)));
        assert_eq!(parse_stat(""), None);
    }
}
