//! Every way a broker, its Postgres or both can die, and what the next start makes of it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use avouch::embedded_postgres::StopError;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::observe::{ask, is_alive, is_root, kill, postmaster, start, wait_until};

#[test]
fn the_thread_that_starts_it_may_end() {
    let data = TempDir::new().unwrap();
    let path = data.path().to_owned();
    let postgres = std::thread::spawn(move || start(&path)).join().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(ask(&postgres, "SELECT 'alive'"), "alive");
}

#[test]
fn killing_the_broker_shuts_postgres_down_cleanly() {
    let data = TempDir::new().unwrap();
    let mut broker = Broker::start(data.path(), None);
    broker.child.kill().unwrap();
    broker.child.wait().unwrap();
    wait_until("postgres is gone", || !is_alive(broker.postmaster));
    assert!(!data.path().join("pg/postmaster.pid").exists(), "a clean shutdown removes its pid file");
    let postgres = start(data.path());
    assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
}

#[test]
fn killing_both_the_broker_and_postgres_is_recovered_from() {
    let data = TempDir::new().unwrap();
    let mut broker = Broker::start(data.path(), None);
    kill(broker.postmaster, libc::SIGKILL);
    broker.child.kill().unwrap();
    broker.child.wait().unwrap();
    assert!(data.path().join("pg/postmaster.pid").exists(), "nobody could remove it");
    let postgres = start(data.path());
    assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
}

#[test]
fn a_postgres_that_outlived_its_broker_is_stopped_and_replaced() {
    let data = TempDir::new().unwrap();
    let cluster = data.path().join("pg");
    let postgres = start(data.path());
    let line = fs::read(format!("/proc/{}/cmdline", postmaster(data.path()))).unwrap();
    let program = OsStr::from_bytes(line.split(|&byte| byte == 0).next().unwrap()).to_owned();
    postgres.stop().unwrap();
    // The same server, but nothing ends it together with its broker.
    let mut command = Command::new(program);
    command.arg("-D").arg(&cluster).args(["-k", "."]).current_dir("/").stderr(Stdio::null());
    if is_root() {
        let owner = fs::metadata(&cluster).unwrap();
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut orphan = command.spawn().unwrap();
    wait_until("the orphan is ready", || {
        fs::read_to_string(cluster.join("postmaster.pid")).is_ok_and(|file| file.contains("ready"))
    });
    let postgres = start(data.path());
    assert!(orphan.wait().unwrap().success(), "it was shut down cleanly");
    assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
}

#[test]
fn a_stale_pid_file_that_names_somebody_elses_process_is_ignored() {
    let data = TempDir::new().unwrap();
    start(data.path()).stop().unwrap();
    // A live process that is not Postgres: this test itself.
    let stale =
        format!("{}\n{}\n1700000000\n5432\n\n\n\nready\n", std::process::id(), data.path().join("pg").display());
    fs::write(data.path().join("pg/postmaster.pid"), stale).unwrap();
    let postgres = start(data.path());
    assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
}

#[test]
fn an_interrupted_first_start_is_begun_anew() {
    let data = TempDir::new().unwrap();
    fs::create_dir(data.path().join("pg.init")).unwrap();
    fs::write(data.path().join("pg.init/PG_VERSION"), "15\n").unwrap();
    let postgres = start(data.path());
    assert_eq!(ask(&postgres, "SELECT 'open'"), "open");
    assert!(!data.path().join("pg.init").exists());
}

#[test]
fn a_postgres_that_died_is_reported_when_stopping() {
    let data = TempDir::new().unwrap();
    let postgres = start(data.path());
    let pid = postmaster(data.path());
    kill(pid, libc::SIGKILL);
    wait_until("postgres is gone", || !is_alive(pid));
    assert!(matches!(postgres.stop(), Err(StopError::AlreadyExited(_))));
    assert_eq!(ask(&start(data.path()), "SELECT 'open'"), "open");
}
